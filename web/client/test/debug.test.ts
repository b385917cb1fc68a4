// SPDX-License-Identifier: MIT

// This file tests the lines that the development bundle and the one for Node print on request.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import vm from "node:vm";
import { FakeServer, received } from "./fake-server.ts";
import { event } from "./scenarios.ts";

let server: FakeServer;

beforeEach(async () => {
  server = await new FakeServer().start();
});

afterEach(() => server.stop());

/** A page with a script of dist/, and the lines that it prints. */
function page(name: string, storage: () => unknown): { io: any; lines: string[] } {
  const lines: string[] = [];
  const print = (...args: unknown[]): void => void lines.push(args.map(String).join(" "));
  const { fetch, Headers, Response, URLSearchParams, AbortController, setTimeout, clearTimeout, atob, btoa } = globalThis;
  const globals = { fetch, Headers, Response, URLSearchParams, AbortController, setTimeout, clearTimeout, atob, btoa };
  const self: Record<string, unknown> = { ...globals, ArrayBuffer, Uint8Array, TextEncoder, TextDecoder };
  self["console"] = { log: print, debug: print, info: print, warn: print, error: print };
  Object.defineProperty(self, "localStorage", { get: storage });
  self["self"] = self;
  vm.runInNewContext(readFileSync(`dist/${name}`, "utf8"), self);
  return { io: self["io"], lines };
}

/** Connects, sends, receives and disconnects. Lines come without their times. */
async function conversation({ io, lines }: ReturnType<typeof page>): Promise<string[]> {
  const socket = io(server.url + "/chat", { forceNew: true, transports: ["polling"], reconnection: false });
  socket.emit("early", 1);
  await event(socket, "connect");
  const session = server.sessions.at(-1)!;
  socket.emit("hello", { deep: [Uint8Array.of(1, 2, 3)] }, () => undefined);
  await received(session, "bAQID");
  session.send('42/chat,["nobody listens",1]', '42/chat,["heard"]');
  await event(socket, "heard");
  socket.disconnect();
  return lines.map((line) => line.replace(/ \+\d+ms$/, ""));
}

