// SPDX-License-Identifier: MIT
// The part of server.mjs that does something with many sockets and watches: what cmd/testserver has in
// many.go and watching.go.

// Takes the acknowledgement off the arguments; without one, answering does nothing.
export function answer(args) {
  return typeof args.at(-1) === "function" ? args.pop() : () => {};
}

const made = [];
const refusals = [];

// The parents of dynamic namespaces: teams by pattern, clubs by function.
export function makeParents(io) {
  const club = (name, auth, next) => next(null, name.startsWith("/club-") && auth.member === true);
  return [io.of(/^\/team-\d+$/), io.of(club)];
}

export function noteEngine(io, middleware) {
  io.on("new_namespace", (nsp) => made.push(nsp.name));
  io.engine.on("connection_error", ({ code }) => refusals.push(code));
  io.engine.use((request, response, next) => {
    if (middleware) response.setHeader("x-middleware", middleware);
    next();
  });
}

export function onMany(socket, served) {
  const to = (target) => choose(socket, served, target);
  socket.on("send", (target, event, ...args) => {
    const ack = answer(args);
    to(target).emit(event, ...args);
    ack();
  });
  socket.on("series", (...steps) => {
    const ack = answer(steps);
    for (const { target, volatile, event, args = [], size = 0, bytes } of steps) {
      const from = target ? to(target) : volatile ? socket.volatile : socket;
      from.emit(event, ...args, ...(size > 0 ? ["x".repeat(size)] : []), ...(bytes ? [bytes] : []));
    }
    ack();
  });
  socket.on("ask-many", (ms, target, event, ...args) => {
    const ack = answer(args);
    to(target).timeout(ms).emit(event, ...args, (error, reply) => {
      ack(error ? { ok: false, error: "timeout", reply } : { ok: true, reply });
    });
  });
  socket.on("user", (name, ack) => {
    socket.data.user = name;
    ack();
  });
  socket.on("fetch", async (target, ack) => ack(found(await to(target).fetchSockets())));
  socket.on("sockets-join", (target, ...rooms) => {
    const ack = answer(rooms);
    to(target).socketsJoin(rooms);
    ack();
  });
  socket.on("sockets-leave", (target, ...rooms) => {
    const ack = answer(rooms);
    to(target).socketsLeave(rooms);
    ack();
  });
  socket.on("sockets-disconnect", (target, close) => to(target).disconnectSockets(close));
  socket.on("linger", (room) => {
    socket.disconnect();
    socket.join(room);
  });
  // Its adapter in memory never answers a question to other servers, so only what has no answer is sent.
  socket.on("server-side", (event, ...args) => {
    const ack = answer(args);
    ack([]);
  });
}

function choose(socket, served, { via, to = [], in: within = [], except = [], volatile, local, compress }) {
  const from = { io: socket.nsp, parent: served }[via] ?? socket.broadcast;
  let target = from.except(except);
  if (to.length > 0) target = target.to(to);
  for (const room of within) target = target.in(room);
  if (volatile) target = target.volatile;
  if (local) target = target.local;
  return compress === undefined ? target : target.compress(compress);
}

function found(sockets) {
  const all = sockets.map(({ id, rooms, data, handshake }) => ({
    id,
    rooms: [...rooms].sort(),
    user: data.user ?? "",
    ...(Object.keys(handshake.auth).length > 0 ? { auth: handshake.auth } : {}),
  }));
  return all.sort((a, b) => (a.id < b.id ? -1 : 1));
}

export function onWatching(io, socket) {
  let heard = [];
  const listener = (way) => (...args) => heard.push([way, ...args.filter((arg) => typeof arg !== "function")]);
  socket.on("listen", (ack) => {
    socket.onAny(listener("in"));
    socket.onAnyOutgoing(listener("out"));
    ack();
  });
  socket.on("heard", (ack) => {
    socket.offAny();
    socket.offAnyOutgoing();
    ack(heard);
    heard = [];
  });
  socket.on("reserved", (name, ack) => {
    ack(`${throws(() => socket.emit(name))} ${throws(() => socket.nsp.to("nobody").emit(name))}`);
  });
  socket.on("namespaces", (ack) => ack({ made, there: [...io._nsps.keys()].sort() }));
  socket.on("refusals", (ack) => ack(refusals));
  socket.on("use", (ack) => {
    for (const name of ["first", "second"]) {
      socket.use((event, next) => {
        if (event[0] === "forbidden" && name === "first") return next(new Error("not allowed"));
        if (event[0] === "wrap") {
          socket.emit("passed", name, event[0]);
          if (name === "second") event[0] = "echo";
        }
        next();
      });
    }
    socket.on("forbidden", () => socket.emit("fault", "it was handled"));
    socket.on("error", (error) => socket.emit("fault", error.message));
    ack();
  });
}

function throws(fn) {
  try {
    fn();
    return false;
  } catch {
    return true;
  }
}
