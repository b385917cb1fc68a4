// SPDX-License-Identifier: MIT

// This file tests against servers that misbehave, and behaviour that is hard to see from outside: batches, deadlines,
// failing upgrades, broken packets, the end of the attempts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import {
  BufferFullError,
  io,
  Manager,
  TransportError,
  type IoOptions,
  type Socket,
  type WebSocketClass,
} from "../src/index.ts";
import { admit, received } from "./fake-server.ts";
import { connected, dial, server, sockets, webSocket } from "./fixture.ts";
import { event } from "./scenarios.ts";

const closeEvents = (socket: Socket): string[] => {
  const events: string[] = [];
  socket.on("connect", () => events.push("connect"));
  socket.on("connect_error", (err: Error) => events.push(`connect_error ${err.message}`));
  socket.on("disconnect", (reason: string) => events.push(`disconnect ${reason}`));
  for (const name of ["open", "reconnect_failed"] as const) socket.io.on(name, () => events.push(name));
  socket.io.on("error", (err) => events.push(`error ${err.message}`));
  socket.io.on("close", (reason) => events.push(`close ${reason}`));
  socket.io.on("reconnect", (n) => events.push(`reconnect ${n}`));
  socket.io.on("reconnect_attempt", (n) => events.push(`reconnect_attempt ${n}`));
  socket.io.on("reconnect_error", (err) => events.push(`reconnect_error ${err.message}`));
  return events;
};

test("trap 27: polling batches stay within maxPayload; what is too large goes alone", async () => {
  server.handshake = { maxPayload: 60 };
  const [socket, session] = await connected();
  const values = ["a".repeat(20), "é".repeat(15), "b".repeat(100), Buffer.alloc(20, 1), ...Array(10).fill("x")];
  for (const value of values) socket.emit("m", value);
  socket.emit("end");
  await received(session, '42["end"]');
  const bodies = session.posts.slice(1);
  for (const body of bodies) assert.ok(Buffer.byteLength(body) <= 60 || !body.includes("\x1e"), body);
  assert.ok(bodies.length < 12, "several in one request");
  assert.deepEqual(
    session.received.slice(1).filter((p) => p.startsWith('42["m"')),
    values.filter((v) => typeof v === "string").map((v) => `42["m","${v}"]`),
  );
  assert.ok(!bodies.some((b, i) => i && bodies[i - 1] === b && b.length > 60));
});

test("a missing heartbeat ends the connection; pings are answered", async () => {
  server.handshake = { pingInterval: 2000, pingTimeout: 2000 };
  const [socket, session] = await connected();
  let pings = 0;
  socket.io.on("ping", () => pings++);
  session.send("2");
  await received(session, "3");
  assert.equal(pings, 1);
  const [reason, details] = await event(socket, "disconnect");
  assert.equal(reason, "ping timeout");
  assert.equal(details, undefined);
  await received(session, "1");
  await event(socket, "connect");
  assert.ok(server.sessions.length > 1);
});

test("after a sleep, an emit finds out that the connection is dead and waits for the next", async (t) => {
  const [socket, session] = await connected();
  const answered = socket.emitWithAck("sent");
  await received(session, '420["sent"]');
  const now = Date.now();
  t.mock.method(Date, "now", () => now + 60_000);
  socket.emit("late", 1);
  socket.volatile.emit("late", 2);
  const answer = socket.emitWithAck("ask");
  const lost = assert.rejects(answered, /socket has been disconnected/);
  assert.equal(socket.sendBuffer.length, 2);
  const [reason] = await event(socket, "disconnect");
  assert.equal(reason, "ping timeout");
  await event(socket, "connect");
  await lost;
  const next = server.sessions[1]!;
  await received(next, '421["ask"]');
  next.send('431["yes"]');
  assert.equal(await answer, "yes", "the acknowledgement of what had not left is still awaited");
  assert.deepEqual(next.received, ["40", '42["late",1]', '421["ask"]']);
  assert.ok(!session.received.includes('42["late",1]'));
});

