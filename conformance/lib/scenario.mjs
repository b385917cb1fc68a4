// SPDX-License-Identifier: MIT
// Scenarios: each runs once per transport against one server program per suite file.
import { after, before, test } from "node:test";
import { client, Client, NEWEST } from "./clients.mjs";
import { leftOut, upgradesAreRejected } from "./nodes.mjs";
import { Program } from "./program.mjs";
import { finalTransport, transportOptions, transportsOf } from "./transports.mjs";
import { PATIENCE, ask, event, until, within } from "./wait.mjs";

let shared;
let auditor;
let started = false;
let nextClient = 0;
const only = process.env.ONLY ?? "";
const LIMIT = 300000; // more than the deadlines within a scenario, which say what did not come

// The first scenario of a file asks for it: a file of which ONLY leaves nothing starts no server.
function startOnce() {
  if (started) return;
  started = true;
  before(async () => {
    shared = await Program.start(client.environment);
    // Of the newest version, whichever is under test.
    auditor = new Client(NEWEST).open(shared.url, { transports: ["websocket"], forceNew: true });
    await event(auditor, "connect");
  });
  after(async () => {
    auditor?.disconnect();
    await shared?.stop();
  });
}

// After each run only the auditor is connected to the server.
function emptied() {
  return until(
    () => ask(auditor, "stats"),
    (stats) => stats.sessions === 1 && total(stats.sockets) === 1,
    "an empty server after the run",
  );
}

export function total(sockets) {
  return Object.values(sockets).reduce((sum, count) => sum + count, 0);
}

// Registers `body` for every transport, or for those in `options.on`. A client version without the
// abilities of `options.needs` is left out, and the table has the reason. So is, with several servers,
// one that nodes.mjs names.
export function scenario(name, body, options = {}) {
  if (!name.includes(only)) return;
  startOnce();
  for (const transport of transportsOf(options.on)) {
    const skip = leftOut(name, transport, options.on) ?? client.lacks(options.needs);
    test(`${name} | ${transport}`, { timeout: LIMIT, skip }, async () => {
      const stage = new Stage(transport, shared);
      try {
        await body(stage);
      } finally {
        await stage.clear();
        await emptied();
      }
    });
  }
}

// The resources of one run of a scenario: clients and server programs, all closed at its end.
class Stage {
  #sockets = [];
  #kept = [];
  #programs = [];

  constructor(transport, program) {
    this.transport = transport;
    this.program = program;
  }

  // A server program of this run's own, with its own environment.
  async ownServer(env) {
    const program = await Program.start({ ...client.environment, ...env });
    this.#programs.push(program);
    this.program = program;
    return program;
  }

  // Something else that ends with this run.
  keep(thing, end) {
    this.#kept.push(() => end(thing));
    return thing;
  }

  // The program is gone already; the end of this run need not stop it.
  forget(program) {
    this.#programs = this.#programs.filter((other) => other !== program);
  }

  // A client that is not awaited. Options besides those of the npm client:
  // nsp, transport (else this run's), version (else the one under test).
  open({ nsp = "/", transport = this.transport, version = client, ...options } = {}) {
    const socket = version.open(this.program.url + nsp, {
      ...transportOptions(transport),
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      timeout: PATIENCE,
      ...options,
    });
    socket.label = `client ${nextClient++}`;
    this.#sockets.push(socket);
    return socket;
  }

  // A connected client. With `settled`, an upgrade has also been completed.
  async connect({ settled = false, ...options } = {}) {
    const socket = this.open(options);
    const transport = options.transport ?? this.transport;
    // Text of 1.x is changed when it goes by one transport and comes back by the other.
    const wait = settled || (options.upgrade !== false && !(options.version ?? client).atLeast(2, 0));
    const upgraded = wait && transport === "upgrade" ? this.upgraded(socket) : undefined;
    await connected(socket, options.version);
    await upgraded;
    return socket;
  }

  // A further namespace on the connection of `socket`.
  async beside(socket, nsp, options = {}) {
    const other = this.openBeside(socket, nsp, options);
    await connected(other);
    return other;
  }

  openBeside(socket, nsp, options = {}) {
    const other = client.beside(socket, nsp, options);
    this.#sockets.push(other);
    return other;
  }

  // Settles when the connection of `socket` has moved to WebSocket, or may not.
  upgraded(socket) {
    return within(
      new Promise((resolve) => {
        const watch = () => {
          if (socket.io.engine.transport.name === finalTransport("upgrade")) resolve();
          else socket.io.engine.once("upgrade", resolve);
          if (upgradesAreRejected) socket.io.engine.once("upgradeError", resolve);
        };
        if (socket.io.engine?.transport) watch();
        else socket.io.once("open", watch);
      }),
      "the upgrade",
    );
  }

  // An observer that is notified when the given socket disconnects. Await `gone()` afterwards.
  async watch(socket) {
    const observer = await this.connect({ transport: "websocket" });
    const id = client.idOf(socket);
    const report = new Promise((resolve) => {
      observer.on("gone", (gone) => {
        if (gone.id === id) resolve(gone);
      });
    });
    await ask(observer, "watch", id);
    // It may be lost itself where pings have little time.
    observer.on("connect", () => observer.emit("watch", id));
    return { gone: () => within(report, `the server's report of ${id} going`) };
  }

  // Lets requests in flight arrive, so that a poll is parked at the server: many round trips on
  // another connection, each at least one turn of both event loops.
  async rest() {
    const other = await this.connect({ transport: "websocket" });
    for (let i = 0; i < 50; i++) await ask(other, "echo", i);
    other.disconnect();
  }

  async clear() {
    for (const socket of this.#sockets) socket.io.reconnection(false);
    for (const socket of this.#sockets) await settled(socket.io.engine);
    for (const socket of this.#sockets) {
      socket.disconnect();
      socket.io.engine?.close();
    }
    for (const end of this.#kept) end();
    for (const program of this.#programs) await program.stop();
  }
}

// Settles when an engine is not in the middle of its handshake: a client that gives up there leaves
// the server with a session that it has no reason to end before the first ping.
function settled(engine) {
  if (engine?.readyState !== "opening") return Promise.resolve();
  return within(
    new Promise((resolve) => {
      engine.once("open", resolve);
      engine.once("close", resolve);
      engine.once("error", resolve);
    }),
    "the end of a handshake",
  );
}

// Settles at "connect"; a rejection fails at once with the server's message.
export function connected(socket, version = client) {
  if (socket.connected) return Promise.resolve();
  return within(
    new Promise((resolve, reject) => {
      socket.once("connect", resolve);
      version.onRefusal(socket, (error) => reject(new Error(`refused: ${JSON.stringify(error.message ?? error)}`)));
    }),
    "connect",
  );
}

// The rejection of a connection, as the client reports it; a successful connection is a failure.
export function refused(socket) {
  return within(
    new Promise((resolve, reject) => {
      client.onRefusal(socket, resolve);
      socket.once("connect", () => reject(new Error("connected, although a refusal was expected")));
    }),
    "connect_error",
  );
}
