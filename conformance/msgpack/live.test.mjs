// SPDX-License-Identifier: MIT
// npm clients that speak msgpack against the server program with CODEC=msgpack:
//   node run.mjs msgpack/live.test.mjs    (add --reference for the npm server)
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { io } from "socket.io-client";
import { leftOut } from "../lib/nodes.mjs";
import { Program } from "../lib/program.mjs";
import { finalTransport, transportOptions, transportsOf } from "../lib/transports.mjs";
import { ask, call, event, events, within } from "../lib/wait.mjs";
import parser from "./parser.mjs";

let program;
let begun = false;

const bytes = (...of) => Buffer.from(of);
const nested = { deep: { list: [bytes(1, 2, 3), { inner: Buffer.from("é") }], none: null }, empty: Buffer.alloc(0), at: new Date(7) };
const values = [
  null, true, "", "é€😀", "x".repeat(70000), 0, -1, 255, 65536, 2 ** 40, -(2 ** 40), 1.5, -0.25, NaN, Infinity,
  [], [1, [2, [3]]], {}, { a: { b: [null, false] } }, bytes(1, 2, 3), Buffer.alloc(70000, 7), { deep: [{ bytes: Buffer.from("hi") }] },
  new Date(1700000000123), [new Date(0)], Array.from({ length: 20 }, (_, i) => i), nested,
];

// A body for every transport: it gets open(), which makes a connected client.
function scenario(name, body) {
  if (!name.includes(process.env.ONLY ?? "")) return;
  if (!begun) {
    before(async () => { program = await Program.start({ CODEC: "msgpack" }); });
    after(() => program?.stop());
  }
  begun = true;
  for (const transport of transportsOf()) {
    test(`${name} | ${transport}`, { timeout: 300000, skip: leftOut(name) ?? false }, async (t) => {
      const connect = async (nsp = "/", options = {}) => {
        const socket = client(t, nsp, { ...transportOptions(transport), ...options });
        await event(socket, "connect");
        return socket;
      };
      await body(connect, transport, t);
    });
  }
}

function client(t, nsp, options) {
  const socket = io(program.url + nsp, { parser, forceNew: true, reconnection: false, ...options });
  t.after(() => socket.disconnect());
  return socket;
}

scenario("msgpack: events and acknowledgements of every value", async (connect) => {
  const socket = await connect();
  for (const value of values) {
    assert.deepEqual(await call(socket, "echo", value, "and", 1), [value, "and", 1]);
    const back = event(socket, "message-back");
    socket.emit("message", value, "and", 1);
    assert.deepEqual(await back, [value, "and", 1]);
  }
  // An ArrayBuffer comes back as bytes, undefined as null.
  assert.deepEqual(Buffer.from(await ask(socket, "echo", new Uint8Array([1, 2, 3]))), bytes(1, 2, 3));
  assert.equal((await ask(socket, "echo", undefined)) ?? null, null);
  const burst = Array.from({ length: 200 }, (_, i) => i);
  assert.deepEqual(await Promise.all(burst.map((i) => ask(socket, "echo", i))), burst);
});

scenario("msgpack: typed parameters, and the server's own binary", async (connect) => {
  const socket = await connect();
  const record = { name: "n", tags: ["a", "é"] };
  assert.deepEqual(await call(socket, "typed", "é", 7, 1.5, true, bytes(0, 255), record), ["é", 7, 1.5, true, bytes(0, 255), record]);
  const box = { deep: { list: [bytes(1, 2, 3), { inner: Buffer.from("é") }], none: null }, empty: Buffer.alloc(0) };
  const gift = event(socket, "gift");
  assert.deepEqual(await call(socket, "gift"), [bytes(9, 8, 7), box]);
  assert.deepEqual(await gift, ["before", box, bytes(255, 0), "after"]);
});

