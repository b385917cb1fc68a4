// SPDX-License-Identifier: MIT

// This file tests the reports of a client whose requests are rejected: ours beside the reference, against the same server.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Server } from "socket.io";
import { io as reference } from "socket.io-client";
import { WebSocket } from "ws";
import { io, TransportError, type IoOptions } from "../src/index.ts";
import { admit, type Session } from "./fake-server.ts";
import { server, sockets, webSocket } from "./fixture.ts";
import { event } from "./scenarios.ts";

type Name = "ours" | "reference";
const NAMES: readonly Name[] = ["ours", "reference"];

// any: the common part of the two clients has no type of its own
function dial(name: Name, options: IoOptions = {}, url = server.url): any {
  const common = { forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 20, ...options };
  const socket = name === "ours" ? io(url, { webSocket, ...common }) : reference(url, common as object);
  sockets.push(socket);
  return socket;
}

/** The parts of a failed request that an application reads. */
const facts = (err: any): object => ({
  isError: err instanceof Error,
  type: err.type,
  message: err.message,
  description: err.description,
  status: err.context.status,
  responseText: err.context.status ? err.context.responseText : "",
});

const failure = (verb: "post" | "poll", status: number, responseText: string): object => ({
  isError: true,
  type: "TransportError",
  message: `xhr ${verb} error`,
  description: status,
  status,
  responseText,
});

/** The first report on a connection that fails. The reference emits `disconnect` as well, before any `connect`. */
function complaint(socket: any): Promise<object> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("the client says nothing")), 60_000);
    const done = (err: any): void => {
      clearTimeout(timer);
      resolve(facts(err));
    };
    socket.on("connect_error", done);
    socket.on("disconnect", (reason: string, details: any) => {
      if (reason === "transport error") done(details);
    });
  });
}

const STATUSES = [201, 204, 400, 401, 403, 404, 405, 408, 411, 413, 415, 429, 500, 502, 503, 504];

