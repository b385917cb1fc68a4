// SPDX-License-Identifier: MIT
// npm servers, emitters and clients for the tests of adapter/redisadapter and adapter/pgadapter. internal/npmcluster controls them by lines of JSON:
// {"id":1,"do":"serve",...} on standard input is answered by {"id":1,"result":...} or {"id":1,"error":...} on standard
// output, where what clients and servers receive is told too. Bytes are {"$b":base64}. It ends with its input.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { encode } from "@msgpack/msgpack";
import { createAdapter as createPostgresAdapter } from "@socket.io/postgres-adapter";
import { Emitter as PostgresEmitter } from "@socket.io/postgres-emitter";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { Emitter } from "@socket.io/redis-emitter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import { Redis } from "ioredis";
import pg from "pg";
import { createClient } from "redis";
import { Server } from "socket.io";
import { io as connect } from "socket.io-client";

const EVENTS = ["for servers", "f\u00fcr \u65e5\u672c \u{1f600}"]; // those of servers, as in matrix_test.go
const QUIET = 600000; // no pings: what is volatile would give way to them

const servers = new Map(); // and emitters
const clients = new Map();
const connections = []; // to Redis
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// Values to and from what JSON can hold.
function wrap(value) {
  if (value instanceof Uint8Array) return { $b: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map(wrap);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, wrap(item)]));
}

function unwrap(value) {
  if (Array.isArray(value)) return value.map(unwrap);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.$b === "string") return Buffer.from(value.$b, "base64");
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, unwrap(item)]));
}

async function redisClients(port, npmClient) {
  if (npmClient === "ioredis") {
    const both = [new Redis(port, "127.0.0.1"), new Redis(port, "127.0.0.1")];
    connections.push(...both);
    return both;
  }
  const pub = createClient({ url: `redis://127.0.0.1:${port}` });
  const sub = pub.duplicate();
  for (const client of [pub, sub]) client.on("error", (error) => say({ fault: String(error) }));
  await Promise.all([pub.connect(), sub.connect()]);
  connections.push(pub, sub);
  return [pub, sub];
}

function postgres(url) {
  const pool = new pg.Pool({ connectionString: url });
  pool.on("error", (error) => say({ fault: String(error) }));
  connections.push(pool);
  return pool;
}

function adapterOf(mode, pub, sub, options) {
  if (mode === "classic") return createAdapter(pub, sub, options);
  if (mode === "streams") return createStreamsAdapter(pub, options);
  return createShardedAdapter(pub, sub, { ...options, subscriptionMode: mode });
}

const hasBytes = (value) =>
  value instanceof Uint8Array || (value !== null && typeof value === "object" && Object.values(value).some(hasBytes));

// What @socket.io/redis-streams-emitter 0.1.1 writes, which is not on npm: entries with its fields, whose values have its order.
class StreamsEmitter {
  constructor(redis, stream, nsp = "/", opts = { rooms: [], flags: {}, except: [] }) {
    Object.assign(this, { redis, stream, nsp, opts });
  }
  with(change) {
    return new StreamsEmitter(this.redis, this.stream, this.nsp, { ...this.opts, ...change });
  }
  of(nsp) {
    return new StreamsEmitter(this.redis, this.stream, nsp);
  }
  to(rooms) {
    return this.with({ rooms: [...this.opts.rooms, ...[rooms].flat()] });
  }
  except(rooms) {
    return this.with({ except: [...this.opts.except, ...[rooms].flat()] });
  }
  flag(name, value) {
    return this.with({ flags: { ...this.opts.flags, [name]: value } });
  }
  get volatile() {
    return this.flag("volatile", true);
  }
  compress(compress) {
    return this.flag("compress", compress);
  }
  add(type, data) {
    const text = hasBytes(data) ? Buffer.from(encode(data)).toString("base64") : JSON.stringify(data);
    const TRIM = { strategy: "MAXLEN", strategyModifier: "~", threshold: 10000 };
    return this.redis.xAdd(this.stream, "*", { uid: "emitter", nsp: this.nsp, type: String(type), data: text }, { TRIM });
  }
  emit(...data) {
    return this.add(3, { packet: { type: 2, data, nsp: this.nsp }, opts: this.opts });
  }
  socketsJoin(rooms) {
    return this.add(4, { opts: this.opts, rooms: [rooms].flat() });
  }
  socketsLeave(rooms) {
    return this.add(5, { opts: this.opts, rooms: [rooms].flat() });
  }
  disconnectSockets(close = false) {
    return this.add(6, { opts: this.opts, close });
  }
  serverSideEmit(...packet) {
    return this.add(9, { packet });
  }
}

async function emitter({ name, port, url, prefix, mode }) {
  if (url) {
    servers.set(name, new PostgresEmitter(postgres(url), "/", { channelPrefix: prefix }));
    return;
  }
  const [pub] = await redisClients(port);
  servers.set(name, mode === "streams" ? new StreamsEmitter(pub, prefix) : new Emitter(pub, { key: prefix }));
}

