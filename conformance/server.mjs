// SPDX-License-Identifier: MIT
// The reference test server, on npm socket.io. Its behaviour is the contract in README.md;
// cmd/testserver is the same program on package socketio.
import { createServer } from "node:http";
import { Server as Engine } from "engine.io";
import { Server } from "socket.io";
import { answer, makeParents, noteEngine, onMany, onWatching } from "./reference.mjs";

const env = process.env;
// Other paths are not found, as in a Go mux; without this they would get no answer.
const http = createServer((request, response) => response.writeHead(404).end());
const CORS_DETAILS = { credentials: true, methods: ["GET", "POST"], allowedHeaders: ["content-type"] };
const settings = {
  pingInterval: duration(env.PING_INTERVAL, 25000),
  pingTimeout: duration(env.PING_TIMEOUT, 20000),
  httpRequestBodyTimeout: duration(env.BODY_TIMEOUT, 30000),
  upgradeTimeout: 60000, // a test machine may be busy
  maxHttpBufferSize: Number(env.MAX_HTTP_BUFFER_SIZE ?? 1e6),
  perMessageDeflate: env.COMPRESSION === "1" ? { threshold: 1024 } : false,
  cors: env.CORS_ORIGIN ? { origin: env.CORS_ORIGIN, ...(env.CORS_CREDENTIALS === "1" ? CORS_DETAILS : {}) } : undefined,
};
const codec = env.CODEC === "msgpack" ? { parser: (await import("./msgpack/parser.mjs")).default } : {};
const io = new Server(http, {
  ...settings,
  ...codec,
  allowEIO3: env.ALLOW_EIO3 === "1",
  connectTimeout: duration(env.CONNECT_TIMEOUT, 45000),
  cleanupEmptyChildNamespaces: env.KEEP_EMPTY_NAMESPACES !== "1",
  serveClient: env.SERVE_CLIENT !== "0",
  cookie: env.COOKIE ? { name: env.COOKIE, path: "/", httpOnly: true, sameSite: "lax" } : false,
  httpCompression: env.COMPRESSION === "1" ? { threshold: 1024 } : false,
  allowRequest: env.HANDSHAKE_TOKEN
    ? (request, done) => done(null, request.headers["x-token"] === env.HANDSHAKE_TOKEN)
    : undefined,
});
noteEngine(io, env.MIDDLEWARE);
const engine = new Engine({ ...settings, allowEIO3: env.ALLOW_EIO3 === "1" });
engine.attach(http, { path: "/engine.io/" });
engine.on("connection", (connection) => connection.on("message", (data) => connection.send(data)));
const ODD_NAMES = ["__proto__", "toString", "constructor", "hasOwnProperty", "", "error", "connection", "1", "0", "-1.5"];

serve(io.of("/"));
serve(io.of("/custom"));

serve(io.of("/denied").use((socket, next) => {
  next(refusal("denied", { code: 42, nested: { list: [1, "two", null] } }));
}));

serve(io.of("/bare").use((socket, next) => next(new Error("no reason given"))));

serve(io.of("/token").use((socket, next) => {
  if (socket.handshake.auth.token === "secret") next();
  else next(refusal("not authorized", { hint: "token" }));
}));

serve(io.of("/slow").use(async (socket, next) => {
  await new Promise((resolve) => setTimeout(resolve, 200));
  next();
}));

const gates = new Map();
const reports = new Map();
serve(io.of("/gate").use((socket, next) => void gateOf(socket.handshake.auth.gate).opened.then(() => next())));

serve(io.of("/chain")
  .use((socket, next) => {
    socket.data.steps = ["first"];
    next();
  })
  .use((socket, next) => {
    socket.data.steps.push("second");
    next(socket.handshake.auth.stop ? refusal("stopped", socket.data.steps) : undefined);
  })
  .use((socket, next) => {
    socket.data.steps.push("third");
    next();
  }));

serve(io.of("/lobby").use((socket, next) => {
  socket.join(["lobby", "forgotten"]);
  socket.leave("forgotten");
  if (socket.handshake.auth.refuse) return next(refusal("no entry"));
  socket.data.steps = [`connected: ${socket.connected}`];
  next();
}));

for (const parent of makeParents(io)) {
  parent.use((socket, next) => next(socket.handshake.auth.refuse ? refusal("not in this team") : undefined));
  serve(parent);
}

// The namespace may be a parent: a socket's own is asked for.
function serve(served) {
  served.on("connection", (socket) => {
    const { nsp } = socket;
    if (nsp.name === "/" || nsp.name === "/custom") socket.emit("auth", socket.handshake.auth);
    onValues(socket);
    onAsking(socket);
    onRooms(nsp, socket);
    onLife(nsp, socket);
    onTraffic(nsp, socket);
    onMany(socket, served);
    onWatching(io, socket);
  });
}

