// SPDX-License-Identifier: MIT
// After the dynamic namespaces in namespaces.ts of the npm server: /team-<digits> by pattern, /club-<name>
// by function for members, gone when empty unless the server keeps them.
import assert from "node:assert/strict";
import { refused, scenario } from "../lib/scenario.mjs";
import { ask, call, event, until } from "../lib/wait.mjs";

let last = 0;
const team = () => `/team-${++last}`;

// The server's answer about the namespace `name`: how often it was created, and whether it exists.
async function known(socket, name) {
  const { made, there } = await ask(socket, "namespaces");
  return { made: made.filter((each) => each === name).length, there: there.includes(name) };
}

const goes = (root, name) => until(() => known(root, name), ({ there }) => !there, `the end of ${name}`);

scenario("a namespace of a pattern", async (stage) => {
  const root = await stage.connect();
  const nsp = team();
  const socket = await stage.beside(root, nsp, { auth: { of: nsp } });
  assert.equal(socket.nsp, nsp);
  assert.deepEqual(await known(root, nsp), { made: 1, there: true });
  const heard = event(socket, "news");
  await call(socket, "send", { via: "parent" }, "news", 1, "2", { 3: Buffer.from("4") });
  assert.deepEqual(await heard, [1, "2", { 3: Buffer.from("4") }]);
  assert.deepEqual((await ask(socket, "handshake")).auth, { of: nsp });
});

scenario("through the parent to rooms of all its children", async (stage) => {
  const [first, second, third] = [await stage.connect({ nsp: team() }), await stage.connect({ nsp: team() }), await stage.connect({ nsp: team() })];
  const heard = [];
  for (const [name, socket] of Object.entries({ first, second, third })) socket.on("news", (text) => heard.push(`${name} ${text}`));
  await call(first, "join", "some room");
  await call(third, "join", "some room");
  await call(second, "send", { via: "parent", to: ["some room"] }, "news", "room");
  await call(second, "send", { via: "parent", except: [third.id, first.id] }, "news", "but two");
  for (const socket of [first, second, third]) await ask(socket, "echo");
  assert.deepEqual(heard.sort(), ["first room", "second but two", "third room"]);
});

scenario("a namespace of a function, which sees the auth", async (stage) => {
  const root = await stage.connect();
  const member = await stage.beside(root, `/club-${stage.transport}`, { auth: { member: true } });
  assert.equal(await ask(member, "echo", "in"), "in");
  const stranger = await stage.connect();
  assert.equal((await refused(stage.openBeside(stranger, "/club-other", { auth: { member: false } }))).message, "Invalid namespace");
  assert.equal((await known(root, "/club-other")).made, 0);
});

scenario("a name that no pattern and no function takes", async (stage) => {
  const root = await stage.connect();
  for (const nsp of ["/team-x", "/team-", "/team-1x", "/clubs"]) {
    assert.equal((await refused(stage.openBeside(root, nsp, { auth: { member: true } }))).message, "Invalid namespace", nsp);
  }
});

scenario("twenty that come at once find one namespace", async (stage) => {
  const nsp = team();
  const sockets = await Promise.all(Array.from({ length: 20 }, () => stage.connect({ nsp })));
  const heard = sockets.map((socket) => event(socket, "news"));
  await call(sockets[0], "send", { via: "io" }, "news");
  await Promise.all(heard);
  assert.deepEqual(await known(sockets[0], nsp), { made: 1, there: true });
});

scenario("it goes with its last socket, and comes again", async (stage) => {
  const root = await stage.connect();
  const nsp = team();
  const [first, second] = [await stage.beside(root, nsp), await stage.connect({ nsp })];
  await call(first, "join", "room");
  const watcher = await stage.watch(first);
  first.disconnect();
  await watcher.gone();
  assert.equal((await known(root, nsp)).there, true, "one is left");
  second.disconnect();
  await goes(root, nsp);
  const third = await stage.connect({ nsp });
  assert.deepEqual(await ask(third, "rooms"), [third.id]);
  assert.deepEqual(await known(root, nsp), { made: 2, there: true });
});

scenario("it goes when its only client is refused", async (stage) => {
  const root = await stage.connect();
  const nsp = team();
  assert.equal((await refused(stage.openBeside(root, nsp, { auth: { refuse: true } }))).message, "not in this team");
  await goes(root, nsp);
  assert.equal((await known(root, nsp)).made, 1);
});

scenario("it stays when one of two is refused", async (stage) => {
  const nsp = team();
  const inside = await stage.connect({ nsp });
  await refused(stage.open({ nsp, auth: { refuse: true } }));
  assert.equal(await ask(inside, "echo", "here"), "here");
  assert.deepEqual(await known(inside, nsp), { made: 1, there: true });
  assert.equal((await ask(inside, "stats")).sockets[nsp], 1);
});

// That of a refused client goes all the same here; socketio.TestKeptNamespaces says why.
scenario("a server that keeps them when they are empty", async (stage) => {
  await stage.ownServer({ KEEP_EMPTY_NAMESPACES: "1" });
  const root = await stage.connect();
  const left = team();
  const socket = await stage.beside(root, left);
  const watcher = await stage.watch(socket);
  socket.disconnect();
  await watcher.gone();
  assert.deepEqual(await known(root, left), { made: 1, there: true });
  assert.equal((await ask(root, "stats")).sockets[left], 0);
});
