// SPDX-License-Identifier: MIT

// This file tests the msgpack format against npm socket.io-msgpack-parser: what we write, byte by byte; what it makes of
// that, in its forms for Node and for browsers; and what we make of what it writes.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { inspect } from "node:util";
import { parser } from "./msgpack.ts";
import { decode } from "./msgpack_decode.ts";
import { encode } from "./msgpack_encode.ts";
import type { Parser, ParserPacket } from "./parser.ts";

const require = createRequire(import.meta.url);
const npm = require("socket.io-msgpack-parser") as Parser;
const browser = {
  encode: require("notepack.io/browser/encode.js") as (value: unknown) => ArrayBuffer,
  decode: require("notepack.io/browser/decode.js") as (bytes: ArrayBuffer) => unknown,
};

const EVENT = { type: 2, nsp: "/" };
const hex = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString("hex");
const unhex = (text: string): Buffer => Buffer.from(text.replace(/ /g, ""), "hex");

function pack(p: Parser, packet: ParserPacket): Uint8Array {
  const messages = new p.Encoder().encode(packet);
  assert.equal(messages.length, 1);
  return messages[0] as Uint8Array;
}

function unpack(p: Parser, message: string | Uint8Array): ParserPacket {
  const packets: ParserPacket[] = [];
  const decoder = new p.Decoder();
  decoder.on("decoded", (packet) => packets.push(packet));
  decoder.add(message);
  assert.equal(packets.length, 1);
  decoder.destroy();
  return packets[0]!;
}

/** What has no bytes but Buffers is the same in both, byte by byte. */
const same: unknown[] = [
  ...[null, undefined, true, false],
  ...["", "a", "\ufeffa", "é€😀", "\0", "x".repeat(31), "x".repeat(32), "é".repeat(16), "x".repeat(255), "x".repeat(256)],
  ...["x".repeat(65535), "x".repeat(65536)],
  ...[0, -0, 1, 127, 128, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64 - 2048],
  ...[-1, -32, -33, -128, -129, -32768, -32769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 32), -(2 ** 53), -(2 ** 63)],
  ...[0.5, -0.1, 1e-7, 5e-324, NaN, Infinity, -Infinity],
  ...[[], [[]], [1, "two", null, [undefined]], Array(15).fill(0), Array(16).fill(0), Array(65535).fill(1), Array(65536).fill(1)],
  ...[{}, { a: 1 }, { a: { b: { c: [] } } }, { a: undefined, f: () => 1, b: 2 }, { constructor: 1, toString: 2, length: 3 }],
  ...[keys(15), keys(16), keys(65535), keys(65536)],
  ...[new Date(0), new Date(1700000000123), new Date(-1), new Date(-62135596800000), new Date(8.64e15), new Date(NaN)],
  ...[Buffer.alloc(0), Buffer.alloc(1), Buffer.alloc(255, 7), Buffer.alloc(256, 7), Buffer.alloc(65535), Buffer.alloc(65536, 9)],
  ...[{ toJSON: () => ({ a: [{ toJSON: () => "deep" }] }) }, new Map([[1, 2]])],
];

function keys(n: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: n }, (_, i) => ["k" + i, i]));
}

test("values have the reference's bytes, and are read alike", () => {
  for (const value of same) {
    const packet = { ...EVENT, data: ["value", value] };
    const wire = pack(npm, packet);
    assert.ok(Buffer.from(pack(parser, packet)).equals(wire), inspect(value).slice(0, 80));
    assert.deepEqual(unpack(parser, wire), unpack(npm, wire));
  }
});

test("packets have the reference's bytes", () => {
  const packets: ParserPacket[] = [
    { type: 0, nsp: "/" },
    { type: 0, nsp: "/admin", data: { token: "1", b: Buffer.from("x") } },
    { type: 1, nsp: "/admin" },
    { type: 2, nsp: "/", data: ["foo"], id: 0 },
    { type: 2, nsp: "/é", data: [7, "x"], id: 2 ** 40 },
    { type: 3, nsp: "/", data: [], id: 12 },
    { type: 4, nsp: "/", data: { message: "no", data: { code: 1 } } },
    { type: 4, nsp: "/", data: "no" },
  ];
  for (const packet of packets) {
    const wire = pack(npm, packet);
    assert.equal(hex(pack(parser, packet)), hex(wire));
    assert.deepEqual(unpack(parser, wire), packet);
    assert.deepEqual(unpack(npm, Buffer.from(pack(parser, packet))), packet);
  }
  const extra = { ...EVENT, data: ["foo"], options: { compress: true } };
  assert.deepEqual(unpack(parser, pack(npm, extra)).data, ["foo"], "what the reference adds does no harm");
});

