// SPDX-License-Identifier: MIT
// Namespaces: multiplexing, unknown ones, leaving one of several, and middleware on connect.
import assert from "node:assert/strict";
import { connected, refused, scenario } from "../lib/scenario.mjs";
import { ask, call, event } from "../lib/wait.mjs";

scenario("several namespaces on one connection", async (stage) => {
  const root = await stage.connect({ auth: { for: "root" } });
  const sessions = (await ask(root, "stats")).sessions;
  const custom = stage.openBeside(root, "/custom", { auth: { for: "custom" } });
  const auth = event(custom, "auth");
  await connected(custom);
  assert.deepEqual(await auth, [{ for: "custom" }], "each namespace has its own auth");
  assert.equal(custom.io, root.io);
  assert.notEqual(custom.id, root.id);
  const stats = await ask(root, "stats");
  assert.equal(stats.sessions, sessions, "no further session");
  assert.equal(stats.sockets["/custom"], 1);
  const heard = [];
  root.onAny((name) => heard.push(`root ${name}`));
  custom.onAny((name) => heard.push(`custom ${name}`));
  await call(custom, "send", { via: "io" }, "only custom");
  await call(root, "send", { via: "io" }, "only root");
  await ask(custom, "echo");
  assert.deepEqual(heard, ["custom only custom", "root only root"]);
});

scenario("a namespace without the root", async (stage) => {
  const custom = await stage.connect({ nsp: "/custom" });
  assert.deepEqual(await call(custom, "echo", "hi", Buffer.from("b")), ["hi", Buffer.from("b")]);
  assert.equal((await ask(custom, "handshake")).auth.token, undefined);
});

scenario("an unknown namespace is refused", async (stage) => {
  const root = await stage.connect();
  for (const nsp of ["/unknown", "/custom/", "/Custom", "/__proto__", "/constructor", "/é"]) {
    const socket = stage.openBeside(root, nsp);
    const error = await refused(socket);
    assert.equal(error.message, "Invalid namespace", nsp);
    assert.equal(error.data, undefined, nsp);
    assert.equal(socket.active, false, nsp);
  }
  assert.equal(await ask(root, "echo", "the others live"), "the others live");
});

scenario("an unknown namespace alone", async (stage) => {
  const error = await refused(stage.open({ nsp: "/unknown" }));
  assert.equal(error.message, "Invalid namespace");
});

scenario("leaving one namespace while another stays", async (stage) => {
  const root = await stage.connect();
  const custom = await stage.beside(root, "/custom");
  const watcher = await stage.watch(custom);
  const left = event(custom, "disconnect");
  custom.disconnect();
  assert.equal((await left)[0], "io client disconnect");
  assert.equal((await watcher.gone()).reason, "client namespace disconnect");
  assert.equal(await ask(root, "echo", "here"), "here");
  const old = custom.id;
  custom.connect();
  await event(custom, "connect");
  assert.notEqual(custom.id, old);
  assert.equal(await ask(custom, "echo", "back"), "back");
  assert.equal(await ask(root, "echo", "still"), "still");
});

scenario("the server ends one namespace while another stays", async (stage) => {
  const root = await stage.connect();
  const custom = await stage.beside(root, "/custom");
  const gone = event(custom, "disconnect");
  custom.emit("disconnect-me", false);
  assert.equal((await gone)[0], "io server disconnect");
  assert.equal(custom.active, false);
  assert.equal(await ask(root, "echo", "here"), "here");
  custom.connect();
  await event(custom, "connect");
  assert.equal(await ask(custom, "echo", "back"), "back");
});

scenario("middleware refuses with data", async (stage) => {
  const root = await stage.connect();
  const socket = stage.openBeside(root, "/denied");
  const error = await refused(socket);
  assert.equal(error.message, "denied");
  assert.deepEqual(error.data, { code: 42, nested: { list: [1, "two", null] } });
  assert.equal(socket.connected, false);
  assert.equal(socket.active, false);
  assert.equal((await ask(root, "stats")).sockets["/denied"] ?? 0, 0);
});

scenario("middleware refuses without data", async (stage) => {
  const error = await refused(stage.open({ nsp: "/bare" }));
  assert.equal(error.message, "no reason given");
  assert.equal(error.data, undefined);
});

scenario("token auth: refused, then let in", async (stage) => {
  const socket = stage.open({ nsp: "/token", auth: { token: "wrong" } });
  for (const token of ["wrong", "wronger"]) {
    const error = await refused(socket);
    assert.equal(error.message, "not authorized");
    assert.deepEqual(error.data, { hint: "token" });
    socket.auth = { token: token === "wrong" ? "wronger" : "secret" };
    socket.connect();
  }
  await connected(socket);
  assert.equal((await ask(socket, "handshake")).auth.token, "secret");
});

scenario("token auth on a shared connection", async (stage) => {
  const root = await stage.connect();
  const socket = stage.openBeside(root, "/token", { auth: {} });
  await refused(socket);
  socket.auth = { token: "secret" };
  socket.connect();
  await connected(socket);
  assert.equal(await ask(socket, "echo", "in"), "in");
  assert.equal(await ask(root, "echo", "root"), "root");
});

scenario("middleware that takes its time", async (stage) => {
  const root = await stage.connect();
  const started = performance.now();
  const slow = stage.openBeside(root, "/slow");
  const early = call(slow, "echo", "buffered");
  assert.equal(await ask(root, "echo", "meanwhile"), "meanwhile");
  assert.equal(slow.connected, false, "the root answers before the slow middleware");
  await connected(slow);
  assert.ok(performance.now() - started >= 190, "not before the middleware let it");
  assert.deepEqual(await early, ["buffered"]);
});

scenario("a client that leaves while middleware takes its time", async (stage) => {
  const root = await stage.connect({ reconnection: false });
  const slow = stage.openBeside(root, "/slow");
  await ask(root, "echo", "the request to join is there before this");
  assert.equal(slow.connected, false);
  root.io.engine.close();
  const other = await stage.connect({ nsp: "/slow" });
  assert.equal((await ask(other, "stats")).sockets["/slow"], 1, "the one that left is not there");
});

scenario("middleware runs in order and stops at the first refusal", async (stage) => {
  const socket = await stage.connect({ nsp: "/chain" });
  assert.deepEqual(await ask(socket, "steps"), ["first", "second", "third"]);
  const error = await refused(stage.open({ nsp: "/chain", auth: { stop: true } }));
  assert.equal(error.message, "stopped");
  assert.deepEqual(error.data, ["first", "second"]);
});
