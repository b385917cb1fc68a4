// SPDX-License-Identifier: MIT

// This file tests retries over a link that loses events and acknowledgements, with this client and the reference
// client. With SERVER_CMD the server is one that recognizes retries.

import assert from "node:assert/strict";
import { afterEach, describe, test } from "node:test";
import * as npm from "socket.io-client";
import { WebSocket } from "ws";
import * as ours from "../src/index.ts";
import type { WebSocketClass } from "../src/index.ts";
import { Link } from "./link.ts";
import { ServerProcess } from "./server-process.ts";

/** Whether the server handles a retry once. The reference can't. */
const recognizes = Boolean(process.env["SERVER_CMD"]);
const ORDERS = 40;

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Sends orders over a link that loses every third acknowledgement and every seventh order. Returns those that were handled. */
async function run(name: "ours" | "reference", transport: string, env: Record<string, string>): Promise<string[]> {
  const server = new ServerProcess(env);
  await server.start();
  ends.push(() => server.stop());
  const link = await new Link(Number(new URL(server.url).port), { events: 7, acks: 3 }).start();
  ends.push(() => link.stop());
  const client: any = name === "ours" ? ours : npm;
  const options = {
    transports: [transport],
    forceNew: true,
    reconnectionDelay: 5,
    reconnectionDelayMax: 5,
    retries: 1000,
    ackTimeout: 120_000, // a loss ends the connection
    ...(name === "ours" && { webSocket: WebSocket as unknown as WebSocketClass }),
  };
  const socket = client.io(link.url, options);
  ends.push(() => socket.disconnect());
  const orders = Array.from({ length: ORDERS }, (_, i) => `order ${i}`);
  const answers = await Promise.all(orders.map((id) => socket.emitWithAck("order", id)));
  assert.ok(link.cut.acks >= 10 && link.cut.events >= 4, `the link has cut ${JSON.stringify(link.cut)}`);
  const observer = client.io(server.url, { forceNew: true, transports: ["polling"] });
  ends.push(() => observer.disconnect());
  const handled: string[] = await observer.emitWithAck("orders");
  assert.deepEqual([...new Set(handled)], orders, "each at least once, the first attempts in order");
  answers.forEach((n, i) => assert.equal(handled[n - 1], orders[i], "the answer is that of the order"));
  return handled;
}

for (const transport of ["polling", "websocket"]) {
  describe(`over ${transport}`, () => {
    // socket.io#1500: events that were not acknowledged are sent again, also after a loss of the connection.
    for (const name of ["ours", "reference"] as const) {
      test(`${name}: at least once`, async () => {
        const handled = await run(name, transport, {});
        assert.ok(handled.length > ORDERS, "the link should make the client repeat something");
      });
    }
    // socket.io#5334, socket.io#3649.
    test("ours with recovery: once, if the server recognizes retries", async () => {
      const handled = await run("ours", transport, { RECOVERY: "1" });
      if (recognizes) assert.equal(handled.length, ORDERS);
      else assert.ok(handled.length > ORDERS);
    });
    // Each of several servers keeps the keys in its own memory.
    if (recognizes && !process.env["NODES"]) {
      // socket.io#5334: also with an unchanged client.
      for (const name of ["ours", "reference"] as const) {
        test(`${name} with a key of the application: once`, async () => {
          assert.equal((await run(name, transport, { KEY: "1" })).length, ORDERS);
        });
      }
    }
  });
}
