// SPDX-License-Identifier: MIT
// Clients of the npm package that post to a server which is killed again and again, and check what
// they hear: each post that was acknowledged is heard once by each client, all hear the same order.
//
//   node clients.mjs URL   then on standard input: "end" when the server stays
//
// It prints "posted N" for each acknowledgement, and at the end "result {...}".
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { io } = createRequire(new URL("../../../conformance/package.json", import.meta.url))("socket.io-client");
const url = process.argv[2];
const transports = [["websocket"], ["polling"], ["polling", "websocket"], ["websocket"]];
const result = { posted: 0, connections: 0, recovered: 0, reasons: {}, errors: [] };
const acked = new Map(); // text of a post: when it was acknowledged, as a count
let ending = false;
let count = 0;

const clients = transports.map((transports, index) => {
  const socket = io(url, { transports, reconnectionDelay: 20, reconnectionDelayMax: 200, forceNew: true });
  // heard: the posts since the session began. since: how many were acknowledged before.
  const client = { index, socket, heard: [], since: 0, sid: undefined, owed: true };
  socket.on("connect", () => {
    if (client.sid === undefined) {
      client.sid = socket.id;
      client.since = count;
      post(client);
      return;
    }
    result.connections++;
    if (socket.recovered) {
      result.recovered++;
      if (socket.id !== client.sid) result.errors.push(`client ${index} is recovered with another id`);
      return;
    }
    const reason = socket.io.engine.lastReason ?? "none";
    result.reasons[reason] = (result.reasons[reason] ?? 0) + 1;
    client.sid = socket.id;
    client.since = count;
    client.heard = [];
  });
  socket.on("posted", (text) => client.heard.push(text));
  // The reason is not in the API of the client.
  socket.io.on("packet", (packet) => {
    if (packet.type === 0 && packet.data?.notRecovered) socket.io.engine.lastReason = packet.data.notRecovered;
  });
  return client;
});

// post posts one after the other. What is not acknowledged may have been stored or not; the next post
// has another text.
async function post(client) {
  for (let n = 0; !ending; n++) {
    const text = `${client.index}-${n}`;
    try {
      const answer = await client.socket.timeout(2000).emitWithAck("post", text);
      if (answer !== text) throw new Error(answer);
      acked.set(text, count++);
      result.posted++;
      console.log("posted", result.posted);
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

// missing returns the first acknowledged post of its session that a client has not heard.
function missing(client) {
  const heard = new Set(client.heard);
  for (const [text, at] of acked) if (at >= client.since + transports.length && !heard.has(text)) return text;
}

function check() {
  for (const client of clients) {
    const heard = new Set(client.heard);
    if (heard.size !== client.heard.length) result.errors.push(`client ${client.index} has heard a post twice`);
    const lost = missing(client);
    if (lost) result.errors.push(`client ${client.index} has not heard ${lost}`);
  }
  // All hear one order: that of the log. The shorter one is the end of the longer one.
  const longest = clients.reduce((a, b) => (b.heard.length > a.heard.length ? b : a));
  for (const client of clients) {
    const end = longest.heard.slice(longest.heard.length - client.heard.length);
    const at = client.heard.findIndex((text, i) => text !== end[i]);
    if (at >= 0) result.errors.push(`clients ${client.index} and ${longest.index} differ: ${client.heard.slice(at, at + 5)} and ${end.slice(at, at + 5)}`);
  }
}

createInterface({ input: process.stdin }).on("line", async () => {
  ending = true;
  // Until all is heard, and nothing follows.
  let before = -1;
  const deadline = Date.now() + 30_000;
  for (;;) {
    const now = clients.reduce((sum, client) => sum + client.heard.length, 0);
    if (now === before && clients.every((client) => client.socket.connected && !missing(client))) break;
    if (Date.now() > deadline) break;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  check();
  console.log("result " + JSON.stringify(result));
  for (const client of clients) client.socket.disconnect();
  process.exit(0);
});