test("trap 60: a packet that cannot be decoded closes the connection, and the next one starts clean", async () => {
  const [socket, session] = await connected();
  session.send('451-["half",{"_placeholder":true,"num":0}]', '42["text"]');
  const [reason, details] = await event(socket, "disconnect");
  assert.equal(reason, "parse error");
  assert.equal(details.message, "got plaintext data when reconstructing a packet");
  await event(socket, "connect");
  server.sessions[1]!.send('42["whole",1]');
  assert.deepEqual(await event(socket, "whole"), [1]);
});

test("what is no Engine.IO packet is a transport error with a code", async () => {
  for (const transports of [["polling"], ["websocket"]]) {
    const [socket, session] = await connected({ transports });
    session.send("xyz");
    const [reason, details] = await event(socket, "disconnect");
    assert.equal(reason, "transport error");
    assert.ok(details instanceof TransportError);
    assert.equal(details.message, "server error");
    assert.equal(details.code, "parser error");
    socket.disconnect();
  }
});

test("trap 60: a server of version 2 is recognised", async () => {
  server.onSession = (session) => session.send("40");
  const [err] = await event(dial(), "connect_error");
  assert.match(err.message, /^It seems you are trying to reach a Socket.IO server in v2.x with a v3.x client/);
});

test("events that come before the CONNECT are kept for it", async () => {
  server.onSession = (session) => {
    session.onPacket = () => session.send('42["early",1]', '42["early",2]', '40{"sid":"x"}', '42["early",3]');
  };
  const socket = dial();
  const seen: unknown[] = [];
  socket.on("early", (n: number) => seen.push(n));
  socket.on("connect", () => seen.push("connect"));
  await event(socket, "connect");
  assert.deepEqual(seen, [1, 2, "connect", 3]);
});

test("a session is asked for again with the last offset, and recovered", async () => {
  server.onSession = (session) => {
    session.onPacket = (p) => {
      if (p.startsWith("40")) session.send('40{"sid":"same","pid":"secret"}');
    };
  };
  const [socket, session] = await connected({ auth: { a: 1 } });
  assert.equal(socket.recovered, false);
  session.send('42["e",1,"offset-1"]', "6");
  await event(socket, "e");
  const back = event(socket, "connect");
  session.send("1");
  await back;
  assert.equal(server.sessions[1]!.received[0], '40{"pid":"secret","offset":"offset-1","a":1}');
  assert.equal(socket.recovered, true);
  socket.disconnect().connect();
  await event(socket, "connect");
  assert.equal(server.sessions[2]!.received[0], '40{"a":1}', "who leaves on purpose starts anew");
});

test("a probe that is answered wrongly, or not, leaves the session on polling", async () => {
  server.handshake = { upgrades: ["websocket"] };
  const probes: ((ws: WebSocket) => void)[] = [
    (ws) => ws.send("3wrong"),
    (ws) => ws.close(),
    (ws) => ws.send("9"),
    () => undefined,
  ];
  for (const probe of probes) {
    server.onSession = (session) => {
      admit(session);
      session.onProbe = probe;
    };
    const socket = dial({ timeout: 1000 });
    await event(socket.io, "open");
    const [err] = await event(socket.io.engine, "upgradeError");
    assert.match(err.message, /^probe error: /);
    const session = server.sessions.at(-1)!;
    socket.emit("still", "here");
    await received(session, '42["still","here"]');
    assert.equal(socket.io.engine!.transport.name, "polling");
    socket.disconnect();
  }
});

