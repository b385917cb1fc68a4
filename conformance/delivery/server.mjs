// SPDX-License-Identifier: MIT
// The server of cmd/delivery on npm socket.io.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { Log, hash } from "./log.mjs";
import { Random } from "./random.mjs";

const { LOG, NAME, RECOVERY, SEED = "1" } = process.env;
const LANES = 2;
const ASK = 600000;
const log = new Log(LOG, { atOnce: true });
const record = (event) => log.record(NAME, event);

const http = createServer(control);
const io = new Server(http, {
  pingInterval: 5000,
  pingTimeout: 60000,
  ...(RECOVERY ? { connectionStateRecovery: { maxDisconnectionDuration: 600000, skipMiddlewares: false } } : {}),
});
const sockets = new Set();
let ids = [];
const besides = new Map();

io.use((socket, next) => {
  const { epoch, slow, reject } = socket.handshake.auth;
  setTimeout(() => {
    record({ kind: "auth", epoch, reason: reject ? "a stranger" : undefined });
    next(reject ? new Error("a stranger") : undefined);
  }, slow ?? 0);
});

io.on("connection", (socket) => {
  const { epoch, room } = socket.handshake.auth;
  const { id } = socket;
  if (!socket.recovered) socket.data.tag = `of ${epoch}`;
  const rooms = () => [...socket.rooms].filter((name) => name !== id).sort();
  record({ kind: "conn", session: id, epoch, recovered: socket.recovered || undefined, rooms: rooms(), data: socket.data.tag });
  socket.on("disconnect", (reason) => {
    sockets.delete(socket);
    record({ kind: "disc", session: id, epoch, reason, rooms: rooms() });
  });
  const received = (stream, n, pad, ack) => {
    record({ kind: "recv", dir: "up", session: id, epoch, stream, n, h: hash(stream, n, pad) });
    if (!ack) return;
    const beside = `${NAME}/of/${id}`;
    const after = (besides.get(id) ?? 0) + 1;
    besides.set(id, after);
    record({ kind: "emit", dir: "down", stream: beside, n: after, to: [id], h: hash(beside, after, "beside") });
    socket.emit("down", beside, after, "beside");
    ack(hash(stream, n, "reply"), beside, after);
  };
  socket.on("up", received);
  socket.on("up binary", received);
  socket.on("barrier", (ack) => ack(true));
  socket.on("kick", () => socket.disconnect());
  if (!socket.recovered) {
    for (const each of ["all", room]) move(socket, each, true);
  }
  sockets.add(socket);
  ids = [...ids.filter((other) => other !== id), id].slice(-40);
});

function move(socket, room, join) {
  record({ kind: join ? "joining" : "leaving", session: socket.id, room });
  if (join) socket.join(room);
  else socket.leave(room);
  if (socket.connected) record({ kind: join ? "join" : "leave", session: socket.id, room });
}

class Lane {
  #sent = 0;
  #timer;

  constructor(number) {
    this.number = number;
    this.random = new Random(`${SEED} lane ${number}`);
  }

  on() {
    this.#timer = setTimeout(() => {
      for (let i = 1 + this.random.below(3); i > 0; i--) this.#emit();
      if (this.random.below(8) === 0) this.#move();
      this.on();
    }, 1 + this.random.below(20));
  }

  off() {
    clearTimeout(this.#timer);
  }

  #pick() {
    return sockets.size > 0 ? this.random.pick([...sockets]) : undefined;
  }

  #move() {
    const socket = this.#pick();
    if (socket) move(socket, `moving ${this.number}`, this.random.chance(50));
  }

  #event() {
    const { random } = this;
    const stream = `${NAME}/${this.number}`;
    const n = ++this.#sent;
    const size = random.below(50) === 0 ? random.below(20000) : random.below(60);
    const text = "é1".repeat(size >> 1);
    const pad = random.below(4) === 0 ? Buffer.from(text) : text;
    return [{ kind: "emit", dir: "down", stream, n, h: hash(stream, n, text) }, [stream, n, pad]];
  }

  #emit() {
    const [event, args] = this.#event();
    const { random } = this;
    const socket = this.#pick();
    const n = random.below(20);
    const say = (extra, to) => {
      record({ ...event, ...extra });
      to.emit("down", ...args);
    };
    if (n < 2 || !socket) return say({ to: ["all"] }, io.to("all"));
    if (n < 4) return say({ to: ["all"], except: [socket.id] }, socket.to("all"));
    if (n < 6) return say({ to: [`moving ${this.number}`] }, io.to(`moving ${this.number}`));
    if (n < 9) {
      const to = [`group ${random.below(4)}`, `group ${random.below(4)}`];
      return say({ to }, io.to(to));
    }
    if (n < 12) {
      const id = random.pick(ids);
      return say({ to: [id] }, io.to(id));
    }
    if (n < 14) return say({ to: [socket.id], volatile: true }, socket.volatile);
    if (n < 16) return this.#ask({ ...event, to: [socket.id], ack: true }, socket, args);
    return say({ to: [socket.id] }, socket);
  }

  #ask(event, socket, args) {
    const { dir, stream, n } = event;
    record(event);
    socket.timeout(ASK).emit("down", ...args, (error, h) => {
      if (error) record({ kind: "err", dir, stream, n, reason: error.message });
      else record({ kind: "ack", dir, session: socket.id, stream, n, h });
    });
  }
}

const lanes = Array.from({ length: LANES }, (_, number) => new Lane(number));

function control(request, response) {
  const state = /^\/traffic\/(on|off)$/.exec(request.url)?.[1];
  if (!state) return response.writeHead(404).end();
  for (const lane of lanes) lane[state]();
  response.writeHead(204).end();
}

http.listen(0, "127.0.0.1", () => console.log(`listening ${http.address().port}`));
process.on("SIGTERM", async () => {
  for (const lane of lanes) lane.off();
  const closed = io.close();
  http.closeAllConnections(); // it would wait for those that have swallowed something
  await closed;
  record({ kind: "end" });
  log.close();
  process.exit(0);
});
