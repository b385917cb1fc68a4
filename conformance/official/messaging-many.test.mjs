// SPDX-License-Identifier: MIT
// After messaging-many.ts of the npm server: the receivers of broadcasts, and broadcasts with
// acknowledgements. The plain broadcasts are in suite/rooms.test.mjs.
import assert from "node:assert/strict";
import { scenario } from "../lib/scenario.mjs";
import { ask, call } from "../lib/wait.mjs";

// Clients by name, each of which keeps its received events. Upgrades are complete: a client receives nothing
// volatile during an upgrade.
async function crowd(stage, places) {
  const clients = {};
  for (const [name, nsp] of Object.entries(places)) {
    const socket = await stage.connect({ nsp, settled: true, transport: stage.transport === "upgrade" ? undefined : stage.transport });
    socket.heard = [];
    socket.on("news", (...args) => socket.heard.push(args));
    clients[name] = socket;
  }
  clients.hears = async (expected) => {
    for (const [name, socket] of Object.entries(clients)) {
      if (name === "hears") continue;
      await ask(socket, "echo", "in order");
      assert.deepEqual(socket.heard, expected[name] ?? [], name);
      socket.heard = [];
    }
  };
  return clients;
}

const THREE = { ann: "/", ben: "/", cat: "/" };

scenario("binary to a namespace stays in it", async (stage) => {
  const { ann, hears } = await crowd(stage, { ann: "/", ben: "/", far: "/custom" });
  const news = [Buffer.alloc(10, 7), "caption"];
  await call(ann, "send", { via: "io" }, "news", ...news);
  await hears({ ann: [news], ben: [news] });
  await call(ann, "send", { via: "socket" }, "news", "the rest");
  await hears({ ben: [["the rest"]] });
});

scenario("binary to a room goes to the others in it", async (stage) => {
  const { ann, ben, cat, hears } = await crowd(stage, THREE);
  const room = `binary ${stage.transport}`;
  await call(ben, "join", room);
  await call(cat, "join", room);
  const news = [{ picture: Buffer.from([1, 2, 3]) }];
  await call(cat, "send", { via: "socket", to: [room] }, "news", ...news);
  await hears({ ben: [news] });
  await call(ann, "send", { via: "io", to: [room], except: [cat.id], local: true, compress: false }, "news", ...news);
  await hears({ ben: [news] });
});

scenario("several rooms are joined at once, and left", async (stage) => {
  const socket = await stage.connect();
  const own = (...rooms) => [socket.id, ...rooms].sort();
  await call(socket, "join", "a", "b", "c");
  assert.deepEqual(await ask(socket, "rooms"), own("a", "b", "c"));
  await call(socket, "leave", "b");
  await call(socket, "leave", "unknown");
  assert.deepEqual(await ask(socket, "rooms"), own("a", "c"));
  assert.deepEqual(await ask(socket, "fetch", { via: "io", in: ["b"] }), [], "a room goes with its last member");
  for (const room of own("a", "c")) await call(socket, "leave", room);
  assert.deepEqual(await ask(socket, "rooms"), []);
  assert.equal(await ask(socket, "echo", "still here"), "still here");
});

scenario("everybody acknowledges", async (stage) => {
  const { ann, ben, cat } = await crowd(stage, THREE);
  for (const [i, socket] of [ann, ben, cat].entries()) {
    socket.on("question", (text, bytes, answer) => answer({ i, text, bytes }, "only the first counts"));
  }
  const bytes = Buffer.from("bytes");
  const { ok, reply } = await ask(ann, "ask-many", 60000, { via: "io", to: [ann.id, ben.id, cat.id] }, "question", "text", bytes);
  assert.equal(ok, true);
  assert.deepEqual(reply.sort((a, b) => a.i - b.i), [0, 1, 2].map((i) => ({ i, text: "text", bytes })));
});

scenario("one of many does not acknowledge in time", async (stage) => {
  const { ann, ben, cat } = await crowd(stage, THREE);
  ann.on("question", (answer) => answer(1));
  ben.on("question", (answer) => answer(2));
  cat.on("question", () => {});
  const { ok, reply, error } = await ask(ann, "ask-many", 4000, { via: "io", to: [ann.id, ben.id, cat.id] }, "question");
  assert.deepEqual([ok, error], [false, "timeout"]);
  assert.deepEqual(reply.sort(), [1, 2]);
});

scenario("the others acknowledge to one", async (stage) => {
  const { ann, ben, cat } = await crowd(stage, THREE);
  ann.on("question", () => assert.fail("the one who asks is asked"));
  ben.on("question", (answer) => answer("ben"));
  cat.on("question", (answer) => answer("cat"));
  const { ok, reply } = await ask(ann, "ask-many", 60000, { via: "socket", to: [ann.id, ben.id, cat.id] }, "question");
  assert.equal(ok, true);
  assert.deepEqual(reply.sort(), ["ben", "cat"]);
});

scenario("a question to nobody is answered at once", async (stage) => {
  const socket = await stage.connect();
  socket.on("question", () => assert.fail("somebody is asked"));
  const reply = await ask(socket, "ask-many", 60000, { via: "io", to: ["nobody is here"] }, "question");
  assert.deepEqual(reply, { ok: true, reply: [] });
});

scenario("a volatile broadcast with binary reaches idle clients", async (stage) => {
  const { ann, hears } = await crowd(stage, THREE);
  await stage.rest();
  ann.emit("send", { via: "socket", volatile: true }, "news", Buffer.from([1, 2, 3]));
  await hears({ ben: [[Buffer.from([1, 2, 3])]], cat: [[Buffer.from([1, 2, 3])]] });
});
