// SPDX-License-Identifier: MIT

// This file tests the committed bundles: that a page can use them, and that minifying broke nothing.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { test } from "node:test";
import vm from "node:vm";
import type * as api from "../src/index.ts";
import { event } from "./scenarios.ts";
import { ServerProcess } from "./server-process.ts";

const MSGPACK = "socket.io.msgpack.min.js";
const SCRIPTS = ["socket.io.js", "socket.io.min.js", MSGPACK];
const read = (name: string): string => readFileSync(`dist/${name}`, "utf8");

/** Runs a script of a page in a context with the parts of a browser that it needs. */
function run(name: string, extra: Record<string, unknown> = {}): Record<string, any> {
  const { fetch, Headers, Response, URLSearchParams, AbortController, setTimeout, clearTimeout, atob, btoa } = globalThis;
  const globals = { fetch, Headers, Response, URLSearchParams, AbortController, setTimeout, clearTimeout, atob, btoa };
  const self: Record<string, unknown> = { ...globals, ArrayBuffer, Uint8Array, TextEncoder, TextDecoder, ...extra };
  self["self"] = self;
  vm.runInNewContext(read(name), self);
  return self;
}

for (const name of SCRIPTS) {
  test(`${name} defines io, or a module`, () => {
    const { io } = run(name);
    assert.equal(typeof io, "function");
    assert.equal(io.io, io);
    assert.equal(io.connect, io);
    assert.equal(typeof io.Manager, "function");
    assert.equal(typeof io.Socket, "function");
    assert.equal(io.protocol, 5);
    const module: { exports: any } = { exports: {} };
    assert.equal(run(name, { module })["io"], undefined);
    assert.equal(typeof module.exports.io, "function");
    let amd: any;
    run(name, { define: Object.assign((factory: () => unknown) => (amd = factory()), { amd: {} }) });
    assert.equal(typeof amd.Manager, "function");
  });
}

test("making the bundles small has left the names that applications use", async () => {
  const manager = ["_autoConnect", "_close", "_destroy", "_packet", "_readyState", "_reconnecting", "nsps", "opts", "uri"];
  const socket = ["auth", "io", "nsp", "receiveBuffer", "recovered", "sendBuffer", "active", "connected"];
  const module = await import(pathToFileURL("dist/socket.io.esm.min.js").href);
  assert.equal(module.default, module.io);
  const all: [string, any][] = [["socket.io.esm.min.js", module], ...SCRIPTS.map((name): [string, any] => [name, run(name)["io"]])];
  for (const [name, client] of all) {
    const own = client.io("http://127.0.0.1:1", { autoConnect: false, forceNew: true });
    for (const member of manager) assert.ok(member in own.io, `${name}: manager.${member}`);
    for (const member of socket) assert.ok(member in own, `${name}: socket.${member}`);
    own.emit("waits", 1, () => undefined);
    // Some of them belong to another realm.
    const [waiting] = own.sendBuffer;
    assert.deepEqual(JSON.parse(JSON.stringify([waiting.type, waiting.data, waiting.id])), [2, ["waits", 1], 0], name);
    own.sendBuffer.length = 0;
    const told: string[] = [];
    own.on("connect_error", (err: any) => told.push(`${err.type} ${err.message} ${err.description} ${err.context.status}`));
    own.io.opts.reconnection = false;
    own.connect();
    await event(own, "connect_error");
    assert.deepEqual(told, ["TransportError xhr poll error 0 0"], name);
    own.io._close();
  }
});

test("each file has the licence in its first line and a map without a path of the machine", () => {
  for (const name of [...SCRIPTS, "socket.io.esm.min.js", "socket.io.node.mjs"]) {
    const code = read(name);
    assert.match(code, /^\/\*! Socket\.IO client \d+\.\d+\.\d+\. MIT licence, \(c\) the socketio authors \*\/\n/);
    assert.ok(code.endsWith(`//# sourceMappingURL=${name}.map\n`));
    const map = JSON.parse(read(`${name}.map`)) as { sources: string[]; sourcesContent: string[] };
    assert.ok(map.sources.every((s) => s.startsWith("../src/")));
    assert.equal(map.sources.length, map.sourcesContent.length);
    assert.ok(!/\beval\b|new Function/.test(code));
  }
});

test("every bundle talks to a server", async () => {
  const server = new ServerProcess();
  const msgpackServer = new ServerProcess({ CODEC: "msgpack" });
  await Promise.all([server.start(), msgpackServer.start()]);
  try {
    const load = (name: string): Promise<typeof api> => import(pathToFileURL(`dist/${name}`).href);
    const all: Record<string, Pick<typeof api, "io">> = {
      "socket.io.esm.min.js": await load("socket.io.esm.min.js"),
      "socket.io.node.mjs": await load("socket.io.node.mjs"),
    };
    for (const name of SCRIPTS) all[name] = run(name) as Pick<typeof api, "io">;
    for (const [name, { io }] of Object.entries(all)) {
      const { url } = name === MSGPACK ? msgpackServer : server;
      const socket = io(url, { forceNew: true, transports: ["polling"], reconnection: false });
      await event(socket, "connect");
      const answer = await socket.emitWithAck("echo-ack", { deep: [Uint8Array.of(1, 2)] });
      const bytes = answer.deep[0] as ArrayBuffer | Buffer;
      assert.deepEqual([...new Uint8Array(bytes)], [1, 2], name);
      assert.equal(Buffer.isBuffer(bytes), name === "socket.io.node.mjs", name);
      await assert.rejects(socket.emitWithAck("fail"), { message: "boom", code: "E_BOOM" });
      socket.disconnect();
    }
  } finally {
    await Promise.all([server.stop(), msgpackServer.stop()]);
  }
});