test("a WebSocket that dies between the probe and the switch costs nothing", async () => {
  server.handshake = { upgrades: ["websocket"] };
  server.onSession = (session) => {
    admit(session);
    // The answer arrives, then the end, while the GET still waits.
    session.onProbe = (ws) => ws.send("3probe", () => ws.terminate());
  };
  const [socket, session] = await connected();
  await event(socket.io.engine, "upgradeError");
  session.send('42["hello",1]');
  assert.deepEqual(await event(socket, "hello"), [1]);
  socket.emit("up", 1);
  await received(session, '42["up",1]');
  session.send('42["hello",2]');
  assert.deepEqual(await event(socket, "hello"), [2]);
});

test("trap 18: closing while switching waits for the switch", async () => {
  server.handshake = { upgrades: ["websocket"] };
  const order: string[] = [];
  const socket = dial();
  await event(socket.io, "open");
  const engine = socket.io.engine!;
  engine.on("upgrading", () => {
    order.push("upgrading");
    socket.emit("last");
    socket.disconnect();
    server.sessions[0]!.send("6");
  });
  engine.on("upgrade", () => order.push("upgrade"));
  engine.on("close", () => order.push("close"));
  await event(engine, "close");
  assert.deepEqual(order, ["upgrading", "upgrade", "close"]);
});

test("a refused POST closes the connection and says why", async () => {
  const [socket, session] = await connected();
  session.postStatus = 413;
  socket.emit("large");
  const [reason, details] = await event(socket, "disconnect");
  assert.equal(reason, "transport error");
  assert.equal(details.message, "xhr post error");
  assert.equal(details.description, 413);
});

test("an attempt that takes too long fails with a timeout", async () => {
  server.refuse = () => undefined;
  const socket = dial({ timeout: 30, reconnection: false });
  const [err] = await event(socket, "connect_error");
  assert.equal(err.message, "timeout");
  assert.equal(socket.active, true);
});

test("quirk 26: gives up after so many attempts, in the order of the reference", async () => {
  server.refuse = (res) => res.writeHead(500).end("no");
  const socket = dial({ reconnectionAttempts: 2, autoConnect: false });
  const events = closeEvents(socket);
  socket.connect();
  await event(socket.io, "reconnect_failed");
  const failure = ["connect_error xhr poll error", "error xhr poll error"];
  assert.deepEqual(events, [
    ...failure,
    "reconnect_attempt 1",
    ...failure,
    "reconnect_error xhr poll error",
    "reconnect_attempt 2",
    ...failure,
    "reconnect_failed",
    "reconnect_error xhr poll error",
  ]);
  server.refuse = undefined;
  events.length = 0;
  socket.connect();
  await event(socket, "connect");
  assert.deepEqual(events, ["open", "connect"]);
});

test("the order of a loss and of a return", async () => {
  const [socket, session] = await connected();
  const events = closeEvents(socket);
  const back = event(socket, "connect");
  session.send("1");
  await back;
  assert.deepEqual(events, [
    "disconnect transport close",
    "close transport close",
    "reconnect_attempt 1",
    "open",
    "reconnect 1",
    "connect",
  ]);
});

test("a loss before the CONNECT was answered is no disconnect", async () => {
  server.onSession = (session) => {
    if (server.sessions.length > 1) admit(session);
    else session.onPacket = () => session.send("1");
  };
  const socket = dial();
  const events = closeEvents(socket);
  await event(socket, "connect");
  assert.ok(!events.some((e) => e.startsWith("disconnect")), String(events));
});

test("a handshake without sense, or no transport at all, is an error", async () => {
  server.handshake = { sid: 1 };
  const [err] = await event(dial({ reconnection: false }), "connect_error");
  assert.equal(err.message, "server error");
  for (const transports of [[], ["webtransport"]]) {
    const [none] = await event(dial({ transports, reconnection: false }), "connect_error");
    assert.equal(none.message, "No transports available");
  }
});

test("tries the next transport when told so", async () => {
  const failing = class {
    constructor() {
      throw new Error("no");
    }
  } as unknown as WebSocketClass;
  const transports = ["websocket", "polling"];
  const [err] = await event(dial({ transports, webSocket: failing, reconnection: false }), "connect_error");
  assert.equal(err.message, "websocket error");
  const [socket] = await connected({ transports, webSocket: failing, tryAllTransports: true });
  assert.equal(socket.io.engine!.transport.name, "polling");
});

