// SPDX-License-Identifier: MIT
// Binary both ways: at any depth, several attachments, empty, large, in events and acknowledgements.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { client } from "../lib/clients.mjs";
import { scenario } from "../lib/scenario.mjs";
import { ask, call, event, events } from "../lib/wait.mjs";

const BOX = { deep: { list: [Buffer.from([1, 2, 3]), { inner: Buffer.from("é") }], none: null }, empty: Buffer.alloc(0) };

scenario("binary echo at every depth", async (stage) => {
  const socket = await stage.connect();
  const cases = [
    [Buffer.from([0, 1, 254, 255])],
    [Buffer.alloc(0)],
    [{ a: { b: [{ c: Buffer.from("deep") }] } }],
    [[[[Buffer.from([1])]]], "between", Buffer.from([2]), { last: Buffer.from([3]) }],
    ["no binary first", 1, null, Buffer.from("x")],
    [{ "é😀": Buffer.from("é😀") }, "é😀", Buffer.from("4\u001e")],
    [BOX, BOX],
  ];
  for (const value of cases) {
    assert.deepEqual(await call(socket, "echo", ...value), value, "decoded");
    assert.deepEqual(await call(socket, "echo-raw", ...value), value, "raw");
    socket.emit("echo-event", ...value);
    assert.deepEqual(await event(socket, "echo-event"), value, "as an event");
  }
});

scenario("every kind of binary that the client knows", async (stage) => {
  const socket = await stage.connect();
  const bytes = [5, 6, 7, 8];
  const kinds = [Buffer.from(bytes), new Uint8Array(bytes).buffer];
  // Before 3.0 a typed array was no binary.
  if (client.atLeast(3, 0)) kinds.push(new Uint8Array(bytes));
  for (const value of kinds) {
    assert.deepEqual(await ask(socket, "echo", value), Buffer.from(bytes), value.constructor.name);
  }
});

scenario("ten attachments in order", async (stage) => {
  const socket = await stage.connect();
  const list = Array.from({ length: 10 }, (_, i) => Buffer.alloc(i * 100, i));
  assert.deepEqual(await ask(socket, "echo", list), list);
  const twice = Buffer.from("twice");
  assert.deepEqual(await call(socket, "echo", twice, { twice }, twice), [twice, { twice }, twice]);
});

scenario("binary of 300 KB", async (stage) => {
  const socket = await stage.connect();
  const bytes = randomBytes(300 * 1024);
  assert.equal(digest(await ask(socket, "echo", bytes)), digest(bytes));
  const nested = await ask(socket, "echo-raw", { in: [bytes, bytes] });
  assert.deepEqual(nested.in.map(digest), [digest(bytes), digest(bytes)]);
});

scenario("the server sends binary", async (stage) => {
  const socket = await stage.connect();
  const gift = event(socket, "gift");
  assert.deepEqual(await call(socket, "gift"), [Buffer.from([9, 8, 7]), BOX]);
  assert.deepEqual(await gift, ["before", BOX, Buffer.from([255, 0]), "after"]);
});

scenario("binary and text keep their order", async (stage) => {
  const socket = await stage.connect();
  const echoes = events(socket, "echo-event", 60);
  const want = [];
  for (let i = 0; i < 60; i++) {
    const args = i % 3 === 0 ? [i, Buffer.from([i])] : i % 3 === 1 ? [i] : [i, { a: Buffer.alloc(i), b: Buffer.from("b") }];
    want.push(args);
    socket.emit("echo-event", ...args);
  }
  assert.deepEqual(await echoes, want);
});

scenario("binary in a broadcast to both transports", async (stage) => {
  const room = `binary ${stage.transport}`;
  const sender = await stage.connect();
  const others = [await stage.connect({ transport: "polling" }), await stage.connect({ transport: "websocket" })];
  for (const other of others) await call(other, "join", room);
  const heard = others.map((other) => event(other, "picture"));
  await call(sender, "send", { via: "socket", to: [room] }, "picture", BOX, "caption");
  for (const promise of heard) assert.deepEqual(await promise, [BOX, "caption"]);
});

function digest(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}
