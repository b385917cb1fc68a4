// SPDX-License-Identifier: MIT
// Writes parser/msgpack/testdata/npm/*.json with npm socket.io-msgpack-parser: encode.json says
// which bytes it makes of packets, decode.json what it makes of bytes. The output is the same on
// every run. A value stands as JSON; what JSON lacks is an object with the one key "$", see note.
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const { Encoder, Decoder } = createRequire(import.meta.url)("socket.io-msgpack-parser");
const out = new URL("../../parser/msgpack/testdata/npm/", import.meta.url);

// note returns the JSON form of a value.
function note(v) {
  if (v === undefined) return { $: "undefined" };
  if (v instanceof Date) return { $: "date", ms: String(v.getTime()) };
  if (Buffer.isBuffer(v)) return { $: "bytes", hex: v.toString("hex") };
  if (v instanceof ArrayBuffer) return { $: "buffer", hex: Buffer.from(v).toString("hex") };
  if (ArrayBuffer.isView(v)) return { $: "buffer", hex: Buffer.from(v.buffer).toString("hex") };
  if (typeof v === "number" && (!Number.isFinite(v) || Object.is(v, -0))) {
    return { $: "number", text: Object.is(v, -0) ? "-0" : String(v) };
  }
  if (Array.isArray(v)) return v.map(note);
  if (v !== null && typeof v === "object") {
    return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, note(x)]));
  }
  return v;
}

const keys = (n) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`k${String(i).padStart(5, "0")}`, i]));
const list = (n, v) => Array.from({ length: n }, () => v);
const bytes = (n) => Buffer.from(Array.from({ length: n }, (_, i) => i & 255));

// The keys of objects are in order, which is how Go writes them.
const values = [
  null, true, false, "", "a", "é€😀", "\u0000\u001f\u007f", "x".repeat(31), "x".repeat(32), "é".repeat(16), "x".repeat(255), "x".repeat(256),
  "x".repeat(65535), "x".repeat(65536), "\u2028 \"quoted\" \\",
  0, 1, 127, 128, 255, 256, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 60, 2 ** 63,
  -1, -32, -33, -127, -128, -129, -32768, -32769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 32), -(2 ** 53) + 1, -(2 ** 60), -(2 ** 63),
  0.1, -0.5, 1.5, 1e-7, 5e-324, 123456.789, NaN, Infinity, -Infinity, -0,
  [], [[]], [1, "two", null, [true]], list(15, 0), list(16, 0), list(65535, 1), list(65536, 1),
  {}, { a: 1 }, { a: { b: { c: [] } } }, { __proto__x: 1, constructor: 2 }, keys(15), keys(16), keys(70000),
  bytes(0), bytes(1), bytes(255), bytes(256), bytes(65535), bytes(65536), { name: "a", pixels: bytes(3) },
  new Date(0), new Date(1700000000123), new Date(-1), new Date(-62135596800000), new Date(8640000000000000), [new Date(1)],
  new Uint8Array([1, 2, 3]), new Uint8Array([1, 2, 3]).buffer, new Float32Array([1.5]), new ArrayBuffer(0), new ArrayBuffer(256), new ArrayBuffer(65536),
  undefined, [undefined], { a: undefined, b: 1 }, { toJSON: () => ({ from: "toJSON" }) },
];

const packets = [
  { type: 0, nsp: "/" },
  { type: 0, nsp: "/", data: undefined },
  { type: 0, nsp: "/admin", data: { token: "123" } },
  { type: 0, nsp: "/", data: { sid: "abc", pid: undefined } },
  { type: 0, nsp: "/", data: { pid: "def", sid: "abc" } },
  { type: 1, nsp: "/" },
  { type: 1, nsp: "/admin" },
  { type: 2, nsp: "/", data: ["foo"] },
  { type: 2, nsp: "/admin", data: ["bar", 1] },
  { type: 2, nsp: "/", data: ["foo"], id: 12 },
  { type: 2, data: ["foo"], nsp: "/", options: { compress: true } },
  { id: 3, options: {}, type: 2, nsp: "/é", data: [1, "a"] },
  { type: 3, nsp: "/", data: [], id: 0 },
  { type: 3, nsp: "/admin", data: ["ok", bytes(2)], id: 2 ** 40 },
  { type: 4, nsp: "/", data: { data: { a: 1 }, message: "no" } },
  { type: 4, nsp: "/", data: "no" },
  ...values.map((v) => ({ type: 2, nsp: "/", data: ["value", v] })),
];

// Large packets are written as their length and a sum, which the test computes too.
function fnv(b) {
  let h = 0x811c9dc5;
  for (const x of b) h = Math.imul(h ^ x, 0x01000193) >>> 0;
  return h;
}

const encoded = packets.map((p) => {
  const wire = new Encoder().encode(p)[0];
  if (wire.length <= 1024) return { packet: note(p), wire: wire.toString("hex") };
  const value = p.data[1];
  return { make: describe(value), length: wire.length, fnv: fnv(wire) };
});

// describe says how to make a large value of the table above.
function describe(v) {
  if (typeof v === "string") return { of: "string", n: v.length };
  if (Buffer.isBuffer(v)) return { of: "bytes", n: v.length };
  if (v instanceof ArrayBuffer) return { of: "buffer", n: v.byteLength };
  if (Array.isArray(v)) return { of: "array", n: v.length };
  return { of: "map", n: Object.keys(v).length };
}

