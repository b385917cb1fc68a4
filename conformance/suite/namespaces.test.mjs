// SPDX-License-Identifier: MIT
// Namespaces: multiplexing, unknown ones, leaving one of several, and middleware on connect.
import assert from "node:assert/strict";
import { client } from "../lib/clients.mjs";
import { connected, refused, scenario } from "../lib/scenario.mjs";
import { ask, call, event, until } from "../lib/wait.mjs";

scenario("several namespaces on one connection", async (stage) => {
  const root = await stage.connect({ auth: { for: "root" } });
  const sessions = (await ask(root, "stats")).sessions;
  const custom = stage.openBeside(root, "/custom", { auth: { for: "custom" } });
  const auth = event(custom, "auth");
  await connected(custom);
  assert.deepEqual(await auth, [client.seenAuth("/custom", { for: "custom" })], "each namespace has its own auth");
  assert.equal(custom.io, root.io);
  assert.notEqual(client.idOf(custom), root.id);
  const stats = await ask(root, "stats");
  assert.equal(stats.sessions, sessions, "no further session");
  assert.equal(stats.sockets["/custom"], 1);
  const heard = [];
  for (const name of ["only custom", "only root"]) {
    root.on(name, () => heard.push(`root ${name}`));
    custom.on(name, () => heard.push(`custom ${name}`));
  }
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
  const names = ["/unknown", "/custom/", "/Custom", "/__proto__", "/constructor"];
  // The npm server takes a revision 3 name for a URL and answers with its percent-encoded form, which no client awaits.
  if (client.revision === 4) names.push("/é");
  for (const nsp of names) {
    const socket = stage.openBeside(root, nsp);
    const error = await refused(socket);
    assert.equal(error.message, "Invalid namespace", nsp);
    assert.equal(error.data, undefined, nsp);
    if (client.atLeast(4, 1)) assert.equal(socket.active, false, nsp);
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
  const old = custom.id;
  custom.disconnect();
  assert.equal((await left)[0], "io client disconnect");
  assert.equal((await watcher.gone()).reason, "client namespace disconnect");
  assert.equal(await ask(root, "echo", "here"), "here");
  await client.again(custom);
  if (client.revision === 4) assert.notEqual(custom.id, old);
  else assert.equal(custom.id, old, "it belongs to the connection");
  assert.equal(await ask(custom, "echo", "back"), "back");
  assert.equal(await ask(root, "echo", "still"), "still");
});

scenario("the server ends one namespace while another stays", async (stage) => {
  const root = await stage.connect();
  const custom = await stage.beside(root, "/custom");
  const gone = event(custom, "disconnect");
  custom.emit("disconnect-me", false);
  assert.equal((await gone)[0], "io server disconnect");
  assert.equal(client.active(custom), false);
  assert.equal(await ask(root, "echo", "here"), "here");
  await client.again(custom);
  assert.equal(await ask(custom, "echo", "back"), "back");
});

scenario("middleware refuses with data", async (stage) => {
  const root = await stage.connect();
  const socket = stage.openBeside(root, "/denied");
  assertRefusal(await refused(socket), "denied", { code: 42, nested: { list: [1, "two", null] } });
  assert.equal(socket.connected, false);
  assert.equal((await ask(root, "stats")).sockets["/denied"] ?? 0, 0);
});

scenario("middleware refuses without data", async (stage) => {
  assertRefusal(await refused(stage.open({ nsp: "/bare" })), "no reason given");
});

scenario("token auth: refused, then let in", async (stage) => {
  const socket = stage.open({ nsp: "/token", auth: { token: "wrong" } });
  for (const token of ["wrong", "wronger"]) {
    assertRefusal(await refused(socket), "not authorized", { hint: "token" });
    client.setAuth(socket, { token: token === "wrong" ? "wronger" : "secret" });
    socket.connect();
  }
  await connected(socket);
  assert.equal((await ask(socket, "handshake")).auth.token, "secret");
});

scenario("token auth on a shared connection", async (stage) => {
  const root = await stage.connect();
  const socket = stage.openBeside(root, "/token", { auth: {} });
  await refused(socket);
  client.setAuth(socket, { token: "secret" });
  socket.connect();
  await connected(socket);
  assert.equal(await ask(socket, "echo", "in"), "in");
  assert.equal(await ask(root, "echo", "root"), "root");
});

// The middleware of /gate waits until someone opens the gate of that name.
let gates = 0;

scenario("slow middleware", async (stage) => {
  const root = await stage.connect();
  const gate = `gate ${++gates}`;
  const slow = stage.openBeside(root, "/gate", { auth: { gate } });
  const early = call(slow, "echo", "buffered");
  assert.equal(await ask(root, "echo", "meanwhile"), "meanwhile");
  assert.equal(slow.connected, false, "the root answers before the slow middleware");
  await call(root, "open-gate", gate);
  await connected(slow);
  assert.deepEqual(await early, ["buffered"]);
});

scenario("a client that disconnects during slow middleware", async (stage) => {
  const bystander = await stage.connect();
  const { sessions } = await ask(bystander, "stats");
  const root = await stage.connect({ reconnection: false });
  const gate = `gate ${++gates}`;
  const slow = stage.openBeside(root, "/gate", { auth: { gate } });
  await ask(root, "echo", "the request to join is there before this");
  assert.equal(slow.connected, false);
  root.io.engine.close();
  await until(() => ask(bystander, "stats"), (stats) => stats.sessions === sessions, "the end of the session");
  await call(bystander, "open-gate", gate);
  const other = await stage.connect({ nsp: "/gate", auth: { gate } });
  assert.equal((await ask(other, "stats")).sockets["/gate"], 1, "the one that left is not there");
});

scenario("middleware runs in order and stops at the first refusal", async (stage) => {
  const socket = await stage.connect({ nsp: "/chain" });
  assert.deepEqual(await ask(socket, "steps"), ["first", "second", "third"]);
  assertRefusal(await refused(stage.open({ nsp: "/chain", auth: { stop: true } })), "stopped", ["first", "second"]);
});

function assertRefusal(error, message, data) {
  const got = error instanceof Error ? { message: error.message, data: error.data } : error;
  assert.deepEqual(got, client.refusal(message, data));
}
