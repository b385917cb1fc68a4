// SPDX-License-Identifier: MIT
// Connecting: ids, transports, handshake data, cookies and headers, buffered emits, large crowds.
import assert from "node:assert/strict";
import { client } from "../lib/clients.mjs";
import { scenario, total } from "../lib/scenario.mjs";
import { finalTransport } from "../lib/transports.mjs";
import { ask, call, event, events, until, within } from "../lib/wait.mjs";

scenario("connect", async (stage) => {
  const socket = stage.open({ auth: { hello: "world" } });
  const auth = event(socket, "auth");
  await event(socket, "connect");
  assert.equal(typeof socket.id, "string");
  assert.ok(socket.id.length >= 16, "the id is long enough not to be guessed");
  if (client.revision === 4) assert.notEqual(socket.id, socket.io.engine.id, "the public id is not the session's");
  else assert.equal(socket.id, socket.io.engine.id, "these versions take the session's id for the root namespace");
  assert.deepEqual(await auth, [client.seenAuth("/", { hello: "world" })], "an emit of the connection handler arrives");
  assert.deepEqual(await ask(socket, "rooms"), [socket.id], "both sides have the same id");
  const other = await stage.connect();
  assert.notEqual(socket.id, other.id);
});

scenario("the transport is the requested one", async (stage) => {
  const socket = await stage.connect({ settled: true });
  const want = finalTransport(stage.transport);
  assert.equal(socket.io.engine.transport.name, want);
  assert.equal(await ask(socket, "transport"), want);
});

scenario("a client that may upgrade stays on polling", async (stage) => {
  const socket = await stage.connect({ upgrade: false });
  for (let i = 0; i < 10; i++) assert.equal(await ask(socket, "echo", i), i);
  assert.equal(await ask(socket, "transport"), "polling");
}, { on: ["upgrade"] });

scenario("auth reaches the server", async (stage) => {
  const auth = { token: "é😀", list: [1, { two: null }] };
  const socket = await stage.connect({ auth });
  assert.deepEqual((await ask(socket, "handshake")).auth, auth);
}, { needs: "auth on the root namespace" });

scenario("auth of a namespace reaches the server", async (stage) => {
  const auth = { token: client.text("é😀 a+b&c=d", stage.transport), empty: "" };
  const socket = await stage.connect({ nsp: "/custom", auth });
  assert.deepEqual((await ask(socket, "handshake")).auth, auth);
});

scenario("query and headers reach the server", async (stage) => {
  const mark = client.text("é😀", stage.transport);
  const socket = await stage.connect({
    query: { room: "a b&c=d", empty: "", mark },
    extraHeaders: { cookie: "session=abc; theme=dark", "X-Custom": "custom value", "user-agent": "conformance" },
  });
  const handshake = await ask(socket, "handshake");
  assert.equal(handshake.query.room, "a b&c=d");
  assert.equal(handshake.query.empty, "");
  assert.equal(handshake.query.mark, mark);
  assert.equal(handshake.query.EIO, String(client.revision));
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
}, { needs: "auth as a function" });

scenario("emits before connect arrive first and in order", async (stage) => {
  const socket = stage.open({ autoConnect: false });
  for (let i = 0; i < 5; i++) socket.emit("collect", i);
  const early = call(socket, "echo", "early", Buffer.from("binary"));
  socket.once("connect", () => socket.emit("collect", "in connect"));
  socket.connect();
  await event(socket, "connect");
  socket.emit("collect", "after connect");
  assert.deepEqual(await early, ["early", Buffer.from("binary")]);
  const want = client.sendsBufferedFirst ? [0, 1, 2, 3, 4, "in connect"] : ["in connect", 0, 1, 2, 3, 4];
  assert.deepEqual(await ask(socket, "collected"), [...want, "after connect"]);
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
});

scenario("connecting and disconnecting many times", async (stage) => {
  const socket = await stage.connect();
  const ids = new Set([socket.id]);
  for (let i = 0; i < 10; i++) {
    socket.disconnect();
    await client.again(socket);
    ids.add(socket.id);
    assert.equal(await ask(socket, "echo", i), i);
  }
  assert.equal(ids.size, 11);
});
