// SPDX-License-Identifier: MIT
// How connections end: the reason that each side gets, and the rooms in disconnecting and disconnect.
import assert from "node:assert/strict";
import { Agent } from "node:http";
import { client } from "../lib/clients.mjs";
import { scenario } from "../lib/scenario.mjs";
import { ask, call, event } from "../lib/wait.mjs";

// The first leaves room for a busy machine: observers must survive it. The other is for what must not end.
const FAST_PINGS = { PING_INTERVAL: "200ms", PING_TIMEOUT: "3s" };
const PINGS = { PING_INTERVAL: "200ms", PING_TIMEOUT: "60s" };

scenario("the client disconnects", async (stage) => {
  const socket = await stage.connect({ settled: true });
  const watcher = await stage.watch(socket);
  const ended = event(socket, "disconnect");
  socket.disconnect();
  assert.equal((await ended)[0], "io client disconnect");
  assert.equal((await watcher.gone()).reason, "client namespace disconnect");
});

for (const close of [false, true]) {
  scenario(`the server disconnects a socket, ${close ? "closing the connection" : "namespace only"}`, async (stage) => {
    const socket = await stage.connect({ settled: true });
    const watcher = await stage.watch(socket);
    const ended = event(socket, "disconnect");
    socket.emit("disconnect-me", close);
    assert.equal((await ended)[0], "io server disconnect");
    assert.equal(client.active(socket), false, "the client does not come back by itself");
    assert.equal((await watcher.gone()).reason, "server namespace disconnect");
    await client.again(socket);
    assert.equal(await ask(socket, "echo", "by hand"), "by hand");
  });
}

scenario("events emitted before the server's disconnect arrive first", async (stage) => {
  for (const close of [false, true]) {
    const socket = await stage.connect({ settled: true });
    const heard = [];
    socket.on("bye", (n) => heard.push(n));
    const ended = event(socket, "disconnect");
    socket.emit("farewell", 20, close);
    assert.equal((await ended)[0], "io server disconnect");
    assert.deepEqual(heard, Array.from({ length: 20 }, (_, i) => i));
  }
});

scenario("disconnect(true) ends every namespace", async (stage) => {
  const root = await stage.connect({ settled: true });
  const custom = await stage.beside(root, "/custom");
  const watchers = [await stage.watch(root), await stage.watch(custom)];
  const ended = [event(root, "disconnect"), event(custom, "disconnect")];
  custom.emit("disconnect-me", true);
  for (const promise of ended) assert.equal((await promise)[0], "io server disconnect");
  for (const watcher of watchers) assert.equal((await watcher.gone()).reason, "server namespace disconnect");
});

scenario("disconnecting sees the rooms, disconnect does not", async (stage) => {
  const socket = await stage.connect({ settled: true });
  await call(socket, "join", "kitchen", "garden");
  const watcher = await stage.watch(socket);
  const rooms = [socket.id, "kitchen", "garden"].sort();
  socket.disconnect();
  const gone = await watcher.gone();
  assert.deepEqual(gone.disconnecting, { reason: "client namespace disconnect", rooms });
  assert.deepEqual(gone.rooms, []);
  assert.equal(gone.nsp, "/");
});

scenario("disconnecting sees the rooms when the server disconnects", async (stage) => {
  const socket = await stage.connect({ settled: true });
  await call(socket, "join", "cellar");
  const watcher = await stage.watch(socket);
  const rooms = [socket.id, "cellar"].sort();
  socket.emit("disconnect-me", true);
  const gone = await watcher.gone();
  assert.deepEqual(gone.disconnecting, { reason: "server namespace disconnect", rooms });
  assert.deepEqual(gone.rooms, []);
});

scenario("the client's engine closes", async (stage) => {
  const root = await stage.connect({ settled: true, reconnection: false });
  const custom = await stage.beside(root, "/custom");
  const watchers = [await stage.watch(root), await stage.watch(custom)];
  const ended = [event(root, "disconnect"), event(custom, "disconnect")];
  root.io.engine.close();
  for (const promise of ended) assert.equal((await promise)[0], "forced close");
  for (const watcher of watchers) assert.equal((await watcher.gone()).reason, "transport close");
});

scenario("the client's connection is cut", async (stage) => {
  const agent = new Agent();
  const socket = await stage.connect({ settled: true, reconnection: false, agent });
  const watcher = await stage.watch(socket);
  const ended = event(socket, "disconnect");
  const { transport } = socket.io.engine;
  // A cut poll is an error to both sides; a cut WebSocket looks like any other end.
  const want = transport.name === "polling" ? "transport error" : "transport close";
  await stage.rest();
  if (transport.name === "polling") for (const tcp of Object.values(agent.sockets).flat()) tcp.destroy();
  else transport.ws.terminate();
  // A polling client that lost its poll also sends a close in a POST, which the server may read first.
  const { reason } = await watcher.gone();
  if (want === "transport error") assert.match(reason, /^transport (error|close)$/);
  else assert.equal(reason, want);
  assert.equal((await ended)[0], want);
});

scenario("the client stops answering pings", async (stage) => {
  await stage.ownServer(FAST_PINGS);
  const socket = await stage.connect({ settled: true, reconnection: false });
  const watcher = await stage.watch(socket);
  const ended = event(socket, "disconnect");
  client.mute(socket.io.engine);
  assert.equal((await watcher.gone()).reason, "ping timeout");
  assert.equal((await ended)[0], "transport close");
});

scenario("the server stops pinging", async (stage) => {
  const program = await stage.ownServer(FAST_PINGS);
  const socket = await stage.connect({ settled: true });
  const ended = event(socket, "disconnect");
  program.signal("SIGSTOP");
  try {
    assert.equal((await ended)[0], "ping timeout");
  } finally {
    program.signal("SIGCONT");
  }
  await event(socket, "connect");
  assert.equal(await ask(socket, "echo", "thawed"), "thawed");
});

scenario("pings keep an idle connection", async (stage) => {
  await stage.ownServer(PINGS);
  const socket = await stage.connect();
  let lost = 0;
  socket.on("disconnect", () => lost++);
  for (let i = 0; i < 4; i++) await event(socket.io.engine, client.heartbeat);
  assert.equal(lost, 0);
  assert.equal(await ask(socket, "echo", "alive"), "alive");
});

scenario("the server is killed", async (stage) => {
  const program = await stage.ownServer();
  const socket = await stage.connect({ settled: true, reconnection: false });
  const ended = event(socket, "disconnect");
  await program.kill();
  stage.forget(program);
  assert.equal((await ended)[0], socket.io.engine.transport.name === "polling" ? "transport error" : "transport close");
});

scenario("the server shuts down", async (stage) => {
  const program = await stage.ownServer();
  const sockets = [await stage.connect({ settled: true, reconnection: false }), await stage.connect({ settled: true, reconnection: false })];
  sockets.push(await stage.beside(sockets[0], "/custom"));
  const ended = sockets.map((socket) => event(socket, "disconnect"));
  await stage.rest();
  await program.stop();
  stage.forget(program);
  for (const promise of ended) assert.equal((await promise)[0], "transport close");
});