test("random values, there and back", () => {
  // A generator of its own, so that a failure comes again.
  let state = 20240607;
  const random = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const text = (): string => Array.from({ length: random(40) }, () => "aé€😀\u0000z"[random(7)]).join("").replace(/[\ud800-\udfff]/g, "");
  const value = (depth: number): unknown => {
    switch (random(depth ? 11 : 8)) {
      case 0:
        return [null, undefined, true, false][random(4)];
      case 1:
        return text();
      case 2:
        return random(2) ? random(300) : 0 - random(300);
      case 3:
        return Math.floor((random(2) ? 1 : -1) * 2 ** random(63) * (1 + random(1000) / 1000));
      case 4:
        return (random(2 ** 30) - 2 ** 29) / (1 + random(1000));
      case 5:
        return Buffer.from(text());
      case 6:
        return new Date((random(2 ** 30) - 2 ** 29) * (1 + random(2 ** 20)));
      case 7:
        return text() + "😀".repeat(random(9));
      case 8:
      case 9:
        return Array.from({ length: random(20) }, () => value(depth - 1));
      default:
        return Object.fromEntries(Array.from({ length: random(20) }, () => ["k" + text(), value(depth - 1)]));
    }
  };
  for (let i = 0; i < 2000; i++) {
    const packet = { ...EVENT, nsp: "/" + i, data: ["random", value(4)], id: random(1000) };
    const wire = pack(parser, packet);
    assert.equal(hex(wire), hex(pack(npm, packet)));
    assert.deepEqual(unpack(parser, wire), packet);
    assert.deepEqual(unpack(npm, Buffer.from(wire)), packet);
  }
});

test("bytes of all kinds are binary data, each view its own part", () => {
  const all = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7);
  for (const [value, want] of [
    [all, "0001020304050607"],
    [all.buffer, "0001020304050607"],
    [all.subarray(2, 4), "0203"],
    [new DataView(all.buffer, 6), "0607"],
    [new Uint16Array(all.buffer, 4, 1), "0405"],
    [new ArrayBuffer(0), ""],
  ] as const) {
    const wire = encode([value]) as Uint8Array<ArrayBuffer>;
    assert.equal(hex(wire), "91c4" + hex([want.length / 2]) + want);
    const [got] = decode(wire) as [Buffer];
    assert.ok(Buffer.isBuffer(got));
    assert.equal(got.toString("hex"), want);
    assert.equal(hex(new Uint8Array((browser.decode(wire.buffer) as [ArrayBuffer])[0])), want);
  }
  const wire = encode([all]) as Uint8Array;
  const [got] = decode(wire) as [Buffer];
  wire.fill(9);
  assert.equal(got[3], 3, "what was received is a copy");
});

test("reads what the reference writes of bytes: an extension in Node, binary data in browsers", () => {
  for (const size of [0, 1, 2, 4, 8, 16, 255, 256, 65536]) {
    const bytes = new Uint8Array(size).fill(5);
    for (const value of [bytes, bytes.buffer]) {
      const packet = unpack(parser, pack(npm, { ...EVENT, data: ["b", value] }));
      const [, got] = packet.data as [string, ArrayBuffer];
      assert.ok(got instanceof ArrayBuffer);
      assert.deepEqual(new Uint8Array(got), bytes);
    }
    const [got] = decode(new Uint8Array(browser.encode([bytes.buffer]))) as [Buffer];
    assert.deepEqual(new Uint8Array(got), bytes);
  }
});

test("a Blob makes the message a Blob", async () => {
  const value = ["b", new Blob(["abc"]), { f: new File(["é".repeat(200)], "f") }, 1];
  const [message] = new parser.Encoder().encode({ ...EVENT, data: value });
  assert.ok(message instanceof Blob);
  const packet = unpack(npm, Buffer.from(await message.arrayBuffer()));
  assert.deepEqual(packet, { ...EVENT, data: ["b", Buffer.from("abc"), { f: Buffer.from("é".repeat(200)) }, 1] });
});

test("reads every form, not only the shortest", () => {
  const cases: [string, unknown][] = [
    ["cc 05", 5],
    ["cf 00000001 00000002", 2 ** 32 + 2],
    ["d0 ff", -1],
    ["d2 ffffffff", -1],
    ["d3 ffffffff ffffffff", -1],
    ["ca 3fc00000", 1.5],
    ["d9 01 61", "a"],
    ["da 0001 61", "a"],
    ["db 00000001 61", "a"],
    ["dc 0001 c0", [null]],
    ["dd 00000001 c0", [null]],
    ["de 0001 a161 01", { a: 1 }],
    ["df 00000001 07 01", { 7: 1 }],
    ["82 a161 01 a161 02", { a: 2 }],
    ["c6 00000001 09", Buffer.of(9)],
    ["d4 01 09", [1, Buffer.of(9)]],
    ["d4 00 09", undefined],
    ["d5 00 0102", [0, Buffer.of(1, 2)]],
    ["d6 ff 01020304", [-1, Buffer.of(1, 2, 3, 4)]],
    ["d8 05 " + "01".repeat(16), [5, Buffer.alloc(16, 1)]],
    ["c7 01 05 09", [5, Buffer.of(9)]],
    ["d7 00 ffffffff ffffffff", new Date(-1)],
    ["a2 ff61", "\ufffda"],
  ];
  for (const [wire, want] of cases) assert.deepEqual(decode(unhex(wire)), want, wire);
});

