// SPDX-License-Identifier: MIT
// After socket.ts and socket-timeout.ts of the npm server. Values, binary, acknowledgements and large
// messages are in suite/; volatile events and catch-alls in files of their own.
import assert from "node:assert/strict";
import { scenario } from "../lib/scenario.mjs";
import { ask, call, event, events, within } from "../lib/wait.mjs";

scenario("one connect event for each connection", async (stage) => {
  const socket = await stage.connect({ reconnection: false, settled: true });
  let count = 0;
  socket.on("connect", () => count++);
  const ended = event(socket, "disconnect");
  socket.io.engine.close();
  await ended;
  socket.connect();
  await event(socket, "connect");
  assert.equal(await ask(socket, "echo", "back"), "back");
  assert.equal(count, 1);
});

scenario("giving up to reconnect is told once", async (stage) => {
  const program = await stage.ownServer();
  const socket = await stage.connect({ settled: true, reconnectionAttempts: 2, reconnectionDelay: 5, reconnectionDelayMax: 10 });
  let count = 0;
  socket.io.on("reconnect_failed", () => count++);
  const failed = event(socket.io, "reconnect_failed");
  await program.stop();
  stage.forget(program);
  await failed;
  await new Promise((resolve) => setTimeout(resolve, 50)); // more than another attempt
  assert.equal(count, 1);
});

scenario("send is the event message, null too", async (stage) => {
  const socket = await stage.connect();
  const back = events(socket, "message-back", 3);
  socket.send(1337);
  socket.send(null);
  socket.send("two", { of: [4] });
  assert.deepEqual(await back, [[1337], [null], ["two", { of: [4] }]]);
});

scenario("events from the server keep their order and characters", async (stage) => {
  const socket = await stage.connect();
  const heard = events(socket, "hoot", 3);
  const text = "utf8: é — 日本 😀";
  await call(socket, "series", ...[1, 2, 3].map((n) => ({ event: "hoot", args: [text, n] })));
  assert.deepEqual(await heard, [1, 2, 3].map((n) => [text, n]));
});

scenario("a namespace gets events from before and after its connection in order", async (stage) => {
  const socket = stage.open({ nsp: "/custom" });
  socket.emit("collect", "a");
  await event(socket, "connect");
  socket.emit("collect", "b");
  assert.deepEqual(await ask(socket, "collected"), ["a", "b"]);
});

scenario("the server asks a client that answers, or not in time", async (stage) => {
  const socket = await stage.connect();
  socket.on("sum", (a, b, answer) => answer(a + b));
  socket.on("silent", () => {});
  assert.deepEqual(await ask(socket, "ask", 60000, "sum", 1, 2), { ok: true, reply: [3] });
  assert.deepEqual(await ask(socket, "ask", 50, "silent"), { ok: false, error: "timeout" });
  assert.deepEqual(await ask(socket, "ask", 50, "nobody listens"), { ok: false, error: "timeout" });
});

scenario("an answer that comes too late changes nothing", async (stage) => {
  const socket = await stage.connect();
  const late = event(socket, "question");
  assert.deepEqual(await ask(socket, "ask", 20, "question"), { ok: false, error: "timeout" });
  const [answer] = await late;
  answer("late");
  assert.equal(await ask(socket, "echo", "alive"), "alive");
});

scenario("three large messages there and back", async (stage) => {
  const socket = await stage.connect({ settled: true });
  const big = { hello: "friend", json: Array.from({ length: 9000 }, (_, i) => ({ i, name: `row ${i}`, odd: i % 2 === 1 })) };
  const image = Buffer.alloc(600000, "picture");
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await ask(socket, "echo", big), big);
    const back = await ask(socket, "echo", { hello: "friend", image });
    assert.ok(back.image.equals(image));
  }
});

scenario("bytes that nothing announced harm only their sender", async (stage) => {
  const bystander = await stage.connect();
  for (const packet of [Buffer.from("woot"), "5woot", "5"]) {
    const socket = await stage.connect({ settled: true, reconnection: false });
    const watcher = await stage.watch(socket);
    socket.io.engine.write(packet);
    assert.match((await watcher.gone()).reason, /^forced (server )?close$/);
  }
  assert.equal(await ask(bystander, "echo", "unharmed"), "unharmed");
});

scenario("a refusal sent by a client harms nobody else", async (stage) => {
  const bystander = await stage.connect();
  const socket = await stage.connect({ settled: true, reconnection: false });
  socket.io.engine.write('4{"message":"handle me please"}');
  assert.equal(await ask(bystander, "echo", "unharmed"), "unharmed");
});

scenario("what a client said last is handled, or dropped with the client", async (stage) => {
  const bystander = await stage.connect();
  const socket = await stage.connect({ settled: true });
  const watcher = await stage.watch(socket);
  socket.emit("join", "with binary", Buffer.alloc(10));
  socket.disconnect();
  assert.equal((await watcher.gone()).reason, "client namespace disconnect");
  assert.deepEqual(await ask(bystander, "fetch", { via: "io", in: ["with binary"] }), []);
});

scenario("who was disconnected joins no rooms", async (stage) => {
  const bystander = await stage.connect();
  const socket = await stage.connect({ settled: true });
  const watcher = await stage.watch(socket);
  const room = `after ${stage.transport}`;
  const ended = event(socket, "disconnect");
  socket.emit("linger", room);
  assert.equal((await ended)[0], "io server disconnect");
  assert.deepEqual((await watcher.gone()).rooms, []);
  assert.deepEqual(await ask(bystander, "fetch", { via: "io", in: [room] }), []);
});

scenario("a namespace has its own auth and the query of the connection", async (stage) => {
  const root = await stage.connect({ query: { key1: 1, key2: "a b" } });
  const custom = await stage.beside(root, "/custom", { auth: { key1: "aa", key2: "&=bb" } });
  const { query, auth } = await ask(custom, "handshake");
  assert.deepEqual([query.key1, query.key2, query.EIO], ["1", "a b", "4"]);
  assert.deepEqual(auth, { key1: "aa", key2: "&=bb" });
});

scenario("disconnect(true) ends three namespaces", async (stage) => {
  const root = await stage.connect({ settled: true });
  const others = [await stage.beside(root, "/custom"), await stage.beside(root, "/lobby")];
  const ended = [root, ...others].map((socket) => event(socket, "disconnect"));
  const closed = within(new Promise((resolve) => root.io.engine.once("close", resolve)), "the end of the connection");
  others[1].emit("disconnect-me", true);
  for (const each of ended) assert.equal((await each)[0], "io server disconnect");
  await closed;
});