// A small generator, so that the bytes are the same on every run.
let state = 1;
function random(n) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
}

function mutate(wire) {
  const b = [...wire];
  for (let i = 1 + random(3); i > 0; i--) {
    const at = random(b.length);
    switch (random(5)) {
      case 0: b[at] = random(256); break;
      case 1: b[at] = 0xc0 + random(32); break;
      case 2: b.splice(at, 1 + random(3)); break;
      case 3: b.splice(at, 0, ...Array.from({ length: 1 + random(4) }, () => random(256))); break;
      default: b.splice(at, 1, b[random(b.length)] ?? 0);
    }
    if (b.length === 0) break;
  }
  return Buffer.from(b);
}

const seeds = packets.map((p) => new Encoder().encode(p)[0]).filter((b) => b.length < 60);
const inputs = new Map();
const add = (b) => inputs.set(b.toString("hex"), b);
// What clients in other languages send.
for (const type of [0, 1]) add(new Encoder().encode({ type, nsp: "/", data: null })[0]);
for (const b of seeds) {
  add(b);
  for (let n = 0; n < b.length; n += 3) add(b.subarray(0, n));
}
for (let first = 0; first < 256; first++) { // every head, alone and as an argument
  add(Buffer.from([first]));
  add(Buffer.concat([Buffer.from([0x83]), new Encoder().encode({ type: 2, nsp: "/" })[0].subarray(1),
    Buffer.from("a46461746192a165", "hex"), Buffer.from([first, 1, 0, 2, 0xa1, 0x61, 0x03, 0, 0, 0, 0, 0])]));
}
// wellFormed returns a value in any of the forms the format has, not only the shortest.
function wellFormed(depth) {
  const size = (n) => Array.from({ length: n }, () => random(256));
  const text = () => ["", "a", "e", "data", "é", "connect"][random(6)];
  const str = () => {
    const b = [...Buffer.from(text())];
    return [[0xa0 | b.length], [0xd9, b.length], [0xda, 0, b.length], [0xdb, 0, 0, 0, b.length]][random(4)].concat(b);
  };
  const n = random(4);
  const bin = size(n);
  switch (random(depth > 0 ? 12 : 10)) {
    case 0: return [0xc0 + 2 * random(2)];
    case 1: return [0xc3];
    case 2: return [random(128)];
    case 3: return [0xe0 + random(32)];
    case 4: return str();
    case 5: return [[0xc4, n], [0xc5, 0, n], [0xc6, 0, 0, 0, n]][random(3)].concat(bin);
    case 6: return [[0xc7, n, 0], [0xc8, 0, n, 0], [0xc9, 0, 0, 0, n, random(3)]][random(3)].concat(bin);
    case 7: return [[0xd4, random(2), 0], [0xd5, 0, 1, 2], [0xd6, 0, ...size(4)], [0xd7, 0, 0, 0, ...size(6)], [0xd7, 0, 0xff, 0xff, ...size(6)]][random(5)];
    case 8: return [[0xca, ...size(4)], [0xcb, ...size(8)]][random(2)];
    case 9: { const form = random(4); return [0xcc + 4 * random(2) + form, ...size(1 << form)]; }
    case 10: {
      const head = [[0x90 | n], [0xdc, 0, n], [0xdd, 0, 0, 0, n]][random(3)];
      return head.concat(...Array.from({ length: n }, () => wellFormed(depth - 1)));
    }
    default: {
      const head = [[0x80 | n], [0xde, 0, n], [0xdf, 0, 0, 0, n]][random(3)];
      return head.concat(...Array.from({ length: n }, () => [...(random(8) ? str() : [random(128)]), ...wellFormed(depth - 1)]));
    }
  }
}

// wellFormedPacket returns a packet whose members are mostly what they should be.
function wellFormedPacket() {
  const ascii = (s) => [0xa0 | s.length, ...Buffer.from(s)];
  const odd = (usual) => (random(12) ? usual : wellFormed(2));
  const args = Array.from({ length: random(4) }, () => wellFormed(3));
  const members = [
    [...ascii("type"), ...odd([2 + random(2)])],
    [...ascii("nsp"), ...odd(ascii("/a"))],
    [...ascii("data"), ...odd([0x91 + args.length, ...ascii("e"), ...args.flat()])],
  ];
  if (random(2)) members.push([...ascii("id"), ...odd([random(128)])]);
  if (random(3) === 0) members.push([...ascii("options"), ...wellFormed(2)]);
  if (random(2)) members.reverse();
  return Buffer.from([0x80 | members.length, ...members.flat()]);
}

while (inputs.size < 2500) add(wellFormedPacket());
while (inputs.size < 4000) add(mutate(seeds[random(seeds.length)]));

const decoded = [...inputs.values()].map((wire) => {
  const entry = { wire: wire.toString("hex") };
  try {
    const decoder = new Decoder();
    decoder.on("decoded", (p) => { entry.packet = note(p); });
    decoder.add(wire);
  } catch (err) {
    delete entry.packet;
    entry.error = err.message;
  }
  return entry;
});

mkdirSync(out, { recursive: true });
for (const [name, entries] of Object.entries({ encode: encoded, decode: decoded })) {
  writeFileSync(new URL(`${name}.json`, out), `[\n${entries.map((e) => JSON.stringify(e)).join(",\n")}\n]\n`);
}
console.log(`${encoded.length} packets and ${decoded.length} messages written to ${fileURLToPath(out)}`);
