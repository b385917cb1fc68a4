// SPDX-License-Identifier: MIT
// After the volatile events in socket.ts of the npm server. Ours drops one only if the client cannot take it
// now: a WebSocket can for as long as the kernel does, so there the npm client sees no drop; official.md
// names the dialogue over a stalled network.
import assert from "node:assert/strict";
import { scenario } from "../lib/scenario.mjs";
import { call, event } from "../lib/wait.mjs";

// The received part of a series that is emitted at once to an idle client. A polling client polls again only
// after the last step: "at once" may take a busy server longer than a round trip.
async function heard(stage, ...steps) {
  const socket = await stage.connect({ settled: true });
  const other = await stage.connect({ transport: "websocket" });
  const names = [];
  socket.on("ev", (name) => names.push(name));
  await stage.rest();
  const said = event(other, "all said");
  const { transport } = socket.io.engine;
  const { doPoll } = transport;
  if (doPoll) transport.doPoll = () => said.then(() => doPoll.call(transport));
  const answer = call(socket, "series", ...steps, { event: "all said", target: { via: "io", to: [other.id] } });
  await said;
  await answer;
  transport.doPoll = doPoll;
  return names;
}

const plain = (name) => ({ event: "ev", args: [name] });
const may = (name) => ({ ...plain(name), volatile: true });
const mayAll = (name) => ({ ...plain(name), target: { via: "io", volatile: true } });

scenario("one volatile event to an idle client", async (stage) => {
  assert.deepEqual(await heard(stage, may("one")), ["one"]);
  assert.deepEqual(await heard(stage, { ...may("bytes"), bytes: Buffer.from([1, 2, 3]) }), ["bytes"]);
});

scenario("a poll takes one of two volatile events", async (stage) => {
  assert.deepEqual(await heard(stage, may("one"), may("two")), ["one"]);
  assert.deepEqual(await heard(stage, mayAll("one"), mayAll("two")), ["one"]);
  const bytes = Buffer.from([1, 2, 3]);
  assert.deepEqual(await heard(stage, { ...may("one"), bytes }, { ...may("two"), bytes }, plain("three")), ["one", "three"]);
}, { on: ["polling"] });

scenario("no volatile event after a plain one in a poll", async (stage) => {
  assert.deepEqual(await heard(stage, plain("one"), may("two"), plain("three")), ["one", "three"]);
  assert.deepEqual(await heard(stage, plain("one"), mayAll("two"), plain("three")), ["one", "three"]);
}, { on: ["polling"] });

scenario("plain events keep their order around a volatile one", async (stage) => {
  const names = await heard(stage, plain("one"), may("two"), plain("three"));
  assert.deepEqual(names.filter((name) => name !== "two"), ["one", "three"]);
  assert.deepEqual(names, names.toSorted((a, b) => ["one", "two", "three"].indexOf(a) - ["one", "two", "three"].indexOf(b)));
});
