// SPDX-License-Identifier: MIT
// Clients of every version on one server at once, and the server's answer to a version that it does not allow.
import assert from "node:assert/strict";
import { client, Client, VERSIONS } from "../lib/clients.mjs";
import { scenario } from "../lib/scenario.mjs";
import { ask, call, event, events, within } from "../lib/wait.mjs";

const ALL = VERSIONS.map((version) => new Client(version));

// A server for all, and one client of each version on it: [the one under test, ...the rest].
async function everyone(stage, { nsp } = {}) {
  await stage.ownServer({ ALLOW_EIO3: "1" });
  const others = ALL.filter(({ version }) => version !== client.version);
  return Promise.all([client, ...others].map((version) => stage.connect({ version, nsp, settled: true })));
}

scenario("old and new clients chat", async (stage) => {
  const crowd = await everyone(stage);
  const text = (i) => ALL[0].text(`line ${i} <b>é😀</b>`, stage.transport);
  const heard = crowd.map((socket) => events(socket, "chat message", crowd.length));
  for (const [i, socket] of crowd.entries()) {
    socket.emit("chat message", text(i));
    await ask(socket, "echo", "the line was said before this");
  }
  for (const lines of await Promise.all(heard)) assert.deepEqual(lines, crowd.map((_, i) => [text(i)]));
});

scenario("old and new clients share rooms and binary", async (stage) => {
  const [first, ...others] = await everyone(stage);
  for (const other of others) await call(other, "join", "all versions");
  const picture = { deep: [Buffer.from([0, 128, 255]), { empty: Buffer.alloc(0) }] };
  const heard = others.map((other) => event(other, "picture"));
  await call(first, "send", { via: "socket", to: ["all versions"] }, "picture", picture, "caption");
  for (const args of await Promise.all(heard)) assert.deepEqual(args, [picture, "caption"]);
  const back = events(first, "picture", others.length);
  for (const other of others) await call(other, "send", { via: "io", to: [first.id] }, "picture", picture);
  assert.deepEqual(await back, others.map(() => [picture]));
});

scenario("old and new clients in a namespace under load", async (stage) => {
  const crowd = await everyone(stage, { nsp: "/custom" });
  const answers = crowd.flatMap((socket, s) => Array.from({ length: 40 }, (_, i) => ask(socket, "echo", { s, i, b: Buffer.from([i]) })));
  for (const [n, { s, i, b }] of (await within(Promise.all(answers), "every answer")).entries()) {
    assert.deepEqual([s, i, b], [Math.floor(n / 40), n % 40, Buffer.from([n % 40])]);
  }
});

scenario("a client leaves and the other versions stay", async (stage) => {
  const [first, ...others] = await everyone(stage);
  const lost = [];
  for (const other of others) other.on("disconnect", (reason) => lost.push(reason));
  const ended = event(first, "disconnect");
  first.emit("disconnect-me", true);
  assert.equal((await ended)[0], "io server disconnect");
  for (const other of others) assert.equal(await ask(other, "echo", "here"), "here");
  assert.deepEqual(lost, []);
  await client.again(first);
  assert.equal(await ask(first, "echo", "back"), "back");
});

scenario("a server that does not allow Engine.IO 3 says so", async (stage) => {
  const program = await stage.ownServer({ ALLOW_EIO3: "" });
  const socket = stage.open({ reconnection: false });
  await event(socket, "connect_error");
  assert.equal(socket.connected, false);
  const answer = await fetch(`${program.url}/socket.io/?EIO=3&transport=polling`);
  assert.equal(answer.status, 400);
  assert.deepEqual(await answer.json(), { code: 5, message: "Unsupported protocol version" });
}, { needs: "Engine.IO 3" });
