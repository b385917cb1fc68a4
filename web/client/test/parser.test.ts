// SPDX-License-Identifier: MIT

// This file tests the `parser` option: formats of the reference, and one of an application.

import assert from "node:assert/strict";
import { createServer, type Server as HttpServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { afterEach, test } from "node:test";
import { Server } from "socket.io";
import { io, type Data, type Parser, type ParserPacket, type Socket } from "../src/index.ts";
import { event } from "./scenarios.ts";

const require = createRequire(import.meta.url);
const closing: (() => void)[] = [];

afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

/** A reference server that echoes, and a socket on it; both with the format. */
async function pair(parser: Parser): Promise<Socket> {
  const http: HttpServer = createServer();
  const server = new Server(http, { parser });
  server.on("connection", (socket) => {
    socket.on("echo", (...args: unknown[]) => (args.pop() as (...args: unknown[]) => void)(...args));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const socket = io(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, { forceNew: true, parser });
  closing.push(() => void server.close(), () => socket.disconnect());
  await event(socket, "connect");
  return socket;
}

for (const name of ["socket.io-parser", "socket.io-msgpack-parser"]) {
  test(`npm ${name} may be given`, async () => {
    const socket = await pair(require(name) as Parser);
    assert.deepEqual(await socket.emitWithAck("echo", { a: [Buffer.from("x"), "é"] }), { a: [Buffer.from("x"), "é"] });
  });
}

test("a format of one's own: its packets, its errors and its end", async () => {
  const encoded: ParserPacket[] = [];
  let destroyed = 0;
  let late: (() => void) | undefined;
  class Encoder {
    encode(packet: ParserPacket): Data[] {
      encoded.push(packet);
      return ["x" + JSON.stringify(packet)];
    }
  }
  class Decoder {
    private tell: (packet: ParserPacket) => void = () => undefined;
    on(_event: "decoded", listener: (packet: ParserPacket) => void): void {
      this.tell = listener;
    }
    add(message: unknown): void {
      const packet = JSON.parse(String(message).slice(1)) as ParserPacket;
      if (Array.isArray(packet.data) && packet.data[0] === "bad") throw new Error("not for us");
      this.tell(packet);
      late = () => this.tell({ type: 2, nsp: "/", data: ["late"] });
    }
    destroy(): void {
      destroyed++;
    }
    // The server's side calls it as well.
    removeListener(): void {}
  }
  const socket = await pair({ Encoder, Decoder });
  assert.equal(await socket.emitWithAck("echo", 1), 1);
  const mine = encoded.filter((p) => !(p.data && "sid" in (p.data as object)));
  assert.deepEqual(
    mine.find((p) => p.type === 0),
    { type: 0, nsp: "/" },
    "keys without a value are left out",
  );
  assert.deepEqual(
    mine.find((p) => p.type === 2),
    { type: 2, nsp: "/", data: ["echo", 1], id: 0 },
  );

  const before = destroyed;
  let heard = 0;
  socket.on("late", () => heard++);
  late!();
  assert.equal(heard, 1);
  (socket.io as unknown as { _onConnData(conn: unknown, data: string): void })._onConnData(
    socket.io.engine,
    'x{"type":2,"nsp":"/","data":["bad"]}',
  );
  assert.equal(socket.connected, false);
  assert.equal(destroyed, before + 1);
  late!();
  assert.equal(heard, 1, "the connection it came from is gone");
});
