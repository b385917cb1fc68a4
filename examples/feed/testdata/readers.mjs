// SPDX-License-Identifier: MIT
// Clients of the npm package that join the feed at any moment while others write, lose their connections,
// and come back. Each must have exactly the notes of the database, in their order.
//
//   node readers.mjs URL SEED
//
// It prints a line of JSON: {"notes": what a client that joins at the end has, "readers": [...], "recovered": N}.
import { createRequire } from "node:module";

const { io } = createRequire(new URL("../../../conformance/package.json", import.meta.url))("socket.io-client");
const [url, seed] = [process.argv[2], Number(process.argv[3])];
let state = seed >>> 0;
const random = (n) => { // xorshift
  state ^= state << 13; state >>>= 0; state ^= state >>> 17; state ^= state << 5; state >>>= 0;
  return state % n;
};
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
let recovered = 0;

function reader() {
  const socket = io(url, { transports: [["websocket"], ["polling"]][random(2)], reconnectionDelay: 5, reconnectionDelayMax: 20, forceNew: true });
  const r = { socket, notes: [], since: [], loads: 0 };
  socket.on("connect", async () => {
    if (socket.recovered) {
      if (r.since) return socket.disconnect().connect(); // it has not loaded: from the start
      recovered++;
      return;
    }
    r.since = [];
    r.loads++;
    let before;
    try {
      before = await socket.timeout(20_000).emitWithAck("load");
    } catch {
      return socket.connected && socket.disconnect().connect(); // else it comes back by itself
    }
    r.notes = [...before, ...r.since];
    r.since = null;
  });
  socket.on("note", (text) => (r.since ?? r.notes).push(text));
  return r;
}

const writers = [0, 1, 2].map(async (w) => {
  const socket = io(url, { transports: ["websocket"], forceNew: true });
  for (let n = 0; n < 100; n++) await socket.timeout(20_000).emitWithAck("write", `${w}-${n}`);
  socket.disconnect();
});
let writing = true;
const written = Promise.all(writers).then(() => { writing = false; });
const readers = [];
while (writing) {
  if (readers.length < 40) readers.push(reader());
  await sleep(random(20));
  const r = readers[random(readers.length)];
  if (!r.socket.connected) continue;
  if (random(2) === 0) r.socket.io.engine.close(); // comes back, and is recovered
  else if (random(4) === 0) r.socket.disconnect().connect(); // loads again
}
await written;
const last = reader();
const deadline = Date.now() + 30_000;
const done = (r) => r.since === null && r.notes.length === last.notes.length;
while (Date.now() < deadline && !(last.since === null && readers.every(done))) await sleep(20);
await sleep(100); // for what comes too often
console.log(JSON.stringify({ notes: last.notes, readers: readers.map((r) => r.notes), recovered, loads: readers.reduce((n, r) => n + r.loads, 0) }));
for (const r of [...readers, last]) r.socket.disconnect();
