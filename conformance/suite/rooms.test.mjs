// SPDX-License-Identifier: MIT
// Rooms and broadcasts: the receivers of each event, and how often they receive it.
import assert from "node:assert/strict";
import { client } from "../lib/clients.mjs";
import { scenario } from "../lib/scenario.mjs";
import { ask, call, event, events } from "../lib/wait.mjs";

// Four clients; each keeps what it hears as "news". `heard` names who heard what once all have
// answered a round trip: what was sent before an acknowledgement arrives before it.
async function crowd(stage, nsp = "/") {
  const mixed = stage.transport === "upgrade" ? undefined : stage.transport;
  const clients = {};
  for (const name of ["ann", "ben", "cat", "dan"]) {
    const socket = await stage.connect({ transport: mixed, nsp });
    socket.news = [];
    socket.on("news", (...args) => socket.news.push(args));
    clients[name] = socket;
  }
  const heard = async () => {
    const all = {};
    for (const [name, socket] of Object.entries(clients)) {
      await ask(socket, "echo", "in order");
      all[name] = socket.news.map(([first]) => first);
      socket.news = [];
    }
    return all;
  };
  return { ...clients, heard };
}

const send = (socket, options, ...args) => call(socket, "send", options, "news", ...args);

scenario("to everyone, and to everyone but the sender", async (stage) => {
  const { ann, heard } = await crowd(stage);
  await send(ann, { via: "io" }, "all");
  assert.deepEqual(await heard(), { ann: ["all"], ben: ["all"], cat: ["all"], dan: ["all"] });
  await send(ann, { via: "socket" }, "others");
  assert.deepEqual(await heard(), { ann: [], ben: ["others"], cat: ["others"], dan: ["others"] });
});

scenario("rooms: join, to, in, leave", async (stage) => {
  const { ann, ben, cat, heard } = await crowd(stage);
  const room = `room of ${stage.transport}`;
  assert.deepEqual(await ask(ben, "rooms"), [ben.id]);
  await call(ann, "join", room);
  await call(ben, "join", room);
  assert.deepEqual(await ask(ben, "rooms"), [ben.id, room].sort());
  await send(cat, { via: "io", to: [room] }, "to");
  assert.deepEqual(await heard(), { ann: ["to"], ben: ["to"], cat: [], dan: [] });
  await send(cat, { via: "io", in: [room] }, "in");
  assert.deepEqual(await heard(), { ann: ["in"], ben: ["in"], cat: [], dan: [] });
  await send(ann, { via: "socket", to: [room] }, "not me");
  assert.deepEqual(await heard(), { ann: [], ben: ["not me"], cat: [], dan: [] });
  await call(ben, "leave", room);
  await send(cat, { via: "io", to: [room] }, "left");
  assert.deepEqual(await heard(), { ann: ["left"], ben: [], cat: [], dan: [] });
  await call(ann, "join", room);
  await send(cat, { via: "io", to: [room] }, "joined twice");
  assert.deepEqual(await heard(), { ann: ["joined twice"], ben: [], cat: [], dan: [] });
  await send(cat, { via: "io", to: ["nobody is here"] }, "lost");
  assert.deepEqual(await heard(), { ann: [], ben: [], cat: [], dan: [] });
});

scenario("several rooms reach each socket once", async (stage) => {
  const { ann, ben, cat, dan, heard } = await crowd(stage);
  const [one, two, three] = ["one", "two", "three"].map((name) => `${name} ${stage.transport}`);
  await call(ann, "join", one, two, three);
  await call(ben, "join", two);
  await call(cat, "join", three, one);
  await send(dan, { via: "io", to: [one, two, three] }, "once");
  assert.deepEqual(await heard(), { ann: ["once"], ben: ["once"], cat: ["once"], dan: [] });
  await send(dan, { via: "io", to: [one], in: [two, three] }, "chained");
  assert.deepEqual(await heard(), { ann: ["chained"], ben: ["chained"], cat: ["chained"], dan: [] });
  await send(ann, { via: "socket", to: [one, two] }, "from inside");
  assert.deepEqual(await heard(), { ann: [], ben: ["from inside"], cat: ["from inside"], dan: [] });
});

