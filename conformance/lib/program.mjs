// SPDX-License-Identifier: MIT
// Server programs: starting one, ending it, and judging how it ended.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { endWithUs } from "./orphans.mjs";
import { within } from "./wait.mjs";

const START_PATIENCE = 60000;
const STOP_PATIENCE = 60000;

// Linux only.
function descendants(pid) {
  const parents = new Map();
  for (const entry of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const [, , , parent] = readFileSync(`/proc/${entry}/stat`, "utf8").replace(/\(.*\)/s, "()").split(" ", 4);
      parents.set(Number(entry), Number(parent));
    } catch {} // it has ended
  }
  const below = (of) => [...parents].filter(([, parent]) => parent === of).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

const commandOf = (text) => (existsSync(text) ? [text] : text.split(" "));

// A running server program. Its stdout carries one line, "listening <port>".
export class Program {
  #child;
  #exit;
  #stderr = "";

  // parts: the command and its arguments; without them those of SERVER_CMD.
  static async start(env = {}, parts = undefined) {
    const program = new Program();
    await program.#start(env, parts ?? commandOf(process.env.SERVER_CMD));
    return program;
  }

  async #start(env, [command, ...args]) {
    const child = endWithUs(spawn(command, args, { env: { ...process.env, PORT: "0", ...env }, stdio: ["ignore", "pipe", "pipe"] }));
    this.#child = child;
    this.#exit = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
      child.once("error", (error) => resolve({ error }));
    });
    child.stderr.setEncoding("utf8").on("data", (text) => (this.#stderr += text));
    const lines = createInterface({ input: child.stdout });
    const first = new Promise((resolve) => lines.once("line", resolve));
    const line = await within(
      Promise.race([first, this.#exit.then((how) => Promise.reject(this.#died(how)))]),
      "the server's first line",
      START_PATIENCE,
    );
    const match = /^listening (\d+)$/.exec(line);
    assert.ok(match, `first line of stdout is ${JSON.stringify(line)}`);
    lines.on("line", (extra) => (this.#stderr += `unexpected on stdout: ${extra}\n`));
    this.port = Number(match[1]);
    this.url = `http://127.0.0.1:${this.port}`;
  }

  #died(how) {
    return new Error(`the server ended early: ${JSON.stringify(how)}\n${this.#stderr}`);
  }

  // What it has written to stderr.
  get log() {
    return this.#stderr;
  }

  // With NODES, the servers are processes that the program has started: these get it too.
  signal(name) {
    if (process.env.NODES) for (const pid of descendants(this.#child.pid)) process.kill(pid, name);
    this.#child.kill(name);
  }

  // Ends the program at once, as a crash would.
  async kill() {
    this.#child.kill("SIGKILL");
    await within(this.#exit, "the killed server's end", STOP_PATIENCE);
  }

  // Ends the program as an operator would, and fails if it ended badly.
  async stop() {
    this.#child.kill("SIGTERM");
    let how;
    try {
      how = await within(this.#exit, "the server's end after SIGTERM", STOP_PATIENCE);
    } catch (error) {
      this.#child.kill("SIGKILL");
      throw error;
    }
    assert.deepEqual(how, { code: 0, signal: null }, `the server ended badly:\n${this.#stderr}`);
    assert.doesNotMatch(this.#stderr, /DATA RACE|panic|unexpected on stdout/, this.#stderr);
  }
}