scenario("msgpack: the server asks", async (connect) => {
  const socket = await connect();
  socket.on("question", (value, ack) => ack(value, nested, new Date(3)));
  socket.on("silence", () => {});
  assert.deepEqual(await ask(socket, "ask", 60000, "question", bytes(5)), { ok: true, reply: [bytes(5), nested, new Date(3)] });
  assert.deepEqual(await ask(socket, "ask", 50, "silence"), { ok: false, error: "timeout" });
});

scenario("msgpack: auth, and namespaces on one connection", async (connect) => {
  const auth = { token: "secret", list: [1, "é", null] };
  const root = await connect("/", { auth });
  const seen = await ask(root, "handshake");
  assert.deepEqual(seen.auth, auth);
  const custom = root.io.socket("/custom", { auth: { custom: [1.5, true] } });
  assert.deepEqual(await event(custom, "auth"), [{ custom: [1.5, true] }]);
  const token = root.io.socket("/token", { auth });
  await event(token, "connect");
  const nowhere = root.io.socket("/nowhere");
  const [refused] = await event(nowhere, "connect_error");
  assert.equal(refused.message, "Invalid namespace");
  assert.equal(await ask(token, "echo", "still here"), "still here");
  custom.disconnect();
  assert.equal(await ask(root, "echo", "still here"), "still here");
});

scenario("msgpack: refused with data", async (connect, transport, t) => {
  const denied = client(t, "/denied", transportOptions(transport));
  const [error] = await event(denied, "connect_error");
  assert.equal(error.message, "denied");
  assert.deepEqual(error.data, { code: 42, nested: { list: [1, "two", null] } });
});

scenario("msgpack: rooms and broadcasts", async (connect) => {
  const [ann, ben, cat] = await Promise.all([connect(), connect(), connect()]);
  await call(ann, "join", "kitchen");
  await call(ben, "join", "kitchen", "hall");
  const heard = [ann, ben].map((socket) => event(socket, "news"));
  cat.on("news", () => assert.fail("cat is in no room"));
  await call(cat, "send", { via: "io", to: ["kitchen", "hall"] }, "news", nested, bytes(1));
  for (const args of await Promise.all(heard)) assert.deepEqual(args, [nested, bytes(1)]);
  cat.off("news");
  const rest = [ann, cat].map((socket) => event(socket, "all"));
  ben.on("all", () => assert.fail("ben is the sender"));
  await call(ben, "send", { via: "socket" }, "all", new Date(9));
  for (const args of await Promise.all(rest)) assert.deepEqual(args, [new Date(9)]);
  await call(ben, "leave", "kitchen");
  assert.equal((await ask(ben, "rooms")).includes("kitchen"), false);
});

scenario("msgpack: in order under an upgrade, on the last transport, to the last word", async (connect, transport) => {
  const socket = await connect();
  const burst = events(socket, "burst", 1000);
  await call(socket, "burst", 1000);
  assert.deepEqual(await burst, Array.from({ length: 1000 }, (_, i) => [i]));
  const down = [];
  socket.on("down", (n) => down.push(n));
  await call(socket, "pump-start");
  for (let i = 0; i < 50; i++) assert.equal(await ask(socket, "echo", i), i);
  while (socket.io.engine.transport.name !== finalTransport(transport)) await within(new Promise((resolve) => setImmediate(resolve)), "a turn");
  const sent = await ask(socket, "pump-stop");
  assert.deepEqual(down, Array.from({ length: sent }, (_, i) => i));
  assert.equal(await ask(socket, "transport"), finalTransport(transport));
  const bye = events(socket, "bye", 20);
  const gone = event(socket, "disconnect");
  socket.emit("farewell", 20, true);
  assert.deepEqual(await bye, Array.from({ length: 20 }, (_, i) => [i]));
  assert.equal((await gone)[0], "io server disconnect");
});

scenario("msgpack: a client of the default format is closed", async (connect, transport, t) => {
  const socket = client(t, "/", { ...transportOptions(transport), parser: undefined });
  await Promise.race([event(socket.io, "close"), event(socket, "connect_error")]);
  assert.equal(socket.connected, false);
});
