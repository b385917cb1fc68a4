// SPDX-License-Identifier: MIT
// The npm servers for engineio.Dialer and examples/dialer: engine.io at /engine.io/, socket.io at /socket.io/.
// Prints "listening PORT"; ends when its standard input does.
import { once } from "node:events";
import { createServer } from "node:http";
import { Server as Engine } from "engine.io";
import { Server } from "socket.io";

const settings = { pingInterval: Number(process.env.PING_INTERVAL), pingTimeout: 60000, maxHttpBufferSize: 100000 };
const http = createServer((request, response) => void answer(request, response));

// The state of each connection, by session id: the reason of its end, and the number of its pongs.
const ends = new Map();

function watch(connection) {
  let heartbeats = 0;
  const waiting = new Set();
  connection.on("heartbeat", () => {
    heartbeats++;
    for (const look of waiting) look();
  });
  ends.set(connection.id, {
    closed: once(connection, "close").then(([reason]) => reason),
    heartbeats: (n) => new Promise((resolve) => {
      const look = () => heartbeats >= n && resolve(String(heartbeats));
      waiting.add(look);
      look();
    }),
  });
}

// GET /closed?sid=ID answers with the reason once that connection has closed, /heartbeats?sid=ID&n=N when so many have come.
async function answer(request, response) {
  const url = new URL(request.url, "http://localhost");
  const known = ends.get(url.searchParams.get("sid"));
  if (url.pathname === "/closed" && known) response.end(await known.closed);
  else if (url.pathname === "/heartbeats" && known) response.end(await known.heartbeats(Number(url.searchParams.get("n"))));
  else response.writeHead(404).end();
}

const io = new Server(http, settings);
io.engine.on("connection", watch);
io.on("connection", (socket) => {
  socket.onAny((event, ...args) => typeof args.at(-1) === "function" && event !== "hello" && args.at(-1)(...args.slice(0, -1)));
  // The dialogue of examples/dialer.
  socket.on("hello", (name, ack) => {
    ack(`hello ${name}`);
    socket.emit("file", Buffer.from([1, 2, 3]));
    socket.emit("question", "how are you?", (reply) => {
      socket.emit("heard", reply);
      socket.disconnect();
    });
  });
});

const engine = new Engine(settings);
engine.on("connection", watch);
engine.on("connection", (connection) => {
  connection.on("message", (data) => (data === "close" ? connection.close() : connection.send(data)));
});
engine.attach(http, { path: "/engine.io/" });

http.listen(0, "127.0.0.1", () => console.log(`listening ${http.address().port}`));
process.stdin.resume().on("end", () => process.exit());
