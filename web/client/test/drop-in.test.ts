// SPDX-License-Identifier: MIT

// This file tests the uses that applications written for the reference client make of a socket and its Manager: our client
// beside the reference, against the same server.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import * as npm from "socket.io-client";
import { WebSocket } from "ws";
import * as ours from "../src/index.ts";
import type { IoOptions, WebSocketClass } from "../src/index.ts";
import { admit, FakeServer, received } from "./fake-server.ts";
import { event } from "./scenarios.ts";

let server: FakeServer;
const sockets: any[] = [];

beforeEach(async () => {
  server = await new FakeServer().start();
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  await server.stop();
});

const clients = { ours, reference: npm } as const;

for (const [name, client] of Object.entries(clients)) {
  // any: the common part of the two clients has no type of its own
  const dial = (options: IoOptions = {}, path = "/"): any => {
    const own = name === "ours" ? { webSocket: WebSocket as unknown as WebSocketClass } : {};
    const all = { forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 20, ...own, ...options };
    const socket = (client as any).io(server.url + path, all);
    sockets.push(socket);
    return socket;
  };

  describe(name, () => {
    describe("what waits to be sent may be dropped", () => {
      const ways: Record<string, [(socket: any) => void, string[]]> = {
        "= []": [(socket) => (socket.sendBuffer = []), []],
        "length = 0": [(socket) => (socket.sendBuffer.length = 0), []],
        "shift()": [(socket) => socket.sendBuffer.shift(), ["b", "c"]],
        "pop()": [(socket) => socket.sendBuffer.pop(), ["a", "b"]],
        "splice(1, 1)": [(socket) => socket.sendBuffer.splice(1, 1), ["a", "c"]],
        "splice(0)": [(socket) => socket.sendBuffer.splice(0), []],
        "reverse()": [(socket) => socket.sendBuffer.reverse(), ["c", "b", "a"]],
        "filter by name": [
          (socket) => (socket.sendBuffer = socket.sendBuffer.filter((packet: any) => packet.data[0] !== "b")),
          ["a", "c"],
        ],
        "filter by number of acknowledgement": [
          (socket) => {
            socket.emit("d", () => undefined);
            socket.sendBuffer = socket.sendBuffer.filter((packet: any) => packet.id === undefined);
          },
          ["a", "b", "c"],
        ],
        "slice(-1)": [(socket) => (socket.sendBuffer = socket.sendBuffer.slice(-1)), ["c"]],
        "a packet of one's own": [
          (socket) => socket.sendBuffer.push({ type: 2, data: ["d"], options: { compress: true } }),
          ["a", "b", "c", "d"],
        ],
        "as it is": [(socket) => assert.equal(socket.sendBuffer.length, 3), ["a", "b", "c"]],
      };
      for (const [way, [drop, left]] of Object.entries(ways)) {
        test(way, async () => {
          const socket = dial({ autoConnect: false });
          for (const event of ["a", "b", "c"]) socket.emit(event);
          drop(socket);
          socket.emit("end");
          socket.connect();
          await event(socket, "connect");
          const session = server.sessions.at(-1)!;
          await received(session, '42["end"]');
          assert.deepEqual(
            session.received.slice(1).map((packet) => JSON.parse(packet.slice(2))[0]),
            [...left, "end"],
          );
          assert.deepEqual(socket.sendBuffer, []);
        });
      }

      test("while the connection is away, in the listener of disconnect", async () => {
        const socket = dial();
        await event(socket, "connect");
        socket.on("disconnect", () => {
          socket.emit("old");
          socket.sendBuffer = [];
          socket.emit("new");
        });
        socket.io.engine.close();
        await event(socket, "connect");
        const session = server.sessions.at(-1)!;
        await received(session, '42["new"]');
        assert.deepEqual(session.received, ["40", '42["new"]']);
      });

      test("an acknowledgement of what was dropped times out", async () => {
        const socket = dial({ autoConnect: false });
        const answer = socket.timeout(50).emitWithAck("asked");
        socket.sendBuffer.length = 0;
        await assert.rejects(answer, /operation has timed out/);
      });
    });

    test("what came before connect may be read, dropped and changed", async () => {
      server.onSession = () => undefined;
      const socket = dial({ transports: ["polling"] });
      await event(socket.io, "open");
      const session = server.sessions.at(-1)!;
      await received(session, "40");
      const packets = new Promise<void>((resolve) => {
        let count = 0;
        socket.io.on("packet", () => ++count === 4 && setTimeout(resolve));
      });
      session.send('42["a",1]', '42["b"]', '42["c"]', '42["d"]');
      await packets;
      assert.deepEqual(socket.receiveBuffer, [["a", 1], ["b"], ["c"], ["d"]]);
      socket.receiveBuffer = socket.receiveBuffer.filter(([name]: string[]) => name !== "b");
      socket.receiveBuffer.pop();
      const heard: unknown[] = [];
      socket.onAny((...args: unknown[]) => heard.push(args));
      session.send('40{"sid":"late"}');
      await event(socket, "connect");
      assert.deepEqual(heard, [["a", 1], ["c"]]);
      assert.deepEqual(socket.receiveBuffer, []);
    });

    test("a new address counts from the next connection on", async () => {
      const other = await new FakeServer().start();
      try {
        const socket = dial();
        await event(socket, "connect");
        socket.io.uri = other.url;
        socket.disconnect().connect();
        await event(socket, "connect");
        assert.equal(other.sessions.length, 1);
        // Also during a reconnection.
        socket.io.uri = server.url + "?from=other";
        socket.io.engine.close();
        await event(socket, "connect");
        assert.equal(server.sessions.length, 2);
        assert.match(server.requests.at(-1)!.url!, /[?&]from=other&/);
        socket.disconnect();
      } finally {
        await other.stop();
      }
    });

    test("options may be changed between connections", async () => {
      const socket = dial({ query: { a: "1" }, transports: ["websocket"], auth: { token: 1 } });
      await event(socket, "connect");
      socket.io.opts.query.a = "2";
      socket.io.opts.query["b"] = "x=y";
      socket.io.opts.path = "/elsewhere";
      socket.io.opts.transports = ["polling"];
      socket.io.opts.extraHeaders = { "x-own": "yes" };
      socket.auth = { token: 2 };
      server.requests.length = 0;
      socket.io.engine.close();
      await event(socket, "connect");
      const url = new URL(server.requests[0]!.url!, "http://x");
      assert.equal(url.pathname, "/elsewhere/");
      assert.deepEqual(["a", "b", "transport"].map((key) => url.searchParams.get(key)), ["2", "x=y", "polling"]);
      assert.equal(server.requests[0]!.headers["x-own"], "yes");
      assert.equal(server.sessions.at(-1)!.received[0], '40{"token":2}');
    });

    /** The query of the next handshake. */
    const asked = (): URLSearchParams =>
      server.requests.map(({ url }) => new URL(url!, "http://x").searchParams).find((query) => !query.has("sid"))!;

    test("values of the query keep what they are made of", async () => {
      const values: Record<string, string> = {
        "?token=a=b==": "a=b==",
        "?token=a%3Db%26c": "a=b&c",
        "?token=a+b": "a+b",
        "?token=a%2Bb%20c": "a+b c",
        "?token=": "",
        "?token": "",
        "?x=1&token=%C3%A9": "é",
      };
      for (const [query, value] of Object.entries(values)) {
        server.requests.length = 0;
        await event(dial({}, "/" + query), "connect");
        assert.equal(asked().get("token"), value, query);
      }
      server.requests.length = 0;
      await event(dial({ query: { token: "a+b=c&d e" } }), "connect");
      assert.equal(asked().get("token"), "a+b=c&d e");
    });

    test("addresses with an empty port, and an empty address, do not throw", () => {
      const options = { autoConnect: false, forceNew: true };
      for (const url of ["", "http://host:", "http://host:/", "ws://host:?a=1", "https://[::1]:/nsp", "http://u:p@host:"]) {
        assert.doesNotThrow(() => (client as any).io(url, options), url);
      }
      assert.equal((client as any).io("http://host:/nsp", options).nsp, "/nsp");
    });

    test("the members of a Manager that have an underscore and are used all the same", async () => {
      const socket = dial();
      const manager = socket.io;
      assert.equal(manager._autoConnect, true);
      assert.equal(manager._readyState, "opening");
      assert.ok(!manager._reconnecting);
      await event(socket, "connect");
      assert.equal(manager._readyState, "open");
      manager._packet({ type: 2, nsp: "/", data: ["raw"], options: {} });
      await received(server.sessions[0]!, '42["raw"]');
      assert.deepEqual(Object.keys(manager.nsps), ["/"]);
      assert.equal(manager.nsps["/"], socket);
      manager._destroy(socket);
      assert.equal(socket.connected, true, "it is still needed");
      // The connection is lost, and the client reconnects.
      server.onSession = () => undefined;
      const attempt = event(manager, "reconnect_attempt");
      manager.engine.close();
      await event(socket, "disconnect");
      assert.equal(manager._reconnecting, true);
      assert.equal(manager._readyState, "closed");
      await attempt;
      await event(manager, "reconnect");
      assert.ok(!manager._reconnecting);
      // Closed for good.
      server.onSession = admit;
      manager.engine.close();
      await event(socket, "connect");
      const closed = event(manager, "close");
      const told = event(socket, "disconnect");
      manager._close();
      assert.deepEqual((await closed)[0], "forced close");
      assert.deepEqual((await told)[0], "forced close");
      assert.equal(manager._readyState, "closed");
      assert.ok(!manager._reconnecting);
      const before = server.sessions.length;
      socket.connect();
      await event(socket, "connect");
      assert.equal(server.sessions.length, before + 1);
    });

    test("what the engine tells", async () => {
      const socket = dial({ transports: ["polling"], reconnection: false });
      const told: Record<string, unknown[]> = {};
      for (const name of ["handshake", "open", "packet", "data", "message", "ping", "pong", "packetCreate", "drain", "error", "close"]) {
        socket.io.engine.on(name, (...args: unknown[]) => (told[name] ||= []).push(args[0]));
      }
      await event(socket, "connect");
      const session = server.sessions[0]!;
      session.send("2");
      await received(session, "3");
      session.send('42["last"]');
      await event(socket, "last");
      session.postStatus = 500;
      socket.emit("refused");
      await event(socket, "disconnect");
      assert.equal((told["handshake"]![0] as { sid: string }).sid, "session-0");
      assert.equal(told["open"]!.length, 1);
      assert.deepEqual(told["data"], ['0{"sid":"id-session-0"}', '2["last"]']);
      assert.deepEqual(told["message"], told["data"]);
      assert.equal(told["ping"]!.length, 1);
      assert.equal(told["pong"]!.length, 1);
      assert.deepEqual(
        told["packet"]!.map((packet) => (packet as { type: string }).type),
        ["open", "message", "ping", "message"],
      );
      assert.deepEqual(
        told["packetCreate"]!.map((packet) => (packet as { type: string }).type),
        ["message", "pong", "message"],
      );
      assert.ok(told["drain"]!.length > 0);
      assert.deepEqual(told["error"]!.map((err: any) => err.description), [500]);
      assert.deepEqual(told["close"], ["transport error"]);
    });

    describe("cookies, which Node has to keep itself", () => {
      const past = new Date(Date.now() - 3_600_000).toUTCString();
      const future = new Date(Date.now() + 3_600_000).toUTCString();
      const lines: Record<string, string[]> = {
        "a=1": ["a=1"],
        "a=1; b=2": ["a=1; Path=/; HttpOnly; SameSite=Lax", "b=2; Secure"],
        "a=2": ["a=1; Path=/", "a=2; Path=/"],
        "a=x=y": ["a=x=y"],
        "a=quoted": ['a="quoted"'],
        "a=": ["a="],
        "a=1; max=60": ["a=1; Max-Age=60", "max=60; max-age = 60"],
        "kept=1": [`kept=1; Expires=${future}`, `old=1; Expires=${past}`, `OLD=1; EXPIRES=${past}`],
        "kept=2": ["kept=2", "gone=1; Max-Age=0", "gone=2; MAX-AGE=-1", "gone=3; max-age=0"],
        "kept=3": ["kept=3; Max-Age=1e3", "bad=1; Max-Age=soon", "bad=2; Expires=tomorrow", "bad=3; Expires=Thu, 99 Foo 2099"],
        "kept=4": ["kept=4", "empty=1; Expires="],
        "kept=5": ["kept=5", "rubbish", "=nameless", " = ", "; Path=/", ""],
        "kept=6": ["kept=6", "taken=1", "taken=; Max-Age=0"],
        "kept=7": ["taken=1", "kept=7", `taken=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT`],
      };
      for (const [want, cookies] of Object.entries(lines)) {
        test(JSON.stringify(cookies), async () => {
          server.cookies = cookies;
          const socket = dial({ withCredentials: true, transports: ["polling"] });
          await event(socket, "connect");
          const sent = server.requests.find(({ method }) => method === "POST")!;
          assert.equal(sent.headers.cookie, want);
        });
      }

      test("one that expires is sent until then", async (t) => {
        server.cookies = ["short=1; Max-Age=10", `date=1; Expires=${new Date(Date.now() + 20_000).toUTCString()}`, "long=1"];
        const socket = dial({ withCredentials: true, transports: ["polling"] });
        await event(socket, "connect");
        const session = server.sessions[0]!;
        const sent = async (name: string): Promise<string | undefined> => {
          server.requests.length = 0;
          socket.emit(name);
          await received(session, `42["${name}"]`);
          return server.requests.find(({ method }) => method === "POST")!.headers.cookie;
        };
        const start = Date.now();
        let passed = 0;
        t.mock.method(Date, "now", () => start + passed);
        assert.equal(await sent("one"), "short=1; date=1; long=1");
        passed = 12_000;
        assert.equal(await sent("two"), "date=1; long=1");
        passed = 25_000;
        assert.equal(await sent("three"), "long=1");
      });
    });

    test("the default export is io", () => {
      assert.equal((client as any).default, (client as any).io);
    });
  });
}