function onValues(socket) {
  socket.on("message", (...args) => socket.emit("message-back", ...args));
  socket.on("message-with-ack", (...args) => answer(args)(...args));
  socket.on("echo", (...args) => answer(args)(...args));
  socket.on("echo-raw", (...args) => answer(args)(...args));
  socket.on("echo-event", (...args) => socket.emit("echo-event", ...args));
  socket.on("typed", (text, whole, real, flag, bytes, record, ack) => ack(text, whole, real, flag, bytes, record));
  socket.on("gift", (ack) => {
    const box = () => ({
      deep: { list: [Buffer.from([1, 2, 3]), { inner: Buffer.from("é") }], none: null },
      empty: Buffer.alloc(0),
    });
    socket.emit("gift", "before", box(), Buffer.from([255, 0]), "after");
    ack(Buffer.from([9, 8, 7]), box());
  });
  for (const name of ODD_NAMES) {
    socket.on(name, (...args) => {
      const ack = answer(args);
      socket.emit(name, ...args);
      ack(name, ...args);
    });
  }
}

function onAsking(socket) {
  socket.on("ask", (timeout, event, ...args) => {
    const ack = answer(args);
    socket.timeout(timeout).emit(event, ...args, (error, ...reply) => {
      ack(error ? { ok: false, error: "timeout" } : { ok: true, reply });
    });
  });
}

function onRooms(nsp, socket) {
  socket.on("join", (...rooms) => {
    const ack = answer(rooms);
    socket.join(rooms);
    ack();
  });
  socket.on("leave", (room, ack) => {
    socket.leave(room);
    ack();
  });
  socket.on("rooms", (ack) => ack([...socket.rooms].sort()));
  socket.on("volatile", (event, ...args) => {
    const ack = answer(args);
    socket.volatile.emit(event, ...args);
    ack();
  });
  socket.on("chat message", (text) => nsp.emit("chat message", text));
}

// The gate of a name, created when it is first asked for.
function gateOf(name) {
  if (!gates.has(name)) {
    const gate = {};
    gate.opened = new Promise((resolve) => (gate.open = resolve));
    gates.set(name, gate);
  }
  return gates.get(name);
}

function onLife(nsp, socket) {
  socket.on("open-gate", (name, ack) => {
    gateOf(name).open();
    ack();
  });
  socket.on("handshake", (ack) => {
    const { auth, query, headers, address, secure } = socket.handshake;
    ack({ auth, query, headers, address, secure });
  });
  socket.on("transport", (ack) => ack(socket.conn.transport.name));
  socket.on("steps", (ack) => ack(socket.data.steps));
  socket.on("stats", (ack) => {
    const sockets = {};
    for (const [name, { sockets: members }] of io._nsps) sockets[name] = members.size;
    ack({ sockets, sessions: io.engine.clientsCount });
  });
  socket.on("watch", (id, ack) => {
    socket.join(`watch:${id}`);
    if (reports.has(id)) socket.emit("gone", reports.get(id));
    ack();
  });
  socket.on("disconnect-me", (close) => socket.disconnect(close));
  socket.on("farewell", (count, close) => {
    for (let i = 0; i < count; i++) socket.emit("bye", i);
    socket.disconnect(close);
  });
  let leaving;
  socket.on("disconnecting", (reason) => {
    leaving = { reason, rooms: [...socket.rooms].sort() };
  });
  socket.on("disconnect", (reason) => {
    const report = {
      id: socket.id,
      nsp: nsp.name,
      reason,
      rooms: [...socket.rooms].sort(),
      disconnecting: leaving,
    };
    reports.set(socket.id, report);
    io.to(`watch:${socket.id}`).emit("gone", report);
  });
}

function onTraffic(nsp, socket) {
  let collected = [];
  socket.on("collect", (value) => collected.push(value));
  socket.on("collected", (ack) => {
    ack(collected);
    collected = [];
  });
  socket.on("burst", (count, ack) => {
    for (let i = 0; i < count; i++) {
      if (i % 2 === 0) socket.emit("burst", i);
      else nsp.to(socket.id).emit("burst", i);
    }
    ack();
  });
  let pump;
  let sent = 0;
  const stop = () => clearInterval(pump);
  socket.on("pump-start", (ack) => {
    pump = setInterval(() => {
      const n = sent++;
      if (n % 10 === 9) socket.emit("down", n, Buffer.from([n & 255]));
      else socket.emit("down", n);
    }, 1);
    ack();
  });
  socket.on("pump-stop", (ack) => {
    stop();
    ack(sent);
  });
  socket.on("disconnect", stop);
}

function refusal(message, data) {
  return Object.assign(new Error(message), { data });
}

// Reads "300ms" or "1s" as milliseconds.
function duration(text, fallback) {
  if (!text) return fallback;
  const match = /^(\d+)(ms|s)$/.exec(text);
  if (!match) throw new Error(`not a duration: ${text}`);
  return Number(match[1]) * (match[2] === "s" ? 1000 : 1);
}

http.listen(Number(env.PORT ?? 0), "127.0.0.1", () => {
  console.log(`listening ${http.address().port}`);
});
http.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
process.on("SIGTERM", async () => {
  engine.close();
  await io.close();
  process.exit(0);
});
