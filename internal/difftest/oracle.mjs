// SPDX-License-Identifier: MIT
// What npm socket.io-parser makes of messages: a case a line on stdin, its outcome a line on stdout.
//   {"messages":[{"text":"..."},{"binary":"<base64>"}]}
//   {"steps":[{"more":true},{"packet":{"type":2,"nsp":"/","id":1,"data":...}},{"error":"..."}]}
// Bytes stand as {"$bytes":"<base64>"}. A case ends at its first error. The first line says the version.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const here = createRequire(new URL("../../conformance/package.json", import.meta.url));
const below = createRequire(here.resolve("socket.io"));
const { Decoder } = below("socket.io-parser");
const manifest = below(below.resolve("socket.io-parser").replace(/build.*$/, "package.json"));

function note(value) {
  if (Buffer.isBuffer(value)) return { $bytes: value.toString("base64") };
  if (Array.isArray(value)) return value.map(note);
  if (value === null || typeof value !== "object") return value;
  const copy = Object.create(null);
  for (const [key, each] of Object.entries(value)) {
    Object.defineProperty(copy, key, { value: note(each), enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

function run(messages) {
  const steps = [];
  const decoder = new Decoder();
  let packet;
  decoder.on("decoded", (decoded) => (packet = decoded));
  for (const { text, binary } of messages) {
    packet = undefined;
    try {
      decoder.add(binary === undefined ? text : Buffer.from(binary, "base64"));
    } catch (error) {
      steps.push({ error: String(error.message) });
      break;
    }
    if (!packet) {
      steps.push({ more: true });
      continue;
    }
    const { type, nsp, id, data } = packet;
    steps.push({ packet: { type, nsp, id, data: note(data) } });
  }
  decoder.destroy();
  return { steps };
}

console.log(JSON.stringify({ version: manifest.version }));
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(run(JSON.parse(line).messages)));
}
