// SPDX-License-Identifier: MIT

// This file starts, ends and restarts the server the scenarios run against: see server-contract.md.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { endWithUs } from "../../../conformance/lib/orphans.mjs";

// Below the ports that systems assign by themselves: no program gets one of these by chance while the server is down. Each
// process has some of its own.
const FIRST = 10_000;
const SPAN = 22_000;
const EACH = 40;
let next = 0;

async function steadyPort(): Promise<number> {
  for (;;) {
    const port = FIRST + ((process.pid * EACH + (next++ % EACH)) % SPAN);
    const probe = createServer();
    const free = await new Promise((resolve) => {
      probe.once("error", () => resolve(false));
      probe.listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise((resolve) => probe.close(resolve));
    if (free) return port;
  }
}

/** The server under test. */
export class ServerProcess {
  url = process.env["SOCKETIO_URL"] ?? "";
  /** Whether the test owns the process. */
  readonly owned = !this.url;
  private child: ChildProcess | undefined;
  private port = 0;

  /** The variables are added to its environment. */
  constructor(private readonly env: Record<string, string> = {}) {}

  async start(): Promise<void> {
    if (!this.owned) return;
    const [cmd = "", ...args] = (process.env["SERVER_CMD"] ?? `${process.execPath} test/node-server.mjs`).split(" ");
    this.port ||= await steadyPort();
    const child = spawn(cmd, args, { env: { ...process.env, ...this.env, PORT: String(this.port) }, stdio: ["ignore", "pipe", "inherit"] });
    this.child = endWithUs(child);
    const lines = createInterface({ input: child.stdout! });
    for await (const line of lines) {
      const m = /^listening (\d+)$/.exec(line);
      if (!m) continue;
      this.port = Number(m[1]);
      this.url = `http://127.0.0.1:${this.port}`;
      child.stdout!.resume();
      return;
    }
    throw new Error("the server ended without a word");
  }

  async stop(): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null) return;
    this.child = undefined;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  }
}