test("begins with WebSocket when told to remember that it worked", async () => {
  const beginnings = (): (string | null)[] =>
    server.requests
      .map((req) => new URL(req.url!, "http://x").searchParams)
      .filter((query) => !query.has("sid"))
      .map((query) => query.get("transport"));
  const first = async (options: IoOptions): Promise<string | null | undefined> => {
    const from = beginnings().length;
    const socket = dial({ rememberUpgrade: true, ...options });
    await new Promise((resolve) => socket.once("connect", () => resolve(0)).once("connect_error", resolve));
    return beginnings()[from];
  };
  assert.equal(await first({ transports: ["polling"] }), "polling");
  assert.equal(await first({}), "polling", "it did not work yet");
  server.handshake = { upgrades: ["websocket"] };
  server.onSession = (session) => {
    admit(session);
    session.onProbe = (ws) => ws.send("3probe", () => session.send("6"));
  };
  const [socket] = await connected();
  const { engine } = socket.io;
  if (engine!.transport.name !== "websocket") await event(engine, "upgrade");
  assert.equal(await first({}), "websocket", "an upgrade worked");
  assert.equal(await first({ upgrade: false, rememberUpgrade: false }), "polling");
  assert.equal(await first({ upgrade: false }), "polling", "the last one was not tried");
  assert.equal(await first({ transports: ["websocket"] }), "websocket");
  assert.equal(await first({ transports: ["polling"] }), "polling", "only what is allowed");
  assert.equal(await first({ transports: ["websocket"] }), "websocket");
  const failing = class {
    constructor() {
      throw new Error("no");
    }
  } as unknown as WebSocketClass;
  assert.equal(await first({ webSocket: failing, reconnection: false }), undefined, "it is tried, and fails");
  assert.equal(await first({}), "polling");
});

test("quirk 27: the request carries both queries, the headers and the cookies", async () => {
  const socket = io(`${server.url}/?from=url&both=url`, {
    forceNew: true,
    webSocket,
    query: { both: "option", n: 1, none: undefined },
    extraHeaders: { "x-test": "yes" },
    withCredentials: true,
    transportOptions: { polling: { timestampParam: "stamp" } },
    path: "/socket.io/",
  });
  sockets.push(socket);
  await event(socket, "connect");
  const [first, ...later] = server.requests;
  const url = new URL(first!.url!, "http://x");
  assert.equal(url.pathname, "/socket.io/");
  assert.match(url.search, /^\?both=url&n=1&from=url&EIO=4&transport=polling&stamp=[0-9a-z]+$/);
  assert.equal(first!.headers["x-test"], "yes");
  assert.equal(first!.headers.cookie, undefined);
  assert.ok(later.length > 1);
  for (const req of later) {
    assert.equal(req.headers.cookie, "session=session-0");
    assert.match(req.url!, /both=url.*&sid=session-0/);
  }
});

test("the send buffer has a bound, and says so", async () => {
  const socket = dial({ autoConnect: false, maxBuffer: 1000 });
  for (let i = 0; i < 5; i++) socket.emit("m", "x".repeat(100));
  assert.throws(() => socket.emit("m", "x".repeat(100)), BufferFullError);
  await assert.rejects(socket.emitWithAck("m", "x".repeat(100)), BufferFullError);
  socket.volatile.emit("m", "x".repeat(100));
  assert.equal(socket.sendBuffer.length, 5);
  socket.connect();
  await event(socket, "connect");
  const session = server.sessions[0]!;
  assert.throws(() => socket.emit("m", "y".repeat(200)), BufferFullError, "nothing has left yet");
  await event(socket.io.engine, "drain");
  socket.emit("m", "y".repeat(200));
  await event(socket.io.engine, "drain");
  socket.emit("m", "z".repeat(5000));
  await received(session, `42["m","${"z".repeat(5000)}"]`);
});