test("refuses what is no packet, in the words of the reference", () => {
  const type = "a474797065 ";
  const nsp = "a36e7370 a12f ";
  const data = "a464617461 ";
  const cases: [string, string][] = [
    ["Could not parse", ""],
    ["Could not parse", "c1"],
    ["Could not parse", "a5 61"],
    ["Could not parse", "c4 05 01"],
    ["Could not parse", "cb 00"],
    ["Could not parse", "dd ffffffff"],
    ["Could not parse", "df ffffffff"],
    ["Could not parse", "82 a474"],
    ["1 trailing bytes", `82 ${type} 00 ${nsp} c0`],
    ["invalid packet type", "c0"],
    ["invalid packet type", "90"],
    ["invalid packet type", "81" + nsp],
    ["invalid packet type", `82 ${type} 05 ${nsp}`],
    ["invalid packet type", `82 ${type} ff ${nsp}`],
    ["invalid packet type", `82 ${type} a130 ${nsp}`],
    ["invalid packet type", `82 ${type} cb3fe0000000000000 ${nsp}`],
    ["invalid namespace", `81 ${type} 00`],
    ["invalid namespace", `82 ${type} 00 a36e7370 05`],
    ["invalid payload", `83 ${type} 00 ${nsp} ${data} c0`],
    ["invalid payload", `83 ${type} 00 ${nsp} ${data} c400`],
    ["invalid payload", `83 ${type} 00 ${nsp} ${data} d700${"00".repeat(8)}`],
    ["invalid payload", `83 ${type} 01 ${nsp} ${data} 80`],
    ["invalid payload", `82 ${type} 02 ${nsp}`],
    ["invalid payload", `83 ${type} 02 ${nsp} ${data} 80`],
    ["invalid payload", `83 ${type} 03 ${nsp} ${data} a161`],
    ["invalid payload", `83 ${type} 04 ${nsp} ${data} 91c0`],
    ["invalid packet id", `84 ${type} 03 ${nsp} ${data} 90 a26964 c0`],
    ["invalid packet id", `84 ${type} 03 ${nsp} ${data} 90 a26964 a131`],
    ["invalid packet id", `84 ${type} 03 ${nsp} ${data} 90 a26964 cb3fe0000000000000`],
    // The reference calls the listeners of these, as if something had happened.
    ["invalid payload", `83 ${type} 02 ${nsp} ${data} 90`],
    ["invalid payload", `83 ${type} 02 ${nsp} ${data} 91 c0`],
    ["invalid payload", `83 ${type} 02 ${nsp} ${data} 91 a7${hex(Buffer.from("connect"))}`],
  ];
  for (const [message, wire] of cases) assert.throws(() => unpack(parser, unhex(wire)), { message }, wire);
  assert.throws(() => unpack(parser, '0{"sid":"x"}'), { message: "Could not parse" });
});

test("keys are data, and depth is an error, not a crash", () => {
  const own = decode(unhex("83 a9 5f5f70726f746f5f5f 81 a161 01 a8 746f537472696e67 02 a161 03")) as object;
  assert.deepEqual(Object.keys(own), ["__proto__", "toString", "a"]);
  assert.equal(Object.getPrototypeOf(own), Object.prototype);
  assert.equal(({} as { a?: unknown }).a, undefined);
  assert.throws(() => decode(Buffer.alloc(200_000, 0x91)), RangeError);
  const cycle: unknown[] = [];
  cycle.push(cycle);
  assert.throws(() => encode(cycle), RangeError);
});

test("what cannot be encoded throws", () => {
  for (const value of [BigInt(1), Symbol("s"), () => 1]) assert.throws(() => encode([value]), TypeError);
});

test("what the reference loses is kept", () => {
  assert.equal(hex(encode(2 ** 64)), "cb43f0000000000000", "as 0");
  assert.equal(hex(encode(-1e300)), "cbfe37e43c8800759c", "as an integer");
  assert.equal(hex(encode("\ud800a\ud800")), "a7efbfbd61efbfbd", "together with the next character");
});
