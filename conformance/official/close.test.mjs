// SPDX-License-Identifier: MIT
// After close.ts of the npm server: a protocol violation ends the connection, and nothing else.
import assert from "node:assert/strict";
import { client } from "../lib/clients.mjs";
import { scenario } from "../lib/scenario.mjs";
import { transportOptions } from "../lib/transports.mjs";
import { ask, event } from "../lib/wait.mjs";

// A client that has joined violates the protocol; another client is not affected.
for (const [what, packet] of [
  ["a second CONNECT for the same namespace", "0"],
  ["an event for a namespace that was not joined", '2/custom,["echo"]'],
  ["a packet of no known type", "abc"],
]) {
  scenario(`${what} ends the connection`, async (stage) => {
    const bystander = await stage.connect();
    const socket = await stage.connect({ settled: true, reconnection: false });
    const watcher = await stage.watch(socket);
    const ended = event(socket, "disconnect");
    socket.io.engine.write(packet);
    assert.match((await ended)[0], /^transport (close|error)$/);
    assert.match((await watcher.gone()).reason, /^forced (server )?close$/);
    assert.equal(await ask(bystander, "echo", "unharmed"), "unharmed");
  });
}

scenario("an event before any CONNECT ends the connection", async (stage) => {
  const engine = stage.keep(
    new client.Engine(stage.program.url, { ...transportOptions(stage.transport), path: "/socket.io/" }),
    (connection) => connection.close(),
  );
  const closed = event(engine, "close");
  // Ended between the answer to its probe and its "5", this client notices only by its ping timeout.
  const settled = stage.transport === "upgrade" ? event(engine, "upgrade") : undefined;
  await event(engine, "open");
  await settled;
  engine.write('2["echo"]');
  assert.match((await closed)[0], /^transport (close|error)$/);
});