test("reserved names and what JSON cannot hold throw, and change nothing", async () => {
  const [socket, session] = await connected();
  for (const name of ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"]) {
    assert.throws(() => socket.emit(name), { message: `"${name}" is a reserved event name` });
  }
  const cycle: unknown[] = [];
  cycle.push(cycle);
  assert.throws(() => socket.emit("cycle", cycle, () => undefined), TypeError);
  socket.emit("next", () => undefined);
  await received(session, '420["next"]');
});

test("an answer to an event of an earlier connection is not sent on a later one", async () => {
  const [socket, session] = await connected();
  let answer: ((x: string) => void) | undefined;
  socket.on("q", (ack: typeof answer) => (answer = ack));
  session.send('427["q"]');
  await event(socket, "q");
  const back = event(socket, "connect");
  session.send("1");
  await back;
  answer!("late");
  socket.emit("after");
  await received(server.sessions[1]!, '42["after"]');
  assert.deepEqual(server.sessions[1]!.received, ["40", '42["after"]']);
});

test("stray packets are ignored", async () => {
  const [socket, session] = await connected();
  session.send("4399[1]", '43"', '42/other,["x"]');
  const [reason] = await event(socket, "disconnect");
  assert.equal(reason, "parse error", "a broken one is not");
  await event(socket, "connect");
  const next = server.sessions[1]!;
  next.send("4399[1]", '42/other,["x"]', "41/other,", '44/other,{"message":"x"}', '42["fine"]');
  await event(socket, "fine");
});

test("numbers as event names arrive as strings; a peer's keys are only data", async () => {
  const [socket, session] = await connected();
  session.send('42[1,{"__proto__":{"polluted":true},"toString":1}]');
  const [value] = await event(socket, "1");
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  session.send('42["__proto__"]', '42["constructor"]');
  await event(socket, "constructor");
});

test("a Manager by itself: open with a callback does not reconnect", async () => {
  server.refuse = (res) => res.writeHead(500).end();
  const manager = new Manager(server.url, { autoConnect: false, reconnectionDelay: 10 });
  const err = await new Promise<Error | undefined>((resolve) => manager.open(resolve));
  assert.equal(err!.message, "xhr poll error");
  assert.equal(server.requests.length, 1);
  server.refuse = undefined;
  assert.equal(await new Promise<Error | undefined>((resolve) => manager.open(resolve)), undefined);
  assert.equal(manager.reconnectionDelay(), 10);
  assert.equal(manager.reconnectionDelayMax(), 5000);
  assert.equal(manager.timeout(50).timeout(), 50);
  assert.equal(manager.reconnection(false).reconnection(), false);
  const closed = event(manager, "close");
  manager.engine!.close();
  await closed;
});

test("engine.close() is a forced close, after which the socket comes back", async () => {
  const [socket] = await connected();
  socket.io.engine!.close();
  const [reason] = await event(socket, "disconnect");
  assert.equal(reason, "forced close");
  await event(socket, "connect");
});

test("disconnect before the connection cancels it without an event", async () => {
  const socket = dial();
  const events = closeEvents(socket);
  socket.disconnect();
  assert.equal(socket.active, false);
  socket.connect();
  await event(socket, "connect");
  assert.deepEqual(events, ["open", "connect"]);
});

test("reconnection can be switched off while it waits", async () => {
  const [socket, session] = await connected({ reconnectionDelay: 30 });
  session.send("1");
  await event(socket, "disconnect");
  await event(socket.io, "reconnect_attempt");
  socket.io.on("reconnect_attempt", () => assert.fail("no longer"));
  await event(socket, "connect");
  server.sessions[1]!.send("1");
  await event(socket.io, "close");
  socket.io.reconnection(false);
  socket.connect();
  await event(socket, "connect");
});