test("who drops and emits in turn stays within maxBuffer, and is not refused without reason", () => {
  const socket: any = ours.io("http://127.0.0.1:1", { autoConnect: false, forceNew: true, maxBuffer: 10_000 });
  const large = "x".repeat(3000);
  for (let i = 0; i < 3; i++) socket.emit("large", large);
  assert.throws(() => socket.emit("large", large), ours.BufferFullError);
  // In the middle and at the end, so that neither the length nor the first event tells.
  socket.sendBuffer.splice(1, 2);
  socket.emit("small");
  socket.emit("small");
  socket.emit("large", large);
  socket.emit("large", large);
  assert.throws(() => socket.emit("large", large), ours.BufferFullError);
  for (let i = 0; i < 100; i++) {
    socket.sendBuffer.shift();
    socket.emit("small");
  }
  assert.equal(socket.sendBuffer.length, 5);
});

test("without a page, an address without a host is this machine", () => {
  const manager = new ours.Manager("", { autoConnect: false });
  assert.equal(manager.uri, "");
  assert.equal(ours.io("", { autoConnect: false, forceNew: true }).nsp, "/");
  assert.throws(() => (manager.uri = "http://"), /invalid URL/);
  assert.equal(manager.uri, "");
});

test("what the reference gets wrong in a cookie: attributes without a space, and which lifetime counts", async () => {
  server.cookies = ["a=1;Max-Age=60", "gone=1;max-age=0", `b=1; Max-Age=60; Expires=${new Date(0).toUTCString()}`];
  server.cookies.push(`c=${"x".repeat(5000)}`, ...Array.from({ length: 100 }, (_, i) => `n${i}=1`));
  const webSocket = WebSocket as unknown as WebSocketClass;
  const socket = ours.io(server.url, { forceNew: true, webSocket, withCredentials: true, transports: ["polling"] });
  sockets.push(socket);
  await event(socket, "connect");
  const cookies = server.requests.find(({ method }) => method === "POST")!.headers.cookie!.split("; ");
  assert.deepEqual(cookies.slice(0, 3), ["a=1", "b=1", "n0=1"]);
  assert.equal(cookies.length, 64);
});

test("a fetch of one's own whose answers have no getSetCookie", async () => {
  const answer = async (...args: Parameters<typeof fetch>): Promise<Response> => {
    const res = await fetch(...args);
    return { status: res.status, headers: new Map(res.headers), text: () => res.text() } as unknown as Response;
  };
  const socket = ours.io(server.url, { forceNew: true, withCredentials: true, transports: ["polling"], fetch: answer });
  sockets.push(socket);
  await event(socket, "connect");
});
