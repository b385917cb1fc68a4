// SPDX-License-Identifier: MIT
// Engine.IO alone, by the npm Engine.IO client: messages, upgrade, heartbeat, ends.
import assert from "node:assert/strict";
import { client } from "../lib/clients.mjs";
import { scenario } from "../lib/scenario.mjs";
import { finalTransport, transportOptions } from "../lib/transports.mjs";
import { event, within } from "../lib/wait.mjs";

// An open engine connection, kept by the stage until the run's end.
async function open(stage, { settled = false } = {}) {
  const engine = stage.keep(
    new client.Engine(stage.program.url, { ...transportOptions(stage.transport), path: "/engine.io/" }),
    (connection) => connection.close(),
  );
  const upgraded = settled && stage.transport === "upgrade" ? event(engine, "upgrade") : undefined;
  await event(engine, "open");
  await upgraded;
  return engine;
}

// The echoes of `messages`, all sent at once.
function echoes(engine, messages) {
  const back = [];
  const all = new Promise((resolve) => {
    engine.on("message", (data) => {
      back.push(data);
      if (back.length === messages.length) resolve(back);
    });
  });
  for (const message of messages) engine.send(message);
  return within(all, `${messages.length} engine messages`).finally(() => engine.off("message"));
}

scenario("engine: echo of text and binary", async (stage) => {
  // Text of 1.x is changed when it goes by one transport and comes back by the other.
  const engine = await open(stage, { settled: !client.atLeast(2, 0) });
  const messages = ["hello", "é😀\u0000\u2028", Buffer.from([0, 1, 255]), Buffer.alloc(0), "2probe", "x".repeat(100000), Buffer.alloc(100000, 7), "last"];
  assert.deepEqual(await echoes(engine, messages), messages);
});

scenario("engine: a thousand messages in order through an upgrade", async (stage) => {
  const engine = await open(stage);
  const messages = Array.from({ length: 1000 }, (_, i) => (i % 5 === 0 ? Buffer.from(String(i)) : String(i)));
  assert.deepEqual(await echoes(engine, messages), messages);
});

scenario("engine: the open packet", async (stage) => {
  const engine = stage.keep(
    new client.Engine(stage.program.url, { ...transportOptions(stage.transport), path: "/engine.io/", upgrade: false }),
    (connection) => connection.close(),
  );
  const [handshake] = await event(engine, "handshake");
  assert.deepEqual(Object.keys(handshake).sort(), ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"]);
  const { sid, ...rest } = handshake;
  assert.ok(sid.length >= 16);
  assert.deepEqual(rest, {
    upgrades: stage.transport === "websocket" ? [] : ["websocket"],
    pingInterval: 25000,
    pingTimeout: 20000,
    maxPayload: 1000000,
  });
});

scenario("engine: heartbeats", async (stage) => {
  await stage.ownServer({ PING_INTERVAL: "200ms", PING_TIMEOUT: "60s" });
  const engine = await open(stage);
  for (let i = 0; i < 3; i++) await event(engine, client.heartbeat);
  assert.deepEqual(await echoes(engine, ["alive"]), ["alive"]);
});

scenario("engine: the server closes", async (stage) => {
  const program = await stage.ownServer();
  const engine = await open(stage, { settled: true });
  assert.equal(engine.transport.name, finalTransport(stage.transport));
  const closed = event(engine, "close");
  await stage.rest();
  await program.stop();
  stage.forget(program);
  assert.equal((await closed)[0], "transport close");
});
