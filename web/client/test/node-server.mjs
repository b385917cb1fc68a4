// SPDX-License-Identifier: MIT

// This program is the reference server of the scenarios: see server-contract.md.

import { createServer } from "node:http";
import { Server } from "socket.io";
import * as msgpack from "socket.io-msgpack-parser";

const http = createServer();
const io = new Server(http, {
  ...(process.env.CODEC === "msgpack" && { parser: msgpack }),
  ...(process.env.RECOVERY === "1" && { connectionStateRecovery: {} }),
});

/** Reasons of disconnected sockets by tag, and who waits for one. */
const reasons = new Map();
const waiting = new Map();

/** The orders of all clients, in the order in which they were handled. */
const orders = [];

function onConnection(socket) {
  socket.on("order", (id, ack) => ack(orders.push(id)));
  socket.on("orders", (ack) => ack(orders));
  const ups = [];
  socket.on("echo", (...args) => socket.emit("echo", ...args));
  socket.on("echo-ack", (...args) => args.pop()(...args));
  socket.on("ask", (...args) => socket.emit("question", ...args, (...answer) => socket.emit("answer", ...answer)));
  socket.on("silent", () => {});
  socket.on("fail", (ack) => ack({ error: { message: "boom", code: "E_BOOM" } }));
  socket.on("join", (room, ack) => {
    socket.join(room);
    ack();
  });
  socket.on("leave", (room, ack) => {
    socket.leave(room);
    ack();
  });
  socket.on("say", (room, ...args) => socket.to(room).emit("said", ...args));
  socket.on("shout", (...args) => socket.nsp.emit("said", ...args));
  socket.on("up", (n) => ups.push(n));
  socket.on("ups", (ack) => ack(ups));
  socket.on("stream", (count) => {
    let i = 0;
    const timer = setInterval(() => {
      if (i < count) socket.emit("tick", i++);
      else clearInterval(timer);
    }, 2);
    socket.on("disconnect", () => clearInterval(timer));
  });
  socket.on("bye", () => socket.disconnect());
  socket.on("drop", () => socket.conn.close());
  socket.on("reason", (tag, ack) => {
    if (reasons.has(tag)) ack(reasons.get(tag));
    else waiting.set(tag, ack);
  });
  socket.on("disconnect", (reason) => {
    const { tag } = socket.handshake.auth;
    if (!tag) return;
    reasons.set(tag, reason);
    waiting.get(tag)?.(reason);
  });
}

io.on("connection", onConnection);
io.of("/admin").on("connection", onConnection);

io.of("/deny").use((_socket, next) => next(Object.assign(new Error("denied"), { data: { code: 7 } })));

io.of("/token")
  .use((socket, next) => next(socket.handshake.auth.token === "secret" ? undefined : new Error("bad token")))
  .on("connection", (socket) => socket.on("whoami", (ack) => ack(socket.handshake.auth)));

http.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () => console.log(`listening ${http.address().port}`));
