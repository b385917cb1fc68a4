// SPDX-License-Identifier: MIT

// This file holds the scenarios: uses of a client by an application, against a real server of either kind.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { WebSocket } from "ws";
import { ConnectError, HandlerError, io, type IoOptions, type Socket, type WebSocketClass } from "../src/index.ts";
import { ServerProcess } from "./server-process.ts";

const TRANSPORTS: Record<string, string[] | undefined> = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: undefined,
};

/** Waits for an event of an object that has `once`, and returns its arguments. Fails after a limit. */
export function event(on: unknown, name: string, ms = 60_000): Promise<any[]> {
  const source = on as { once(name: string, fn: (...args: unknown[]) => void): void };
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no "${name}" within ${ms} ms`)), ms);
    source.once(name, (...args) => {
      clearTimeout(timer);
      resolve(args);
    });
  });
}

/** Registers the scenarios. The options are those of every socket; the server runs with the variables. */
export function scenarios(common: IoOptions = {}, env: Record<string, string> = {}): void {
  const server = new ServerProcess(env);
  const sockets: Socket[] = [];

  before(() => server.start());
  after(() => server.stop());
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.disconnect();
  });

  /** A socket on a connection of its own, unless told otherwise. */
  function dial(namespace = "/", options: IoOptions = {}): Socket {
    const webSocket = WebSocket as unknown as WebSocketClass;
    const socket = io(server.url + namespace, { forceNew: true, webSocket, reconnectionDelay: 50, ...common, ...options });
    sockets.push(socket);
    return socket;
  }

  async function connected(namespace?: string, options?: IoOptions): Promise<Socket> {
    const socket = dial(namespace, options);
    await event(socket, "connect");
    return socket;
  }

  async function upgraded(socket: Socket): Promise<void> {
    const engine = socket.io.engine!;
    if (engine.transport.name !== "websocket") await event(engine, "upgrade");
  }

  for (const [name, transports] of Object.entries(TRANSPORTS)) {
    describe(`over ${name}`, () => {
      test("connects and has an id that is not the session's", async () => {
        const socket = await connected("/", { transports });
        assert.equal(socket.connected, true);
        assert.equal(socket.active, true);
        assert.equal(socket.recovered, false);
        assert.match(socket.id!, /^.{8,}$/);
        assert.notEqual(socket.id, socket.io.engine!.id);
        if (name === "upgrade") await upgraded(socket);
        assert.equal(socket.io.engine!.transport.name, name === "polling" ? "polling" : "websocket");
      });

      test("echoes every JSON type, unicode and a large string", async () => {
        const socket = await connected("/", { transports });
        const args = [
          null,
          true,
          false,
          0,
          -1.5,
          common.parser ? 2 ** 63 : 1e21, // the msgpack of the reference counts to 2^64
          "",
          "plain",
          "äöü € 😀 \u0000 \u2028 \x1e \" \\",
          [],
          [1, [2, [3]]],
          {},
          { a: { b: [{ c: null }] }, "": 1, "__proto__x": 2 },
        ];
        socket.emit("echo", ...args);
        assert.deepEqual(await event(socket, "echo"), args);
        const large = "€x".repeat(common.parser ? 180_000 : 225_000); // binary becomes base64 over polling
        assert.deepEqual(await socket.emitWithAck("echo-ack", large), large);
      });

      test("echoes bytes at any depth, as Buffers", async () => {
        const socket = await connected("/", { transports });
        const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
        const sent = {
          buffer: Buffer.from(bytes),
          array: bytes,
          slice: bytes.subarray(10, 20),
          arrayBuffer: bytes.buffer.slice(0),
          deep: [{ view: new DataView(bytes.buffer, 250, 6) }, new Uint16Array([1, 2]), { blob: new Blob([bytes]) }],
          empty: new Uint8Array(0),
          rest: "text",
        };
        socket.emit("echo", sent, 1);
        const [got, one] = await event(socket, "echo");
        assert.deepEqual(got, {
          buffer: Buffer.from(bytes),
          array: Buffer.from(bytes),
          slice: Buffer.from(bytes.subarray(10, 20)),
          arrayBuffer: Buffer.from(bytes),
          deep: [{ view: Buffer.from(bytes.subarray(250)) }, Buffer.from([1, 0, 2, 0]), { blob: Buffer.from(bytes) }],
          empty: Buffer.alloc(0),
          rest: "text",
        });
        assert.equal(one, 1);
        assert.ok(sent.array instanceof Uint8Array, "what was given is not changed");
      });

      test("acknowledges both ways, with bytes", async () => {
        const socket = await connected("/", { transports });
        assert.deepEqual(await socket.emitWithAck("echo-ack", Buffer.from("hi"), "more"), Buffer.from("hi"));
        const answer = await new Promise((resolve) => socket.emit("echo-ack", 1, "2", (...args: unknown[]) => resolve(args)));
        assert.deepEqual(answer, [1, "2"]);
        socket.on("question", (a: number, b: unknown, ack: (...args: unknown[]) => void) => {
          ack(a + 1, b);
          ack("twice");
        });
        socket.emit("ask", 41, { bin: Buffer.from([1]) });
        assert.deepEqual(await event(socket, "answer"), [42, { bin: Buffer.from([1]) }]);
      });

      test("keeps the order of a burst in both directions", async () => {
        const socket = await connected("/", { transports });
        const ticks: number[] = [];
        socket.on("tick", (n: number) => ticks.push(n));
        const sent = Array.from({ length: 300 }, (_, i) => i);
        for (const n of sent) socket.emit("up", n);
        assert.deepEqual(await socket.emitWithAck("ups"), sent);
      });

      test("tells both sides why it ended", async () => {
        const watcher = await connected("/", { transports });
        const socket = await connected("/", { transports, auth: { tag: `leave-${name}` } });
        const gone = event(socket, "disconnect");
        socket.disconnect();
        assert.deepEqual(await gone, ["io client disconnect", undefined]);
        assert.equal(socket.active, false);
        assert.equal(await watcher.emitWithAck("reason", `leave-${name}`), "client namespace disconnect");

        const kicked = await connected("/", { transports, auth: { tag: `kicked-${name}` } });
        kicked.emit("bye");
        assert.deepEqual(await event(kicked, "disconnect"), ["io server disconnect", undefined]);
        assert.equal(kicked.active, false);
        assert.equal(await watcher.emitWithAck("reason", `kicked-${name}`), "server namespace disconnect");

        const dropped = await connected("/", { transports });
        const first = dropped.id;
        dropped.emit("drop");
        const [reason, details] = await event(dropped, "disconnect");
        assert.equal(reason, "transport close");
        assert.match(details.description, /^(transport closed by the server|websocket connection closed)$/);
        assert.equal(dropped.active, true);
        assert.equal(dropped.id, undefined);
        await event(dropped, "connect");
        assert.notEqual(dropped.id, first);
      });
    });
  }

  test("moves to WebSocket under constant traffic, each message once and in order", async () => {
    const count = 100;
    let begin = (): void => undefined;
    const amid = new Promise<void>((resolve) => (begin = resolve));
    // The upgrade waits for the traffic, however slow that is.
    class Waiting extends WebSocket {
      override send(data: string, ...rest: any[]): void {
        const now = (): void => super.send(data, ...rest);
        if (data === "2probe") void amid.then(now);
        else now();
      }
    }
    const socket = dial("/", { webSocket: Waiting as unknown as WebSocketClass, timeout: 60_000 });
    const streams: number[][] = [];
    let last = false;
    let sent = 0;
    let timer: ReturnType<typeof setInterval> | undefined;
    let atUpgrade = -1;
    const stream = (): void => {
      streams.push([]);
      socket.emit("stream", count);
    };
    // One stream after the other until the upgrade, and one more.
    const all = new Promise<void>((resolve) =>
      socket.on("tick", (n: number) => {
        streams.at(-1)!.push(n);
        if (n > 10 && sent > 10) begin();
        if (n < count - 1) return;
        if (last) return resolve();
        last = atUpgrade > 0;
        stream();
      }),
    );
    socket.on("connect", () => {
      socket.io.engine!.on("upgrade", () => (atUpgrade = sent));
      stream();
      timer = setInterval(() => socket.emit("up", sent++), 1);
    });
    await all;
    clearInterval(timer);
    const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
    for (const ticks of streams) assert.deepEqual(ticks, numbers(count));
    assert.deepEqual(await socket.emitWithAck("ups"), numbers(sent));
    assert.equal(socket.io.engine!.transport.name, "websocket");
    assert.ok(atUpgrade > 0 && atUpgrade < sent, "the upgrade happened amid the traffic");
  });

  test("broadcasts to rooms and to everybody", async () => {
    const [a, b, c] = [await connected(), await connected("/", { transports: ["polling"] }), await connected()];
    const heard: Record<string, unknown[]> = { a: [], b: [], c: [] };
    Object.entries({ a, b, c }).forEach(([n, s]) => s.on("said", (what: unknown) => heard[n]!.push(what)));
    await a.emitWithAck("join", "room");
    await b.emitWithAck("join", "room");
    a.emit("say", "room", "to b");
    await event(b, "said");
    await b.emitWithAck("leave", "room");
    a.emit("say", "room", "to nobody");
    const last = [event(a, "said"), event(b, "said"), event(c, "said")];
    c.emit("shout", Buffer.from("all"));
    await Promise.all(last);
    const all = Buffer.from("all");
    assert.deepEqual(heard, { a: [all], b: ["to b", all], c: [all] });
  });

  test("trap 55: shares a connection between namespaces", async () => {
    const options = { forceNew: false, query: { own: "manager" }, path: "/socket.io" };
    const main = await connected("/", options);
    const admin = await connected("/admin", options);
    assert.equal(main.io, admin.io);
    assert.notEqual(main.id, admin.id);
    assert.deepEqual(await admin.emitWithAck("echo-ack", "admin"), "admin");
    const again = await connected("/", options);
    assert.notEqual(again.io, main.io, "the same namespace again is a connection of its own");
    let closed = 0;
    main.io.on("close", () => closed++);
    main.disconnect();
    assert.deepEqual(await admin.emitWithAck("echo-ack", "still here"), "still here");
    assert.equal(closed, 0);
    const order: string[] = [];
    main.io.on("close", (reason) => order.push(`close ${reason}`));
    admin.on("disconnect", (reason: string) => order.push(`disconnect ${reason}`));
    admin.disconnect();
    assert.deepEqual(order, ["close forced close", "disconnect io client disconnect"]);
    main.connect();
    await event(main, "connect");
  });

  test("trap 56: is told why a middleware refused, and does not come back by itself", async () => {
    const socket = dial("/deny");
    const order: string[] = [];
    socket.io.on("open", () => order.push("open"));
    socket.io.on("close", () => order.push("close"));
    const [err] = await event(socket, "connect_error");
    assert.ok(err instanceof ConnectError);
    assert.equal(err.message, "denied");
    assert.deepEqual(err.data, { code: 7 });
    assert.equal(socket.active, false);
    assert.deepEqual(order, ["open", "close"]);
  });

  test("an unknown namespace is an invalid one", async () => {
    const [err] = await event(dial("/none"), "connect_error");
    assert.equal(err.message, "Invalid namespace");
  });

  test("connects with a token after a refusal; auth may be a function", async () => {
    const socket = dial("/token", { auth: { token: "wrong" } });
    const [err] = await event(socket, "connect_error");
    assert.equal(err.message, "bad token");
    socket.auth = (cb) => setTimeout(() => cb({ token: "secret", who: "me" }), 1);
    socket.connect();
    await event(socket, "connect");
    assert.deepEqual(await socket.emitWithAck("whoami"), { token: "secret", who: "me" });
  });

  test("trap 58: events emitted before the connection go first, and in order", async () => {
    const socket = dial();
    socket.on("connect", () => socket.emit("up", 3));
    socket.emit("up", 1);
    const outgoing: unknown[] = [];
    socket.onAnyOutgoing((name, n) => outgoing.push([name, n]));
    socket.emit("up", 2);
    assert.equal(socket.sendBuffer.length, 2);
    assert.deepEqual(outgoing, [], "outgoing listeners run when an event is sent");
    await event(socket, "connect");
    assert.deepEqual(await socket.emitWithAck("ups"), [1, 2, 3]);
    assert.deepEqual(outgoing.slice(0, 3), [["up", 1], ["up", 2], ["up", 3]]);
  });

  test("drops volatile events without a connection", async () => {
    const socket = dial();
    socket.volatile.emit("up", 1);
    socket.emit("up", 2);
    await event(socket, "connect");
    await upgraded(socket);
    await socket.emitWithAck("ups"); // until then the transport may be writing, and would drop it rightly
    socket.volatile.emit("up", 3);
    assert.deepEqual(await socket.emitWithAck("ups"), [2, 3]);
  });

  test("an acknowledgement may time out, fail, or end with the connection", async () => {
    const socket = await connected();
    await assert.rejects(socket.timeout(30).emitWithAck("silent"), /^Error: operation has timed out$/);
    const err = await new Promise((resolve) => socket.timeout(30).emit("silent", resolve));
    assert.match(String(err), /operation has timed out/);
    assert.deepEqual(
      await new Promise((resolve) => socket.timeout(60_000).emit("echo-ack", 1, (...args: unknown[]) => resolve(args))),
      [null, 1],
    );
    await assert.rejects(socket.emitWithAck("fail"), (e) => {
      assert.ok(e instanceof HandlerError);
      return e.message === "boom" && e.code === "E_BOOM";
    });
    const lost = assert.rejects(socket.emitWithAck("silent"), /^Error: socket has been disconnected$/);
    let plain = false;
    socket.emit("silent", () => (plain = true));
    socket.disconnect();
    await lost;
    assert.equal(plain, false);
  });

  test("trap 58: a timeout takes an event out of the buffer", async () => {
    const socket = dial("/", { autoConnect: false });
    await assert.rejects(socket.timeout(10).emitWithAck("echo-ack", 1), /timed out/);
    assert.deepEqual(socket.sendBuffer, []);
    const kept = socket.emitWithAck("echo-ack", 2);
    socket.connect();
    assert.equal(await kept, 2);
  });

  test("sends again until acknowledged, one at a time", async () => {
    const socket = dial("/", { retries: 3, ackTimeout: 60_000 });
    const answers: unknown[] = [];
    socket.emit("echo-ack", 1, (...args: unknown[]) => answers.push(args));
    const done = new Promise<void>((resolve) => {
      socket.on("connect", () => {
        socket.emit("echo-ack", 2, (...args: unknown[]) => {
          answers.push(args);
          resolve();
        });
      });
    });
    await done;
    assert.deepEqual(answers, [[null, 1], [null, 2]]);
    const failing = dial("/", { retries: 1, ackTimeout: 30 });
    let sent = 0;
    failing.onAnyOutgoing(() => sent++);
    await assert.rejects(failing.emitWithAck("silent"), /timed out/);
    assert.equal(sent, 2);
  });

  test("catch-all listeners see everything, with the acknowledgement", async () => {
    const socket = await connected();
    const seen: unknown[] = [];
    socket.onAny((name, ...args) => seen.push([name, args.map((a) => (typeof a === "function" ? "fn" : a))]));
    socket.on("question", (_n: number, ack: (n: number) => void) => ack(0));
    socket.emit("ask", 7);
    await event(socket, "answer");
    assert.deepEqual(seen, [
      ["question", [7, "fn"]],
      ["answer", [0]],
    ]);
  });

  test("a listener that throws harms nobody else", async () => {
    const socket = await connected();
    // The test runner listens too, and would count it as a failure.
    const listeners = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    const uncaught = new Promise((resolve) => process.once("uncaughtException", resolve));
    socket.on("echo", () => {
      throw new Error("on purpose");
    });
    const second = event(socket, "echo");
    socket.emit("echo", 1);
    assert.deepEqual(await second, [1]);
    assert.match(String(await uncaught), /on purpose/);
    listeners.forEach((l) => process.on("uncaughtException", l));
    assert.equal(await socket.emitWithAck("echo-ack", 2), 2);
  });

  test("leaving while the server is thinking leaves nothing behind", async () => {
    const options = { forceNew: false, query: { own: "leaving" }, path: "/socket.io/" };
    const main = await connected("/", options);
    const admin = dial("/admin", { ...options, auth: { tag: "left-early" } });
    assert.equal(admin.io, main.io);
    admin.disconnect();
    assert.equal(await main.emitWithAck("reason", "left-early"), "client namespace disconnect");
    admin.connect();
    await event(admin, "connect");
  });

  if (server.owned) {
    for (const [name, transports] of Object.entries(TRANSPORTS)) {
      test(`comes back after a restart of the server (${name})`, async () => {
        const socket = await connected("/", { transports, reconnectionDelayMax: 200 });
        if (name === "upgrade") await upgraded(socket);
        const order: string[] = [];
        socket.io.on("reconnect_attempt", (n) => order.push(`attempt ${n}`));
        socket.io.on("reconnect_error", () => order.push("error"));
        socket.io.on("reconnect", () => order.push("reconnect"));
        socket.on("connect", () => order.push("connect"));
        const gone = event(socket, "disconnect");
        await server.stop();
        const [reason] = await gone;
        assert.match(reason, /^transport (close|error)$/);
        socket.emit("up", 1);
        await event(socket.io, "reconnect_error");
        const back = event(socket, "connect");
        socket.emit("up", 2);
        await server.start();
        await back;
        assert.deepEqual(await socket.emitWithAck("ups"), [1, 2]);
        assert.equal(order[0], "attempt 1");
        assert.equal(order[1], "error");
        assert.deepEqual(order.slice(-2), ["reconnect", "connect"]);
      });
    }
  }
}