async function serve({ name, port, url, npmClient, mode, options, namespaces, recovery, ...unknown }) {
  if (Object.keys(unknown).length > 0) throw new Error(`serve knows no ${Object.keys(unknown)}`);
  const adapter = url
    ? createPostgresAdapter(postgres(url), { ...options, errorHandler: (error) => say({ fault: String(error) }) })
    : adapterOf(mode, ...(await redisClients(port, npmClient)), options);
  const http = createServer();
  const io = new Server(http, {
    adapter,
    connectionStateRecovery: recovery,
    pingInterval: QUIET,
    transports: ["websocket"],
  });
  for (const nsp of ["/", ...(namespaces ?? [])]) {
    io.of(nsp).on("connection", (socket) => {
      if (socket.recovered) return;
      const { name, rooms } = socket.handshake.auth;
      socket.data.name = name;
      socket.join(rooms);
    });
    for (const event of EVENTS) {
      io.of(nsp).on(event, (...args) => {
        const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
        say({ server: name, event, args: wrap(args), asked: ack !== undefined });
        ack?.({ from: name, args });
      });
    }
  }
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  servers.set(name, io);
  return `http://127.0.0.1:${http.address().port}`;
}

// A client tells what it receives, and answers with its name and that.
function client({ name, url, nsp, rooms }) {
  const socket = connect(url + (nsp ?? "/"), { auth: { name, rooms }, transports: ["websocket"], forceNew: true });
  clients.set(name, socket);
  socket.onAny((event, ...args) => {
    const ack = typeof args.at(-1) === "function" ? args.pop() : undefined;
    say({ client: name, event, args: wrap(args), asked: ack !== undefined });
    if (args[0] === "no answer") return;
    if (args[0] === "an empty answer") ack?.();
    else ack?.({ from: name, args });
  });
  socket.on("disconnect", (reason) => say({ client: name, disconnected: reason }));
  return connected(socket);
}

function connected(socket) {
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(socket.id));
    socket.once("connect_error", reject);
  });
}

// The selection of an operation. A server and an emitter have the same methods.
function select({ server, nsp, rooms, except, volatile, compress, timeout, local }) {
  let target = servers.get(server);
  if (nsp) target = target.of(nsp);
  if (rooms) target = target.to(rooms);
  if (except) target = target.except(except);
  if (volatile) target = target.volatile;
  if (local) target = target.local;
  if (compress !== undefined) target = target.compress(compress);
  if (timeout) target = target.timeout(timeout);
  return target;
}

const space = ({ server, nsp }) => (nsp ? servers.get(server).of(nsp) : servers.get(server));
const described = ({ id, rooms, data, handshake }) => ({ id, rooms: [...rooms], data, auth: handshake.auth, url: handshake.url });

const jobs = {
  serve,
  client,
  emitter,
  // Ends all clients and servers, and the connections to Redis.
  reset: async () => {
    for (const socket of clients.values()) socket.disconnect();
    clients.clear();
    await Promise.all([...servers.values()].map((io) => io.close?.()));
    servers.clear();
    await Promise.all(connections.splice(0).map((each) => (each instanceof Redis ? each.quit() : each instanceof pg.Pool ? each.end() : each.close())));
  },
  reconnect: ({ name }) => {
    const socket = clients.get(name);
    const done = connected(socket);
    socket.connect();
    return done;
  },
  // The connection of a client breaks, and it does not connect by itself.
  drop: ({ name }) => {
    const manager = clients.get(name).io;
    manager.reconnection(false);
    manager.engine.close();
  },
  // It connects to another server.
  come: async ({ name, url }) => {
    const socket = clients.get(name);
    socket.io.uri = url;
    const id = connected(socket);
    socket.connect();
    return { id: await id, recovered: socket.recovered };
  },
  go: ({ name }) => void clients.get(name).disconnect(),
  // The rooms of a socket on its own server, without asking others.
  rooms: ({ server, socket }) => [...(servers.get(server).sockets.sockets.get(socket)?.rooms ?? [])],
  emit: (c) => void select(c).emit(c.event, ...c.args),
  ask: async (c) => {
    try {
      return { answers: await select(c).emitWithAck(c.event, ...c.args) };
    } catch (error) {
      return { answers: error.responses ?? [], failed: String(error) };
    }
  },
  fetch: async (c) => (await select(c).fetchSockets()).map(described),
  // What a socket that was fetched can do.
  remote: async ({ server, socket, method, args, timeout }) => {
    const [remote] = await servers.get(server).in(socket).fetchSockets();
    const result = (timeout ? remote.timeout(timeout) : remote)[method](...args);
    return method === "emitWithAck" ? await result : undefined; // the others return the socket
  },
  join: (c) => void select(c).socketsJoin(c.to),
  leave: (c) => void select(c).socketsLeave(c.to),
  disconnect: (c) => void select(c).disconnectSockets(c.close),
  serverSideEmit: (c) => void space(c).serverSideEmit(c.event, ...c.args),
  serverSideAsk: async (c) => {
    try {
      return { answers: await space(c).serverSideEmitWithAck(c.event, ...c.args) };
    } catch (error) {
      return { answers: error.responses ?? [], failed: String(error) };
    }
  },
  load: async ({ server, rooms, count, batch }) => {
    const io = servers.get(server);
    const before = process.cpuUsage();
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) {
      io.to(rooms[i % rooms.length]).emit("load", i);
      if (i % batch === batch - 1) await new Promise((resolve) => setImmediate(resolve));
    }
    const { user, system } = process.cpuUsage(before);
    return { cpu: user + system, ns: Number(process.hrtime.bigint() - start) };
  },
};

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const { id, do: job, ...command } = JSON.parse(line);
    try {
      say({ id, result: wrap((await jobs[job](unwrap(command))) ?? null) });
    } catch (error) {
      say({ id, error: error?.stack ?? String(error) });
    }
  })
  .on("close", () => process.exit(0));
