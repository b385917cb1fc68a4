// SPDX-License-Identifier: MIT
// A client that records what it sends and what arrives.
import { within } from "../lib/wait.mjs";
import { hash } from "./log.mjs";

const PATIENCE = 120000; // nothing that works takes this long
const ASK = 600000; // an acknowledgement ends with the connection

export class Peer {
  #log;
  #tries = 0;
  #lastAnswered = 0; // of them
  #sent = 0;
  #asked = 0; // acknowledgements that have not ended
  #online = false;
  #stopped = false;
  #watchers = [];
  #watcher; // the timer of watch
  #why; // the server's reason for a new session
  slow = 0; // milliseconds that the server's middleware takes
  reject = false; // whether it rejects
  wanted = false; // whether the next connection should be recovered
  spoiled = false; // its session may have lost something, and need not be recovered
  spoils = false; // those that begin now too
  marks = new Set(); // of servers, which follow all that they have sent
  returns = 0; // connections that should have been recovered
  over = true; // its session has ended on purpose, or has not begun
  others = []; // what became of spoiled sessions: "recovered", or why not
  upgrades = 0; // that were tried

  // open is the function io of a client package. recovery: whether the server has it.
  constructor({ open, name, link, log, random, transports, recovery, room, proc = name }) {
    Object.assign(this, { open, name, link, random, recovery, proc, room });
    this.#log = log;
    this.socket = open(link.url, {
      transports,
      forceNew: true,
      autoConnect: false,
      reconnectionDelay: 5,
      reconnectionDelayMax: 40,
      timeout: 60000, // of a handshake; a round ends what was swallowed
      auth: (send) => send(this.#auth()),
    });
    this.socket.on("down", (...args) => this.#down(args));
    this.socket.on("mark", (mark, room) => this.marks.add(`${mark} ${room}`));
    this.socket.on("connect", () => this.#connected());
    this.socket.on("disconnect", (reason) => this.#disconnected(reason));
    this.socket.on("connect_error", (error) => this.#refused(error));
    this.#watcher = setInterval(() => this.#watch(), 200);
    this.socket.io.decoder?.on("decoded", (packet) => {
      if (packet.type === 0) this.#why = packet.data?.notRecovered;
    });
  }

  // The npm client stops polling for good if its WebSocket fails between the answer to the probe and
  // the end of the last poll; and it waits for a handshake over a WebSocket that has closed. Only the
  // heartbeat, and the option timeout, would end that.
  #watch() {
    const { io } = this.socket;
    const paused = io.engine?.transport?.readyState === "paused";
    if (!paused && (io._readyState !== "opening" || io.engine.readyState !== "closed")) return;
    this.#record({ kind: "stuck", epoch: this.epoch ?? `${this.name}/0` });
    if (paused) io.engine.transport.onClose();
    else io.engine.emit("error", new Error("closed"));
  }

  // Asks the server to end the session. Whether it does so cannot be known if the connection is lost.
  kick() {
    if (!this.#online) return;
    this.wanted = false;
    this.over = true;
    this.socket.emit("kick");
  }

  // Says that the session need not be recovered. `on`: nor those that begin before the next call.
  spoil(on = false) {
    this.spoils = on;
    this.spoiled = true;
    this.wanted = false;
  }

  #record(event) {
    this.#log.record(this.proc, event);
  }

  #auth() {
    this.epoch = `${this.name}/${++this.#tries}`;
    return { epoch: this.epoch, slow: this.slow, reject: this.reject, room: this.room };
  }

  // Some clients pass events on before they say that they are connected.
  #connected() {
    if (this.#online) return;
    this.#online = true;
    const { id, recovered, notRecovered } = this.socket; // the last is of our client
    const reason = recovered ? undefined : notRecovered ?? this.#why ?? "none given";
    // A server may still admit an attempt that was not answered: of those that come before its answer one continues
    // the session, the others get new ones (R16 of docs/guarantees.md).
    if (reason === "in_use" && this.#tries - this.#lastAnswered > 1) [this.wanted, this.spoiled] = [false, true];
    this.#lastAnswered = this.#tries;
    this.#record({ kind: "conn", session: id, epoch: this.epoch, recovered: recovered || undefined, wanted: this.wanted || undefined, reason });
    this.session = id;
    if (this.wanted) this.returns++;
    else if (this.spoiled && !this.over) this.others.push(reason ?? "recovered");
    this.over = false;
    if (!recovered) this.spoiled = this.spoils;
    this.wanted = this.recovery && !this.spoiled;
    this.#changed();
  }

  // Also called when a connection ends before the socket was connected.
  #disconnected(reason) {
    if (!this.#online) return;
    this.#online = false;
    this.#record({ kind: "disc", session: this.session, epoch: this.epoch, reason });
    this.#changed();
    if (reason.startsWith("io ")) [this.wanted, this.over] = [false, true]; // this ends the session
    if (reason === "io server disconnect" && !this.#stopped) setTimeout(() => this.socket.connect(), 1);
  }

  #refused(error) {
    if (error.message !== "a stranger") return; // the network
    this.#lastAnswered = this.#tries;
    this.#record({ kind: "refused", epoch: this.epoch, n: this.socket.receiveBuffer.length });
    this.reject = false;
    if (!this.#stopped) setTimeout(() => this.socket.connect(), 1); // clients do not try again by themselves
  }

  #down(args) {
    if (this.socket.connected) this.#connected();
    const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
    const [stream, n, pad] = args;
    this.#record({ kind: "recv", dir: "down", session: this.session, epoch: this.epoch, stream, n, h: hash(stream, n, pad) });
    ack?.(hash(stream, n, "reply"));
  }

  // Sends the next event.
  emit() {
    const { random, socket } = this;
    const n = ++this.#sent;
    const stream = `up/${this.name}`;
    const text = "é1".repeat(random.chance(2) ? random.below(8000) : random.below(30));
    const binary = random.chance(20);
    const args = [binary ? "up binary" : "up", stream, n, binary ? Buffer.from(text) : text];
    const event = { kind: "emit", dir: "up", epoch: this.epoch ?? `${this.name}/0`, stream, n, h: hash(stream, n, text) };
    const before = socket.sendBuffer.length;
    if (random.chance(30)) {
      event.ack = true;
      this.#asked++;
      socket.timeout(ASK).emit(...args, (error, ...reply) => this.#answered(stream, n, error, reply));
    } else if (random.chance(5)) {
      event.volatile = true;
      socket.volatile.emit(...args);
    } else {
      socket.emit(...args);
    }
    if (socket.sendBuffer.length > before) event.buf = true;
    this.#record(event);
  }

  #answered(stream, n, error, [reply, beside, after]) {
    this.#asked--;
    const event = { dir: "up", epoch: this.epoch, session: this.session, stream, n };
    if (error) this.#record({ kind: "err", ...event, reason: error.message });
    else this.#record({ kind: "ack", ...event, h: reply, beside, after });
  }

  upgradeTried(reason) {
    this.upgrades++;
    this.#record({ kind: "upgrade", epoch: this.epoch, reason });
  }

  // Emits at random until the next call of quiet.
  async talk() {
    this.talking = true;
    while (this.talking) {
      for (let i = this.random.below(3); i > 0; i--) this.emit();
      await pause(3 + this.random.below(40));
    }
  }

  quiet() {
    this.talking = false;
  }

  connected() {
    return this.#becomes(true);
  }

  disconnected() {
    return this.#becomes(false);
  }

  #becomes(online) {
    if (this.#online === online) return Promise.resolve();
    const change = new Promise((resolve) => this.#watchers.push(resolve)).then(() => this.#becomes(online));
    return within(change, `${this.name} to be ${online ? "connected" : "disconnected"}`, PATIENCE);
  }

  #changed() {
    for (const watcher of this.#watchers.splice(0)) watcher();
  }

  // Waits until everything has arrived.
  async end() {
    for (;;) {
      await this.link.heal();
      await this.connected();
      const arrived = await within(
        new Promise((resolve) => this.socket.timeout(ASK).emit("barrier", (error) => resolve(!error))),
        `the last answer for ${this.name}`,
        PATIENCE,
      );
      if (arrived && this.#asked === 0) break;
    }
    this.#record({ kind: "end", epoch: this.epoch });
    this.stop();
  }

  // Leaves without waiting.
  leave() {
    this.#record({ kind: "end", epoch: this.epoch ?? `${this.name}/0`, reason: "left" });
    this.stop();
  }

  stop() {
    this.#stopped = true;
    clearInterval(this.#watcher);
    this.socket.io.reconnection(false);
    this.socket.disconnect();
  }

  // Lets another client continue with the secrets of this one. Its log is the same.
  fork(name, transports) {
    this.#record({ kind: "fork", epoch: this.epoch, target: name });
    const { open, link, random, recovery, room, proc } = this;
    const other = new Peer({ open, name, link, log: this.#log, random, transports, recovery, room, proc });
    for (const key of ["_pid", "_lastOffset", "_offset"]) if (key in this.socket) other.socket[key] = this.socket[key];
    return other;
  }
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
