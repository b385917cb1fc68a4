// SPDX-License-Identifier: MIT
// After utility-methods.ts of the npm server: finding sockets, moving them between rooms, ending them.
import assert from "node:assert/strict";
import { client } from "../lib/clients.mjs";
import { scenario } from "../lib/scenario.mjs";
import { ask, call, event } from "../lib/wait.mjs";

// Three sockets of a namespace that is theirs alone: in one and two, in one, in two.
async function three(stage) {
  const nsp = `/team-${process.pid}${stage.transport.length}`;
  const sockets = [];
  for (const rooms of [["one", "two"], ["one"], ["two"]]) {
    const socket = await stage.connect({ nsp, auth: { rooms } });
    await call(socket, "join", ...rooms);
    sockets.push(socket);
  }
  return sockets;
}

const io = { via: "io" };
const ids = (sockets) => sockets.map(({ id }) => id).sort();

async function rooms(sockets) {
  return Promise.all(sockets.map(async (socket) => (await ask(socket, "rooms")).filter((room) => room !== socket.id).join(" ")));
}

scenario("all sockets are found, with what is known of them", async (stage) => {
  const sockets = await three(stage);
  await call(sockets[0], "user", "ann");
  const found = await ask(sockets[1], "fetch", io);
  assert.deepEqual(ids(found), ids(sockets));
  const first = found.find(({ id }) => id === sockets[0].id);
  assert.deepEqual(first, { id: sockets[0].id, rooms: [sockets[0].id, "one", "two"].sort(), user: "ann", auth: { rooms: ["one", "two"] } });
});

scenario("the sockets of a room are found, or all but those", async (stage) => {
  const [a, b, c] = await three(stage);
  assert.deepEqual(ids(await ask(a, "fetch", { ...io, in: ["one"] })), ids([a, b]));
  assert.deepEqual(ids(await ask(a, "fetch", { ...io, to: ["one", "two"], except: [a.id] })), ids([b, c]));
  assert.deepEqual(ids(await ask(a, "fetch", { via: "socket" })), ids([b, c]));
  assert.deepEqual(await ask(a, "fetch", { ...io, in: ["nobody is here"] }), []);
});

scenario("sockets of other namespaces are not found", async (stage) => {
  const [a, b, c] = await three(stage);
  const stranger = await stage.beside(a, "/custom");
  await call(stranger, "join", "one");
  assert.deepEqual(ids(await ask(a, "fetch", io)), ids([a, b, c]));
  assert.deepEqual(ids(await ask(a, "fetch", { ...io, in: ["one"] })), ids([a, b]));
  assert.deepEqual(ids(await ask(stranger, "fetch", { ...io, in: ["one"] })), [stranger.id]);
});

scenario("all sockets join a room", async (stage) => {
  const sockets = await three(stage);
  await call(sockets[0], "sockets-join", io, "three", "four");
  assert.deepEqual(await rooms(sockets), ["four one three two", "four one three", "four three two"]);
});

scenario("the sockets of a room join another", async (stage) => {
  const sockets = await three(stage);
  await call(sockets[2], "sockets-join", { ...io, in: ["one"] }, "three");
  assert.deepEqual(await rooms(sockets), ["one three two", "one three", "two"]);
});

scenario("all sockets leave a room", async (stage) => {
  const sockets = await three(stage);
  await call(sockets[2], "sockets-leave", io, "one");
  assert.deepEqual(await rooms(sockets), ["two", "", "two"]);
});

scenario("the sockets of a room leave another", async (stage) => {
  const sockets = await three(stage);
  await call(sockets[1], "sockets-leave", { ...io, in: ["two"] }, "one");
  assert.deepEqual(await rooms(sockets), ["two", "one", "two"]);
});

scenario("all sockets are disconnected", async (stage) => {
  const sockets = await three(stage);
  const ended = sockets.map((socket) => event(socket, "disconnect"));
  sockets[0].emit("sockets-disconnect", io, true);
  for (const each of ended) assert.equal((await each)[0], "io server disconnect");
});

scenario("the sockets of a room are disconnected", async (stage) => {
  const [a, b, c] = await three(stage);
  const ended = [event(a, "disconnect"), event(c, "disconnect")];
  b.emit("sockets-disconnect", { ...io, in: ["two"] }, false);
  for (const each of ended) assert.equal((await each)[0], "io server disconnect");
  assert.deepEqual(ids(await ask(b, "fetch", io)), [b.id]);
  await client.again(a);
  assert.equal(await ask(a, "echo", "back"), "back");
});

scenario("other servers that are not there answer at once", async (stage) => {
  const socket = await stage.connect();
  assert.deepEqual(await ask(socket, "server-side", "question", 1), []);
});
