// SPDX-License-Identifier: MIT
// After middleware.ts and socket-middleware.ts of the npm server. Refusals with and without data, order,
// and a client that leaves meanwhile are in suite/namespaces.test.mjs.
import assert from "node:assert/strict";
import { refused, scenario } from "../lib/scenario.mjs";
import { ask, call, event, events } from "../lib/wait.mjs";

scenario("a socket is connected only after its middleware", async (stage) => {
  const socket = await stage.connect({ nsp: "/lobby" });
  assert.deepEqual(await ask(socket, "steps"), ["connected: false"]);
  assert.equal(socket.connected, true);
});

scenario("a room joined in a middleware is kept, one left is not", async (stage) => {
  const socket = await stage.connect({ nsp: "/lobby" });
  assert.deepEqual(await ask(socket, "rooms"), [socket.id, "lobby"].sort());
  const heard = event(socket, "news");
  await call(socket, "send", { via: "io", to: ["lobby"] }, "news", "to the lobby");
  assert.deepEqual(await heard, ["to the lobby"]);
});

scenario("who is refused leaves the rooms of its middleware", async (stage) => {
  const root = await stage.connect();
  const inside = await stage.beside(root, "/lobby");
  const outside = stage.openBeside(await stage.connect(), "/lobby", { auth: { refuse: true } });
  assert.equal((await refused(outside)).message, "no entry");
  const found = await ask(inside, "fetch", { via: "io", in: ["lobby"] });
  assert.deepEqual(found.map(({ id }) => id), [inside.id]);
  assert.equal(outside.connected, false);
});

scenario("middleware of one namespace is not that of another", async (stage) => {
  const root = await stage.connect();
  const lobby = await stage.beside(root, "/lobby");
  assert.notDeepEqual(await ask(root, "steps"), ["connected: false"]);
  assert.deepEqual(await ask(lobby, "steps"), ["connected: false"]);
});

scenario("middlewares of events run in order and may change an event", async (stage) => {
  const socket = await stage.connect();
  await call(socket, "use");
  const passed = events(socket, "passed", 2);
  assert.deepEqual(await call(socket, "wrap", "content", Buffer.from("b")), ["content", Buffer.from("b")]);
  assert.deepEqual(await passed, [["first", "wrap"], ["second", "wrap"]]);
});

scenario("a middleware of events fails an event", async (stage) => {
  const socket = await stage.connect();
  await call(socket, "use");
  const faults = [];
  socket.on("fault", (text) => faults.push(text));
  socket.emit("forbidden", 1);
  assert.equal(await ask(socket, "echo", "the next one"), "the next one");
  assert.deepEqual(faults, ["not allowed"]);
});
