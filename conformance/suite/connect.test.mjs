// SPDX-License-Identifier: MIT
// Connecting: ids, transports, handshake data, cookies and headers, buffered emits, large crowds.
import assert from "node:assert/strict";
import { scenario, total } from "../lib/scenario.mjs";
import { finalTransport } from "../lib/transports.mjs";
import { ask, call, event, events, until, within } from "../lib/wait.mjs";

scenario("connect", async (stage) => {
  const socket = stage.open({ auth: { hello: "world" } });
  const auth = event(socket, "auth");
  await event(socket, "connect");
  assert.equal(typeof socket.id, "string");
  assert.ok(socket.id.length >= 16, "the id is long enough not to be guessed");
  assert.notEqual(socket.id, socket.io.engine.id, "the public id is not the session's");
  assert.deepEqual(await auth, [{ hello: "world" }], "an emit of the connection handler arrives");
  const other = await stage.connect();
  assert.notEqual(socket.id, other.id);
});

scenario("the transport is the one asked for", async (stage) => {
  const socket = await stage.connect({ settled: true });
  const want = finalTransport(stage.transport);
  assert.equal(socket.io.engine.transport.name, want);
  assert.equal(await ask(socket, "transport"), want);
});

scenario("offered an upgrade, the client stays on polling", async (stage) => {
  const socket = await stage.connect({ upgrade: false });
  for (let i = 0; i < 10; i++) assert.equal(await ask(socket, "echo", i), i);
  assert.equal(await ask(socket, "transport"), "polling");
}, { on: ["upgrade"] });

scenario("auth, query and headers reach the server", async (stage) => {
  const auth = { token: "é😀", list: [1, { two: null }] };
  const socket = await stage.connect({
    auth,
    query: { room: "a b&c=d", empty: "", mark: "é😀" },
    extraHeaders: { cookie: "session=abc; theme=dark", "X-Custom": "custom value", "user-agent": "conformance" },
  });
  const handshake = await ask(socket, "handshake");
  assert.deepEqual(handshake.auth, auth);
  assert.equal(handshake.query.room, "a b&c=d");
  assert.equal(handshake.query.empty, "");
  assert.equal(handshake.query.mark, "é😀");
  assert.equal(handshake.query.EIO, "4");
  assert.equal(handshake.query.transport, stage.transport === "websocket" ? "websocket" : "polling");
  assert.equal(handshake.headers.cookie, "session=abc; theme=dark");
  assert.equal(handshake.headers["x-custom"], "custom value");
  assert.equal(handshake.headers["user-agent"], "conformance");
  assert.equal(handshake.headers.host, `127.0.0.1:${stage.program.port}`);
  assert.match(handshake.address, /127\.0\.0\.1$/);
  assert.equal(handshake.secure, false);
});

scenario("without auth the server sees an empty object", async (stage) => {
  const socket = await stage.connect();
  assert.deepEqual((await ask(socket, "handshake")).auth, {});
});

scenario("auth by function", async (stage) => {
  const socket = await stage.connect({ auth: (give) => give({ token: "late" }) });
  assert.deepEqual((await ask(socket, "handshake")).auth, { token: "late" });
});

scenario("emits before connect arrive first and in order", async (stage) => {
  const socket = stage.open({ autoConnect: false });
  for (let i = 0; i < 5; i++) socket.emit("collect", i);
  const early = call(socket, "echo", "early", Buffer.from("binary"));
  socket.once("connect", () => socket.emit("collect", "in connect"));
  socket.connect();
  await event(socket, "connect");
  socket.emit("collect", "after connect");
  assert.deepEqual(await early, ["early", Buffer.from("binary")]);
  assert.deepEqual(await ask(socket, "collected"), [0, 1, 2, 3, 4, "in connect", "after connect"]);
});

scenario("a thousand emits keep their order", async (stage) => {
  const socket = await stage.connect();
  const want = Array.from({ length: 1000 }, (_, i) => i);
  for (const i of want) socket.emit("collect", i);
  assert.deepEqual(await ask(socket, "collected"), want);
  const burst = events(socket, "burst", 1000);
  await call(socket, "burst", 1000);
  assert.deepEqual((await burst).map(([i]) => i), want);
});

scenario("a hundred clients", async (stage) => {
  const observer = await stage.connect({ transport: "websocket" });
  const before = await ask(observer, "stats");
  const clients = await Promise.all(Array.from({ length: 100 }, () => stage.connect()));
  const during = await ask(observer, "stats");
  assert.equal(during.sockets["/"], before.sockets["/"] + 100);
  assert.equal(during.sessions, before.sessions + 100);
  assert.equal(new Set(clients.map((socket) => socket.id)).size, 100);
  const heard = clients.map((socket) => {
    socket.count = 0;
    socket.on("crowd", () => socket.count++);
    return event(socket, "crowd");
  });
  await call(observer, "send", { via: "socket" }, "crowd", "hello", Buffer.from("all"));
  for (const args of await within(Promise.all(heard), "100 broadcasts")) assert.deepEqual(args, ["hello", Buffer.from("all")]);
  await Promise.all(clients.map((socket) => ask(socket, "echo")));
  assert.deepEqual(new Set(clients.map((socket) => socket.count)), new Set([1]));
  for (const socket of clients) socket.disconnect();
  const after = await until(
    () => ask(observer, "stats"),
    (stats) => stats.sessions === before.sessions && total(stats.sockets) === total(before.sockets),
    "the counters' return",
  );
  assert.deepEqual(after, before);
}, { timeout: 30000 });

scenario("connecting and leaving again and again", async (stage) => {
  const socket = await stage.connect();
  const ids = new Set([socket.id]);
  for (let i = 0; i < 10; i++) {
    socket.disconnect();
    socket.connect();
    await event(socket, "connect");
    ids.add(socket.id);
    assert.equal(await ask(socket, "echo", i), i);
  }
  assert.equal(ids.size, 11);
});
