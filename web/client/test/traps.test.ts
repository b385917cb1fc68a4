// SPDX-License-Identifier: MIT

// This file tests the conformance traps and decided quirks of the client that no other test names, by the numbers of
// docs/conformance.md.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { admit, received, type Session } from "./fake-server.ts";
import { connected, dial, server } from "./fixture.ts";
import { event } from "./scenarios.ts";

/** How often the session received a packet. */
const count = (session: Session, packet: string): number => session.received.filter((p) => p === packet).length;

test("trap 56: sent away by the server, a socket does not come back; others on the connection stay", async () => {
  const shared = { forceNew: false, query: { own: "trap-56" } };
  const [main, session] = await connected(shared);
  const [other] = await connected(shared, "/other");
  assert.equal(other.io, main.io);
  let attempts = 0;
  main.io.on("reconnect_attempt", () => attempts++);
  session.send("41/other,");
  assert.deepEqual(await event(other, "disconnect"), ["io server disconnect", undefined]);
  assert.equal(other.active, false);
  main.emit("still", "here");
  await received(session, '42["still","here"]');
  session.send("41");
  assert.deepEqual(await event(main, "disconnect"), ["io server disconnect", undefined]);
  assert.equal(main.active, false);
  await delay(100); // five times the delay of a reconnection
  assert.equal(attempts, 0);
  assert.equal(server.sessions.length, 1);
});

test("trap 57: acknowledgements at a disconnection", async () => {
  const [socket, session] = await connected();
  const calls: string[] = [];
  const promised = assert.rejects(socket.emitWithAck("promised"), /^Error: socket has been disconnected$/);
  socket.timeout(60_000).emit("error first", (err: Error | null) => calls.push(`error first: ${err?.message}`));
  socket.emit("plain", () => calls.push("plain"));
  await received(session, '422["plain"]');
  socket.io.engine!.close();
  await promised;
  const unsent = socket.emitWithAck("unsent");
  socket.emit("plain and unsent", (answer: string) => calls.push(`plain and unsent: ${answer}`));
  await event(socket, "connect");
  const next = server.sessions.at(-1)!;
  await received(next, '424["plain and unsent"]');
  next.send('432["too late"]', '433["yes"]', '434["yes"]');
  assert.equal(await unsent, "yes");
  await new Promise((resolve) => {
    socket.once("end", resolve as () => void);
    next.send('42["end"]');
  });
  assert.deepEqual(calls, ["error first: socket has been disconnected", "plain and unsent: yes"]);
});

test("trap 59: retries send one at a time, and nothing twice around a connect", async () => {
  const socket = dial({ retries: 3, ackTimeout: 60_000 });
  socket.emit("one");
  socket.on("connect", () => socket.emit("two"));
  await event(socket, "connect");
  const session = server.sessions.at(-1)!;
  await received(session, '420["one"]');
  socket.emit("three");
  assert.deepEqual(session.received.slice(1), ['420["one"]'], "the others wait for the answer");
  session.send("430[]");
  await received(session, '421["two"]');
  assert.equal(count(session, '422["three"]'), 0);
  session.send("431[]");
  await received(session, '422["three"]');
  for (const packet of ['420["one"]', '421["two"]', '422["three"]']) assert.equal(count(session, packet), 1, packet);
});

test("quirk 20: who leaves on purpose does not ask for its old session", async () => {
  server.onSession = (session) => {
    session.onPacket = (packet) => {
      if (packet.startsWith("40")) session.send('40{"sid":"x","pid":"p"}');
    };
  };
  const [socket, session] = await connected();
  session.send('42["news","offset"]');
  await event(socket, "news");
  socket.io.engine!.close();
  await event(socket, "connect");
  const next = server.sessions.at(-1)!;
  assert.equal(next.received[0], '40{"pid":"p","offset":"offset"}', "after a loss it does");
  socket.disconnect();
  socket.connect();
  await event(socket, "connect");
  assert.equal(server.sessions.at(-1)!.received[0], "40");
});

test("a rejected client asks for its old session again, until it leaves on purpose", async () => {
  let rejects = false;
  server.onSession = (session) => {
    session.onPacket = (packet) => {
      if (packet.startsWith("40")) session.send(rejects ? '44{"message":"not now"}' : '40{"sid":"x","pid":"p"}');
    };
  };
  const [socket, session] = await connected();
  session.send('42["news","offset"]');
  await event(socket, "news");
  rejects = true;
  socket.io.engine!.close();
  await event(socket, "connect_error");
  socket.connect();
  await event(socket, "connect_error");
  assert.equal(server.sessions.at(-1)!.received[0], '40{"pid":"p","offset":"offset"}');
  rejects = false;
  socket.connect();
  await event(socket, "connect");
  assert.equal(server.sessions.at(-1)!.received[0], '40{"pid":"p","offset":"offset"}');
  assert.ok(socket.recovered);
  rejects = true;
  socket.io.engine!.close();
  await event(socket, "connect_error");
  socket.disconnect();
  rejects = false;
  socket.connect();
  await event(socket, "connect");
  assert.equal(server.sessions.at(-1)!.received[0], "40");
});

test("quirk 28: without ackTimeout, retries have a default and acknowledgements take an error first", async () => {
  const [socket, session] = await connected({ retries: 1 });
  const answer = new Promise((resolve) => socket.emit("ask", (...args: unknown[]) => resolve(args)));
  await received(session, '420["ask"]');
  session.send('430["yes"]');
  assert.deepEqual(await answer, [null, "yes"]);
});

test("quirk 29: recovered is a boolean, and there is no disconnect without a connect", async () => {
  server.onSession = (session) => {
    if (server.sessions.length > 1) admit(session);
    else session.onPacket = () => session.send("1");
  };
  const socket = dial();
  assert.equal(socket.recovered, false);
  let disconnects = 0;
  socket.on("disconnect", () => disconnects++);
  const errors: string[] = [];
  socket.on("connect_error", (err: Error) => errors.push(err.message));
  await event(socket, "connect");
  assert.equal(server.sessions.length, 2);
  assert.equal(disconnects, 0);
  assert.deepEqual(errors, ["transport closed by the server"]);
  assert.equal(socket.recovered, false);
});
