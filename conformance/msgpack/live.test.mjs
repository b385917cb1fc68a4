// SPDX-License-Identifier: MIT
// npm clients that speak msgpack against the server program with CODEC=msgpack:
//   node run.mjs msgpack/live.test.mjs    (add --reference for the npm server)
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { Program } from "../lib/program.mjs";
import parser from "./parser.mjs";

const PATIENCE = 5000;
let program;

before(async () => { program = await Program.start({ CODEC: "msgpack" }); });
after(() => program.stop());

const values = [
  null, true, "", "é€😀", "x".repeat(70000), 0, -1, 255, 65536, 2 ** 40, -(2 ** 40), 1.5, -0.25, NaN, Infinity,
  [], [1, [2, [3]]], {}, { a: { b: [null, false] } }, Buffer.from([1, 2, 3]), Buffer.alloc(70000, 7), { deep: [{ bytes: Buffer.from("hi") }] },
  new Date(1700000000123), [new Date(0)], Array.from({ length: 20 }, (_, i) => i),
];

function client(transports, options = {}) {
  return io(program.url, { parser, transports, forceNew: true, reconnection: false, ...options });
}

function once(socket, event) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${event}`)), PATIENCE);
    socket.once(event, (...args) => {
      clearTimeout(timer);
      resolve(args);
    });
  });
}

const TRANSPORTS = { polling: ["polling"], websocket: ["websocket"], upgrade: ["polling", "websocket"] };

for (const [name, transports] of Object.entries(TRANSPORTS)) {
  test(`msgpack values | ${name}`, async (t) => {
    const socket = client(transports, { auth: { token: "t", bytes: Buffer.from([9]) } });
    t.after(() => socket.disconnect());
    await once(socket, "connect");

    for (const value of values) {
      const answer = await socket.timeout(PATIENCE).emitWithAck("echo", value);
      assert.deepEqual(answer, value);
      socket.emit("message", value, "and", 1);
      assert.deepEqual(await once(socket, "message-back"), [value, "and", 1]);
    }
    // An ArrayBuffer comes back as bytes, undefined as null.
    const typed = await socket.timeout(PATIENCE).emitWithAck("echo", new Uint8Array([1, 2, 3]));
    assert.deepEqual(Buffer.from(typed), Buffer.from([1, 2, 3]));
    assert.equal(await socket.timeout(PATIENCE).emitWithAck("echo", undefined) ?? null, null);

    const burst = Array.from({ length: 200 }, (_, i) => i);
    assert.deepEqual(await Promise.all(burst.map((i) => socket.timeout(PATIENCE).emitWithAck("echo", i))), burst);
  });
}

test("msgpack refusals | upgrade", async (t) => {
  const denied = io(`${program.url}/denied`, { parser, forceNew: true, reconnection: false });
  t.after(() => denied.disconnect());
  const [err] = await once(denied, "connect_error");
  assert.equal(err.message, "denied");
  assert.deepEqual(err.data, { code: 42, nested: { list: [1, "two", null] } });

  const unknown = io(`${program.url}/nowhere`, { parser, forceNew: true, reconnection: false });
  t.after(() => unknown.disconnect());
  assert.equal((await once(unknown, "connect_error"))[0].message, "Invalid namespace");
});

test("a client of the default format is closed | websocket", async (t) => {
  const socket = io(program.url, { transports: ["websocket"], forceNew: true, reconnection: false });
  t.after(() => socket.disconnect());
  const closed = await Promise.race([once(socket.io, "close"), once(socket, "connect_error")]);
  assert.ok(closed);
  assert.equal(socket.connected, false);
});
