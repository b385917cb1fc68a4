// SPDX-License-Identifier: MIT
// After namespaces.ts of the npm server, without its dynamic namespaces. Unknown ones, several on one
// connection and leaving are in suite/namespaces.test.mjs.
import assert from "node:assert/strict";
import { client } from "../lib/clients.mjs";
import { scenario } from "../lib/scenario.mjs";
import { transportOptions } from "../lib/transports.mjs";
import { ask, call, event } from "../lib/wait.mjs";

const io = { via: "io" };

scenario("no path and / are one namespace", async (stage) => {
  const [none, slash] = [await stage.connect({ nsp: "" }), await stage.connect({ nsp: "/" })];
  assert.deepEqual([none.nsp, slash.nsp], ["/", "/"]);
  const heard = [event(none, "news"), event(slash, "news")];
  await call(none, "send", { ...io, to: [none.id, slash.id] }, "news");
  await Promise.all(heard);
});

scenario("the same namespace twice is two connections", async (stage) => {
  const [first, second] = [await stage.connect({ forceNew: false }), await stage.connect({ forceNew: false })];
  assert.notEqual(first.io, second.io);
  assert.notEqual(first.id, second.id);
  assert.equal((await ask(first, "stats")).sessions, 3, "these and the asking one of the suite");
});

scenario("a namespace knows its sockets and rooms, not those of others", async (stage) => {
  const foo = await stage.connect({ nsp: "/custom" });
  const bar = await stage.connect({ nsp: "/custom" });
  const other = await stage.connect({ nsp: "/lobby" });
  await call(foo, "join", "foo");
  await call(bar, "join", "bar");
  await call(other, "join", "foo");
  const ids = async (target) => (await ask(foo, "fetch", target)).map(({ id }) => id);
  assert.deepEqual(await ids(io), [foo.id, bar.id].sort());
  assert.deepEqual(await ids({ ...io, in: ["foo"] }), [foo.id]);
  assert.deepEqual(await ids({ ...io, in: ["foo", "bar"] }), [foo.id, bar.id].sort());
});

scenario("exceptions hold in every namespace", async (stage) => {
  for (const nsp of ["/", "/custom"]) {
    const [first, second] = [await stage.connect({ nsp }), await stage.connect({ nsp })];
    const heard = [];
    for (const [name, socket] of Object.entries({ first, second })) socket.on("news", (text) => heard.push(`${name} ${text}`));
    await call(first, "send", { ...io, except: [second.id] }, "news", "id");
    await call(second, "join", "outside");
    await call(second, "send", { ...io, except: ["outside"] }, "news", "room");
    await Promise.all([ask(first, "echo"), ask(second, "echo")]);
    assert.deepEqual(heard, ["first id", "first room"], nsp);
  }
});

scenario("a volatile broadcast in a namespace reaches the idle", async (stage) => {
  const socket = await stage.connect({ nsp: "/custom", settled: true });
  await stage.rest();
  const heard = event(socket, "news");
  socket.emit("send", { ...io, volatile: true }, "news", 1);
  assert.deepEqual(await heard, [1]);
});

scenario("events that connections use cannot be sent", async (stage) => {
  const socket = await stage.connect();
  for (const name of ["connect", "connect_error", "disconnect", "disconnecting"]) assert.equal(await ask(socket, "reserved", name), "true true", name);
  for (const name of ["news", "Connect", "reconnect"]) assert.equal(await ask(socket, "reserved", name), "false false", name);
});

scenario("a connection that joins nothing is ended", async (stage) => {
  // An upgrade is over by then: see close.test.mjs.
  await stage.ownServer({ CONNECT_TIMEOUT: stage.transport === "upgrade" ? "3s" : "100ms" });
  const engine = stage.keep(
    new client.Engine(stage.program.url, { ...transportOptions(stage.transport), path: "/socket.io/" }),
    (connection) => connection.close(),
  );
  const closed = event(engine, "close");
  await event(engine, "open");
  assert.match((await closed)[0], /^transport (close|error)$/);
});

scenario("a namespace that stays is there without sockets", async (stage) => {
  const socket = await stage.connect({ nsp: "/custom" });
  const watcher = await stage.watch(socket);
  socket.disconnect();
  await watcher.gone();
  const root = await stage.connect();
  assert.ok((await ask(root, "namespaces")).there.includes("/custom"));
  assert.equal((await ask(root, "stats")).sockets["/custom"], 0);
});
