// SPDX-License-Identifier: MIT
// After v2-compatibility.ts of the npm server. The whole suite runs with versions 1.7 and 2.5 too; see
// matrix.mjs.
import assert from "node:assert/strict";
import { Client, VERSIONS } from "../lib/clients.mjs";
import { scenario } from "../lib/scenario.mjs";
import { ask, event } from "../lib/wait.mjs";

const version = new Client(VERSIONS.find((each) => each.startsWith("2.")));

scenario("a client of version 2 joins where it may", async (stage) => {
  await stage.ownServer({ ALLOW_EIO3: "1" });
  const socket = await stage.connect({ version, settled: true });
  assert.deepEqual(await ask(socket, "rooms"), [socket.id], "the id is that of the session on both sides");
});

scenario("a client of version 2 brings a query to a namespace", async (stage) => {
  await stage.ownServer({ ALLOW_EIO3: "1" });
  const socket = await stage.connect({ version, nsp: "/custom", auth: { test: "123" }, settled: true });
  assert.deepEqual((await ask(socket, "handshake")).auth, { test: "123" });
});

scenario("a client of version 2 is refused by default", async (stage) => {
  const socket = stage.open({ version, reconnection: false });
  await event(socket, "connect_error");
  assert.equal(socket.connected, false);
});