describe("localStorage.debug in the development bundle", () => {
  test("packets are readable", async () => {
    const lines = await conversation(page("socket.io.js", () => ({ debug: "socket.io*" })));
    const { port } = new URL(server.url);
    for (const line of [
      `socket.io-client:manager connecting to 127.0.0.1:${port} attempt 0`,
      'socket.io-client:socket /chat not connected: event waits ["early",1]',
      "socket.io-client:manager open",
      "socket.io-client:socket /chat sent CONNECT",
      'socket.io-client:socket /chat received CONNECT {"sid":"id-session-0"}',
      'socket.io-client:socket /chat sent EVENT ["early",1]',
      'socket.io-client:socket /chat sent EVENT 0 ["hello",{"deep":["<3 bytes>"]}]',
      'socket.io-client:socket /chat received EVENT ["nobody listens",1]',
      'socket.io-client:socket /chat no listener for "nobody listens"',
      "socket.io-client:socket /chat sent DISCONNECT",
      "socket.io-client:socket /chat acknowledgement 0 is lost, and its callback takes no error",
      "socket.io-client:manager closed by the application, or nobody needs the connection",
    ]) {
      assert.ok(lines.includes(line), `${line}\nis not among\n${lines.join("\n")}`);
    }
    assert.ok(!lines.some((line) => line.startsWith("engine.io")));
    assert.ok(!lines.some((line) => line.includes('no listener for "heard"')));
  });

  const patterns: Record<string, [some: string[], none: string[]]> = {
    "*": [["socket.io-client:manager", "socket.io-client:socket", "engine.io-client:socket", "engine.io-client:polling"], []],
    "socket.io-client:socket": [["socket.io-client:socket"], ["socket.io-client:manager", "engine.io"]],
    "socket.io-client:*, -socket.io-client:manager": [["socket.io-client:socket"], ["socket.io-client:manager", "engine.io"]],
    "engine.io-client:polling socket.io*": [["engine.io-client:polling", "socket.io-client:manager"], ["engine.io-client:socket"]],
    "*,-engine.io-client:*": [["socket.io-client:manager"], ["engine.io"]],
    "socket.io*:manager": [["socket.io-client:manager"], ["socket.io-client:socket", "engine.io"]],
    "socketXio*": [[], ["socket.io", "engine.io"]],
    "other,socket": [[], ["socket.io", "engine.io"]],
    "(((": [[], ["socket.io", "engine.io"]],
    "": [[], ["socket.io", "engine.io"]],
  };
  for (const [pattern, [some, none]] of Object.entries(patterns)) {
    test(JSON.stringify(pattern), async () => {
      const lines = await conversation(page("socket.io.js", () => ({ debug: pattern })));
      for (const name of some) assert.ok(lines.some((line) => line.startsWith(`${name} `)), name);
      for (const name of none) assert.ok(!lines.some((line) => line.startsWith(name)), name);
    });
  }

  test("it counts without a reload, and a page without storage works", async () => {
    const storage: { debug?: string } = {};
    const tab = page("socket.io.js", () => storage);
    assert.deepEqual(await conversation(tab), []);
    storage.debug = "socket.io-client:manager";
    assert.ok((await conversation(tab)).length > 0);
    const denied = (): never => {
      throw new Error("SecurityError");
    };
    assert.deepEqual(await conversation(page("socket.io.js", denied)), []);
    assert.deepEqual(await conversation(page("socket.io.js", () => undefined)), []);
  });

  test("failures say why", async () => {
    server.refuse = (res) => res.writeHead(403).end("go away");
    const { io, lines } = page("socket.io.js", () => ({ debug: "socket.io*" }));
    const socket = io(server.url, { reconnectionAttempts: 1, reconnectionDelay: 10, randomizationFactor: 0 });
    await event(socket.io, "reconnect_failed");
    const { port } = new URL(server.url);
    const why = 'socket.io-client:manager cannot connect: xhr poll error, status 403, "go away"';
    assert.deepEqual(
      lines.map((line) => line.replace(/ \+\d+ms$/, "")),
      [
        `socket.io-client:manager connecting to 127.0.0.1:${port} attempt 0`,
        why,
        "socket.io-client:manager next attempt in 10 ms",
        `socket.io-client:manager connecting to 127.0.0.1:${port} attempt 1`,
        why,
        "socket.io-client:manager gave up after 1 attempts",
      ],
    );
  });
});

test("the minified bundles print nothing, and have no text of it", async () => {
  for (const name of ["socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js"]) {
    assert.ok(!/localStorage|console\.|io-client:/.test(readFileSync(`dist/${name}`, "utf8")), name);
  }
  assert.deepEqual(await conversation(page("socket.io.min.js", () => ({ debug: "*" }))), []);
});

test("in Node it is the variable DEBUG", async () => {
  const program = `
    import { io } from ${JSON.stringify(resolve("dist/socket.io.node.mjs"))};
    const socket = io(${JSON.stringify(server.url)}, { transports: ["polling"], reconnection: false });
    socket.on("connect", () => socket.disconnect());
  `;
  const run = async (variables: Record<string, string>): Promise<string[]> => {
    const env = { ...process.env, ...variables };
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], { env, stdio: ["ignore", "inherit", "pipe"] });
    let errors = "";
    for await (const chunk of child.stderr.setEncoding("utf8")) errors += chunk;
    return errors.split("\n").filter((line) => line);
  };
  assert.deepEqual(await run({ DEBUG: "" }), []);
  assert.deepEqual(await run({ DEBUG: "express:*" }), []);
  const lines = await run({ DEBUG: "socket.io*" });
  assert.ok(lines.length > 4);
  for (const line of lines) assert.match(line, /^socket\.io-client:(manager|socket) .* \+\d+ms$/);
});
