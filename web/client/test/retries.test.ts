// SPDX-License-Identifier: MIT

// This file tests the packets of a client for retries and recovery, and that every acknowledgement ends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { HandlerError, type IoOptions, type Socket } from "../src/index.ts";
import { received, type Session } from "./fake-server.ts";
import { dial as dialWith, server } from "./fixture.ts";
import { event } from "./scenarios.ts";

const dial = (options: IoOptions = {}): Socket => dialWith({ reconnectionDelay: 5, reconnectionDelayMax: 5, ...options });

/** Answers each CONNECT with these members besides the id. */
const admits = (extra: Record<string, unknown>) => (session: Session): void => {
  session.onPacket = (packet) => {
    if (packet.startsWith("40")) session.send("40" + JSON.stringify({ sid: `id-${session.sid}`, ...extra }));
  };
};

/** The auth of the CONNECT of each session. */
const auths = (): any[] => server.sessions.map((s) => JSON.parse(s.received[0]!.slice(2) || "{}"));

async function lost(socket: Socket): Promise<Session> {
  socket.io.engine!.close();
  await event(socket, "connect");
  return server.sessions.at(-1)!;
}

test("a server that answers the nonce gets it with each CONNECT, and each attempt with the same number", async () => {
  server.onSession = admits({ once: true });
  const socket = dial({ retries: 5, ackTimeout: 60_000, auth: { token: "t" } });
  const other = dial({ retries: 5 });
  const plain = dial();
  const answer = socket.emitWithAck("order", 7);
  await Promise.all([socket, other, plain].map((s) => event(s, "connect")));
  const [first] = server.sessions.filter((s) => s.received[0]!.includes('"token"'));
  await received(first!, '420["order",7]');
  const next = await lost(socket);
  await received(next, '420["order",7]');
  next.send("430[8]");
  assert.equal(await answer, 8);
  const [own, others] = [auths().filter((a) => a.token), auths().filter((a) => !a.token)];
  assert.equal(own.length, 2);
  assert.ok(own[0].retryNonce && own[0].retryNonce === own[1].retryNonce);
  const nonces = others.map((a) => a.retryNonce).filter(Boolean);
  assert.equal(others.length, 2);
  assert.equal(nonces.length, 1, "only clients with retries have one");
  assert.notEqual(nonces[0], own[0].retryNonce);
});

test("a server that does not answer the nonce gets ordinary packets, and no nonce again", async () => {
  const socket = dial({ retries: 5, ackTimeout: 60_000 });
  const answer = socket.emitWithAck("order", 7);
  await event(socket, "connect");
  await received(server.sessions[0]!, '420["order",7]');
  const next = await lost(socket);
  await received(next, '420["order",7]');
  next.send("430[8]");
  assert.equal(await answer, 8);
  assert.deepEqual(auths().map((a) => Object.keys(a)), [["retryNonce"], []]);
});

test("the application's auth is sent beside the nonce, and wins", async () => {
  server.onSession = admits({ once: true });
  await event(dial({ retries: 1, auth: { retryNonce: "own", a: 1 } }), "connect");
  await event(dial({ retries: 1, auth: (done) => done({ b: 1 }) }), "connect");
  assert.deepEqual(auths()[0], { retryNonce: "own", a: 1 });
  assert.deepEqual(Object.keys(auths()[1]), ["retryNonce", "b"]);
});

// socket.io#4733.
test("a socket knows why its session was not restored", async () => {
  server.onSession = admits({ pid: "p1" });
  const socket = dial();
  await event(socket, "connect");
  assert.equal(socket.notRecovered, undefined);
  server.onSession = admits({ pid: "p2", notRecovered: "expired" });
  await lost(socket);
  assert.deepEqual([socket.recovered, socket.notRecovered], [false, "expired"]);
  server.onSession = admits({ pid: "p2" });
  await lost(socket);
  assert.deepEqual([socket.recovered, socket.notRecovered], [true, undefined]);
  assert.deepEqual(auths(), [{}, { pid: "p1" }, { pid: "p2" }]);
});

// socket.io-client#1546.
test("each acknowledgement ends with a reason; callbacks that take no error are counted", async () => {
  const socket = dial();
  await event(socket, "connect");
  const session = server.sessions[0]!;
  const ended: unknown[] = [];
  const promised = assert.rejects(socket.emitWithAck("promised"), { message: "socket has been disconnected" });
  const timed = assert.rejects(socket.timeout(1).emitWithAck("timed"), { message: "operation has timed out" });
  socket.timeout(60_000).emit("error first", (err: Error) => ended.push(err.message));
  socket.emit("plain", () => ended.push("plain"));
  await timed;
  await received(session, '423["plain"]');
  assert.equal(socket.droppedAcks, 0);
  await lost(socket);
  await promised;
  assert.deepEqual(ended, ["socket has been disconnected"]);
  assert.equal(socket.droppedAcks, 1);
  socket.disconnect();
  await assert.rejects(socket.volatile.emitWithAck("volatile"), { message: "volatile event dropped" });
  socket.volatile.emit("volatile", () => ended.push("volatile"));
  socket.volatile.timeout(60_000).emit("volatile", (err: Error) => ended.push(err.message));
  await new Promise((resolve) => setTimeout(resolve));
  await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual(ended, ["socket has been disconnected", "volatile event dropped"]);
  assert.equal(socket.droppedAcks, 2);
});

// socket.io#1500.
test("an order that is not acknowledged after all attempts ends with an error, and the next one goes", async () => {
  const socket = dial({ retries: 1, ackTimeout: 1 });
  let attempts = 0;
  socket.onAnyOutgoing(() => attempts++);
  await assert.rejects(socket.emitWithAck("never"), { message: "operation has timed out" });
  assert.equal(attempts, 2);
  const session = server.sessions[0]!;
  const next = socket.timeout(60_000).emitWithAck("next");
  await received(session, '421["next"]');
  session.send("431[1]");
  assert.equal(await next, 1);
});

test("a failed order is not sent again", async () => {
  const socket = dial({ retries: 3, ackTimeout: 60_000 });
  let attempts = 0;
  socket.onAnyOutgoing(() => attempts++);
  const failed = assert.rejects(socket.emitWithAck("fails"), (e) => e instanceof HandlerError && e.code === "NO");
  const next = socket.emitWithAck("next");
  await event(socket, "connect");
  const session = server.sessions[0]!;
  await received(session, '420["fails"]');
  session.send('430[{"error":{"message":"no","code":"NO"}}]');
  await failed;
  await received(session, '421["next"]');
  session.send("431[1]");
  assert.equal(await next, 1);
  assert.equal(attempts, 2);
});