scenario("except", async (stage) => {
  const { ann, ben, cat, heard } = await crowd(stage);
  const [one, two] = ["one", "two"].map((name) => `${name} ${stage.transport}`);
  await call(ann, "join", one);
  await call(ben, "join", one, two);
  await call(cat, "join", two);
  await send(ann, { via: "io", except: [two] }, "all but two");
  assert.deepEqual(await heard(), { ann: ["all but two"], ben: [], cat: [], dan: ["all but two"] });
  await send(ann, { via: "io", to: [one], except: [two] }, "one but two");
  assert.deepEqual(await heard(), { ann: ["one but two"], ben: [], cat: [], dan: [] });
  await send(ann, { via: "socket", except: [one] }, "neither me nor one");
  assert.deepEqual(await heard(), { ann: [], ben: [], cat: ["neither me nor one"], dan: ["neither me nor one"] });
  await send(ann, { via: "io", except: [ben.id, one] }, "except an id");
  assert.deepEqual(await heard(), { ann: [], ben: [], cat: ["except an id"], dan: ["except an id"] });
});

scenario("a private message to one socket by its id", async (stage) => {
  const { ann, ben, heard } = await crowd(stage);
  await send(ann, { via: "io", to: [ben.id] }, "psst", Buffer.from("secret"));
  assert.deepEqual(await heard(), { ann: [], ben: ["psst"], cat: [], dan: [] });
  await send(ann, { via: "socket", to: [ben.id] }, "again");
  assert.deepEqual(await heard(), { ann: [], ben: ["again"], cat: [], dan: [] });
  await send(ann, { via: "socket", to: [ann.id] }, "to myself through the socket: nobody");
  assert.deepEqual(await heard(), { ann: [], ben: [], cat: [], dan: [] });
});

scenario("rooms of one name in two namespaces are two rooms", async (stage) => {
  const room = `shared name ${stage.transport}`;
  const root = await stage.connect();
  const custom = await stage.beside(root, "/custom");
  const heard = [];
  root.on("news", (text) => heard.push(`root ${text}`));
  custom.on("news", (text) => heard.push(`custom ${text}`));
  await call(root, "join", room);
  await call(custom, "join", room);
  await send(root, { via: "io", to: [room] }, "one");
  await send(custom, { via: "io", to: [room] }, "two");
  await ask(root, "echo");
  await ask(custom, "echo");
  assert.deepEqual(heard, ["root one", "custom two"]);
});

scenario("a room is gone with its last socket", async (stage) => {
  const room = `short ${stage.transport}`;
  const first = await stage.connect();
  const second = await stage.connect();
  await call(first, "join", room);
  const watcher = await stage.watch(first);
  first.disconnect();
  await watcher.gone();
  await call(second, "join", room);
  const news = events(second, "news", 1);
  await send(second, { via: "io", to: [room] }, "alone");
  assert.deepEqual(await news, [["alone"]]);
});

scenario("a volatile event is delivered when idle", async (stage) => {
  const socket = await stage.connect({ settled: true });
  const heard = [];
  socket.on("quick", (...args) => heard.push(args));
  await stage.rest();
  await call(socket, "volatile", "quick", 1, { two: 2 });
  assert.deepEqual(heard, [[1, { two: 2 }]]);
  await stage.rest();
  await call(socket, "send", { via: "io", to: [socket.id], volatile: true }, "quick", "to a room");
  assert.deepEqual(heard, [[1, { two: 2 }], ["to a room"]]);
});

scenario("two clients chat, one polling and one on WebSocket", async (stage) => {
  const first = await stage.connect({ transport: "polling" });
  const second = await stage.connect();
  const third = await stage.connect({ transport: "websocket" });
  for (const [i, speaker] of [first, second, third, first].entries()) {
    const heard = [first, second, third].map((socket) => event(socket, "chat message"));
    const text = client.text(`line ${i} <b>é😀</b>`, "polling");
    speaker.emit("chat message", text);
    for (const promise of heard) assert.deepEqual(await promise, [text]);
  }
});
