// SPDX-License-Identifier: MIT

// This file gives each test of the file that imports it a server of its own, and ends its sockets afterwards.

import { afterEach, beforeEach } from "node:test";
import { WebSocket } from "ws";
import { io, type IoOptions, type Socket, type WebSocketClass } from "../src/index.ts";
import { FakeServer, type Session } from "./fake-server.ts";
import { event } from "./scenarios.ts";

export const webSocket = WebSocket as unknown as WebSocketClass;
/** The server of the test that runs, and the sockets that are disconnected after it. */
export let server: FakeServer;
export let sockets: { disconnect(): unknown }[];

beforeEach(async () => {
  sockets = [];
  server = await new FakeServer().start();
});

afterEach(async () => {
  for (const socket of sockets) socket.disconnect();
  await server.stop();
});

/** Returns a socket of its own connection to the server. */
export function dial(options: IoOptions = {}, path = "/"): Socket {
  const socket = io(server.url + path, { forceNew: true, webSocket, reconnectionDelay: 20, ...options });
  sockets.push(socket);
  return socket;
}

/** Is dial, and waits for the connection. */
export async function connected(options?: IoOptions, path?: string): Promise<[Socket, Session]> {
  const socket = dial(options, path);
  await event(socket, "connect");
  return [socket, server.sessions.at(-1)!];
}