for (const name of NAMES) {
  test(`${name}: a POST that is refused is told, with its status, on every way`, async () => {
    const inUpgrade = { upgrades: ["websocket"] };
    for (const status of [...STATUSES, "reset"] as const) {
      const want = status === "reset" ? failure("post", 0, "") : failure("post", status, status === 204 ? "" : `no: ${status}`);
      // The CONNECT is rejected: the application has had no event yet.
      server.onSession = (session) => (session.postStatus = status);
      assert.deepEqual(await complaint(dial(name, { reconnection: false, transports: ["polling"] })), want, `CONNECT ${status}`);
      // An event is rejected.
      server.onSession = admit;
      const socket = dial(name, { reconnection: false, transports: ["polling"] });
      await event(socket, "connect");
      server.sessions.at(-1)!.postStatus = status;
      socket.emit("event");
      assert.deepEqual(await complaint(socket), want, `event ${status}`);
      // A request during the probe of an upgrade, which is not answered.
      server.handshake = inUpgrade;
      let probed = 0;
      server.onSession = (session) => {
        admit(session);
        session.onProbe = () => probed++;
      };
      const upgrading = dial(name, { reconnection: false });
      await event(upgrading, "connect");
      server.sessions.at(-1)!.postStatus = status;
      upgrading.emit("event");
      assert.deepEqual(await complaint(upgrading), want, `upgrade ${status}`);
      server.handshake = {};
    }
  });

  test(`${name}: a GET that is refused is told likewise`, async () => {
    for (const status of STATUSES) {
      server.refuse = (res) => res.writeHead(status).end("no");
      const socket = dial(name, { reconnection: false });
      assert.deepEqual(await complaint(socket), failure("poll", status, status === 204 ? "" : "no"), String(status));
    }
  });

  test(`${name}: a host that lets only GETs through`, async () => {
    const http = createServer();
    const npm = new Server();
    npm.attach(http);
    const [handler] = http.listeners("request") as ((req: unknown, res: unknown) => void)[];
    http.removeAllListeners("request");
    http.on("request", (req, res) => {
      if (req.method === "GET") handler!(req, res);
      else res.writeHead(405, { allow: "GET" }).end("Method Not Allowed");
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const socket = dial(name, { reconnection: false }, url);
    assert.deepEqual(await complaint(socket), failure("post", 405, "Method Not Allowed"));
    socket.disconnect();
    await npm.close();
  });
}

test("an attempt whose CONNECT is refused counts, up to reconnectionAttempts", async () => {
  server.onSession = (session) => (session.postStatus = 405);
  const socket = dial("ours", { reconnectionAttempts: 3 });
  const events: unknown[] = [];
  socket.on("connect_error", (err: TransportError) => events.push(err.description));
  socket.on("disconnect", (reason: string) => events.push(reason));
  socket.io.on("reconnect_attempt", (n: number) => events.push(`attempt ${n}`));
  await event(socket.io, "reconnect_failed");
  assert.deepEqual(events, [405, "attempt 1", 405, "attempt 2", 405, "attempt 3", 405]);
  assert.equal(server.sessions.length, 4);
});

test("an answered CONNECT starts the count anew", async () => {
  server.onSession = (session) => {
    if (server.sessions.length % 2) session.postStatus = 405;
    else admit(session);
  };
  const socket = dial("ours", { reconnectionAttempts: 2 });
  const attempts: number[] = [];
  socket.io.on("reconnect_attempt", (n: number) => attempts.push(n));
  for (let i = 0; i < 3; i++) {
    await event(socket, "connect");
    socket.io.engine.close();
  }
  assert.deepEqual(attempts, [1, 1, 2, 1, 2]);
});

test("whatever ends the connection before the CONNECT is answered, there is a connect_error", async () => {
  const ends: [(session: Session) => void, RegExp][] = [
    [(session) => session.send("1"), /^transport closed by the server$/],
    [(session) => session.send("xyz"), /^server error$/],
    [(session) => session.send("4no packet"), /^unknown packet type/],
  ];
  for (const [end, message] of ends) {
    server.onSession = (session) => (session.onPacket = () => end(session));
    const socket = dial("ours", { reconnection: false });
    const [err] = await event(socket, "connect_error");
    assert.ok(err instanceof Error);
    assert.match(err.message, message);
    assert.equal(socket.active, true);
  }
  // A heartbeat that is missing, and a WebSocket that closes.
  server.handshake = { pingInterval: 50, pingTimeout: 50 };
  server.onSession = () => undefined;
  assert.match((await event(dial("ours", { reconnection: false }), "connect_error"))[0].message, /^ping timeout$/);
  server.handshake = {};
  server.onSession = (session) => (session.onPacket = () => session.close());
  const socket = dial("ours", { reconnection: false, transports: ["websocket"] });
  assert.match((await event(socket, "connect_error"))[0].message, /^websocket connection closed$/);
});

test("a POST that is never answered ends after requestTimeout, as a POST", async () => {
  const socket = dial("ours", { reconnection: false, requestTimeout: 60_000 });
  await event(socket, "connect");
  server.sessions[0]!.postStatus = "never";
  // The GET that waits keeps its minute, so that it can't be the one that ends.
  const options = socket.io.engine.transport._options;
  assert.equal(options.requestTimeout, 60_000);
  options.requestTimeout = 200;
  socket.emit("event");
  assert.deepEqual(await complaint(socket), failure("post", 0, ""));
});

test("an answer that breaks off keeps its status", async () => {
  server.onSession = (session) => (session.postStatus = "half");
  const [err] = await event(dial("ours", { reconnection: false }), "connect_error");
  assert.equal(err.description, 413);
  assert.equal(err.context.status, 413);
  assert.ok(err.cause instanceof Error);
});

test("a fetch that fails is told, with its error as the cause", async () => {
  const broken = new TypeError("Failed to fetch");
  const fetches: Record<string, typeof fetch> = {
    rejects: async (url, init) => (init!.method === "POST" ? Promise.reject(broken) : fetch(url, init)),
    throws: (url, init) => {
      if (init!.method === "POST") throw broken;
      return fetch(url, init);
    },
  };
  for (const fetch of Object.values(fetches)) {
    const [err] = await event(dial("ours", { reconnection: false, fetch }), "connect_error");
    assert.deepEqual(facts(err), failure("post", 0, ""));
    assert.equal(err.cause, broken);
  }
});

test("a POST that is refused while polling pauses for the upgrade is told", async () => {
  server.handshake = { upgrades: ["websocket"] };
  const probe = new Promise<WebSocket>((resolve) => {
    server.onSession = (session) => {
      admit(session);
      session.onProbe = resolve;
    };
  });
  const socket = dial("ours", { reconnection: false });
  await event(socket, "connect");
  const ws = await probe;
  const session = server.sessions.at(-1)!;
  session.postStatus = "never";
  const posted = new Promise<void>((resolve) => (session.onPost = resolve));
  socket.emit("event");
  await posted;
  const upgrading = event(socket.io.engine, "upgrading");
  ws.send("3probe");
  await upgrading;
  session.held!.writeHead(403).end("no");
  assert.deepEqual(await complaint(socket), failure("post", 403, "no"));
});

for (const name of NAMES) {
  test(`${name}: the Manager has an error, whether the request was the first or a later one`, async () => {
    const errors: object[] = [];
    for (const posts of [0, 1]) {
      server.onSession = (session) => {
        if (posts) admit(session);
        else session.postStatus = 405;
      };
      const socket = dial(name, { reconnection: false, transports: ["polling"] });
      socket.io.on("error", (err: any) => errors.push(facts(err)));
      if (posts) {
        await event(socket, "connect");
        server.sessions.at(-1)!.postStatus = 405;
        socket.emit("event");
      }
      await event(socket.io, "close");
    }
    assert.deepEqual(errors, Array(2).fill(failure("post", 405, "no: 405")));
  });
}
