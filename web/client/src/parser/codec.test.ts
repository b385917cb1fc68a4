// SPDX-License-Identifier: MIT

// This file tests Socket.IO packets to and from messages, and everything a decoder must refuse.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Decoder } from "./decode.ts";
import { encodePacket } from "./encode.ts";
import { PacketType, type Packet } from "./packet.ts";

function encode(data: unknown, rest: Partial<Packet> = {}): unknown[] {
  return encodePacket({ type: PacketType.EVENT, nsp: "/", data, ...rest });
}

test("packets without bytes", () => {
  assert.deepEqual(encodePacket({ type: PacketType.CONNECT, nsp: "/" }), ["0"]);
  assert.deepEqual(encodePacket({ type: PacketType.CONNECT, nsp: "/admin", data: { token: "1" } }), ['0/admin,{"token":"1"}']);
  assert.deepEqual(encodePacket({ type: PacketType.DISCONNECT, nsp: "/admin" }), ["1/admin,"]);
  assert.deepEqual(encode(["foo"]), ['2["foo"]']);
  assert.deepEqual(encode(["foo", 1], { nsp: "/admin", id: 12 }), ['2/admin,12["foo",1]']);
  assert.deepEqual(encode(["foo"], { id: 0 }), ['20["foo"]']);
  assert.deepEqual(encode([], { type: PacketType.ACK, id: 7, nsp: "/admin" }), ["3/admin,7[]"]);
  assert.deepEqual(encode(["d", new Date(0), [undefined, NaN], new Map()]), [
    '2["d","1970-01-01T00:00:00.000Z",[null,null],{}]',
  ]);
});

test("bytes become attachments, depth first, and what was given stays as it is", () => {
  const [a, b] = [Uint8Array.of(1), Uint8Array.of(2).buffer];
  const data = ["baz", { x: [a], y: b }, a];
  assert.deepEqual(encode(data, { nsp: "/admin", id: 13 }), [
    '53-/admin,13["baz",{"x":[{"_placeholder":true,"num":0}],"y":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":2}]',
    a,
    b,
    a,
  ]);
  assert.deepEqual(data, ["baz", { x: [a], y: b }, a]);
  const blob = new Blob(["x"]);
  assert.deepEqual(encode([blob], { type: PacketType.ACK, id: 1 }), ['61-1[{"_placeholder":true,"num":0}]', blob]);
  const buffer = Buffer.from("x");
  assert.deepEqual(encode(["b", buffer]), ['51-["b",{"_placeholder":true,"num":0}]', buffer], "not its toJSON");
  assert.deepEqual(encodePacket({ type: PacketType.CONNECT, nsp: "/", data: { b: buffer } }), [
    '0{"b":{"type":"Buffer","data":[120]}}',
  ]);
});

test("toJSON is called once and its result searched", () => {
  const bytes = Uint8Array.of(9);
  let calls = 0;
  const value = { toJSON: () => (calls++, { inner: bytes }) };
  assert.deepEqual(encode(["j", value]), ['51-["j",{"inner":{"_placeholder":true,"num":0}}]', bytes]);
  assert.equal(calls, 1);
  assert.deepEqual(encode(["j", { toJSON: () => bytes }]), ['51-["j",{"_placeholder":true,"num":0}]', bytes]);
  assert.deepEqual(encode(["j", { toJSON: () => "text" }]), ['2["j","text"]']);
});

test("deep data works, a cycle is a TypeError", () => {
  const bytes = Uint8Array.of(1);
  let deep: unknown = bytes;
  for (let i = 0; i < 500; i++) deep = [deep];
  assert.equal(encode(["deep", deep]).length, 2);
  const cycle: unknown[] = ["c"];
  cycle.push(cycle);
  assert.throws(() => encode(cycle), TypeError);
});

function decode(...messages: (string | Uint8Array)[]): Packet | undefined {
  const decoder = new Decoder();
  let packet: Packet | undefined;
  decoder.on("decoded", (p) => (packet = p));
  for (const m of messages) decoder.add(m);
  return packet;
}

test("decodes what is valid", () => {
  const { CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR } = {
    CONNECT: PacketType.CONNECT,
    DISCONNECT: PacketType.DISCONNECT,
    EVENT: PacketType.EVENT,
    ACK: PacketType.ACK,
    CONNECT_ERROR: PacketType.CONNECT_ERROR,
  };
  const cases: [string, Packet][] = [
    ["0", { type: CONNECT, nsp: "/" }],
    ['0/admin,{"sid":"x"}', { type: CONNECT, nsp: "/admin", data: { sid: "x" } }],
    ["0/admin", { type: CONNECT, nsp: "/admin" }],
    ["1/admin,", { type: DISCONNECT, nsp: "/admin" }],
    ['2["foo"]', { type: EVENT, nsp: "/", data: ["foo"] }],
    ['2[1,"a"]', { type: EVENT, nsp: "/", data: [1, "a"] }],
    ['2007["e"]', { type: EVENT, nsp: "/", id: 7, data: ["e"] }],
    ['2/a-b,7["q"]', { type: EVENT, nsp: "/a-b", id: 7, data: ["q"] }],
    ["3/admin,7[]", { type: ACK, nsp: "/admin", id: 7, data: [] }],
    ['4{"message":"no"}', { type: CONNECT_ERROR, nsp: "/", data: { message: "no" } }],
    ['4"no"', { type: CONNECT_ERROR, nsp: "/", data: "no" }],
    ['2["error"]', { type: EVENT, nsp: "/", data: ["error"] }],
  ];
  for (const [text, want] of cases) assert.deepEqual(decode(text), want, text);
});

test("puts attachments back, wherever they are", () => {
  const [a, b] = [Uint8Array.of(1), Uint8Array.of(2)];
  const ph = (n: number): string => `{"_placeholder":true,"num":${n}}`;
  assert.equal(decode(`52-["x",${ph(0)},${ph(1)}]`, a), undefined);
  const packet = decode(`52-/admin,3["x",{"deep":[${ph(1)}],"__proto__":${ph(0)}}]`, a, b)!;
  assert.equal(packet.type, PacketType.EVENT);
  assert.equal(packet.id, 3);
  const got = (packet.data as [string, Record<string, unknown>])[1];
  assert.deepEqual(got["deep"], [b]);
  assert.deepEqual(Object.entries(got).find(([key]) => key === "__proto__"), ["__proto__", a]);
  assert.equal(Object.getPrototypeOf(got), Object.prototype);
  assert.deepEqual(decode(`61-1[${ph(0)}]`, a), { type: PacketType.ACK, nsp: "/", id: 1, data: [a] });
});

test("refuses what is not, in the words of the reference", () => {
  const bytes = Uint8Array.of(1);
  const ph = (num: unknown): string => `{"_placeholder":true,"num":${JSON.stringify(num)}}`;
  const cases: [string, ...(string | Uint8Array)[]][] = [
    ["unknown packet type 7", "7"],
    ["unknown packet type 9", '9["x"]'],
    ["unknown packet type NaN", "x"],
    ["unknown packet type NaN", ""],
    ["unknown packet type NaN", " 2"],
    ["Illegal attachments", '5["x"]'],
    ["Illegal attachments", '51["x"]'],
    ["Illegal attachments", '5-["x"]'],
    ["Illegal attachments", '50-["x"]'],
    ["Illegal attachments", "5"],
    ["Illegal attachments", '5x1-["x"]'],
    ["Illegal attachments", "6"],
    ["too many attachments", '511-["x"]'],
    ["too many attachments", '599999999999999999999-["x"]'],
    ["invalid payload", "2"],
    ["invalid payload", "2[]"],
    ["invalid payload", "2{}"],
    ["invalid payload", '2"x"'],
    ["invalid payload", "2[{}]"],
    ["invalid payload", "2[null]"],
    ["invalid payload", '2["connect"]'],
    ["invalid payload", '2["connect_error"]'],
    ["invalid payload", '2["disconnect"]'],
    ["invalid payload", '2["disconnecting"]'],
    ["invalid payload", '2["newListener"]'],
    ["invalid payload", '2["removeListener"]'],
    ["invalid payload", '2["x"'],
    ["invalid payload", '2-1["x"]'],
    ["invalid payload", '2["x"]y'],
    ["invalid payload", '299999999999999999999["x"]'],
    ["invalid payload", "0[]"],
    ["invalid payload", "0null"],
    ["invalid payload", '0"x"'],
    ["invalid payload", "1{}"],
    ["invalid payload", "3"],
    ["invalid payload", "31{}"],
    ["invalid payload", "4"],
    ["invalid payload", "41"],
    ["invalid payload", "4[]"],
    ["invalid payload", '51-["disconnect"]'],
    ["got binary data when not reconstructing a packet", bytes],
    ["got plaintext data when reconstructing a packet", `51-["x",${ph(0)}]`, '2["y"]'],
    ["illegal attachments", `51-["x",${ph("0")}]`, bytes],
    ["illegal attachments", `51-["x",${ph("splice")}]`, bytes],
    ["illegal attachments", `51-["x",${ph("length")}]`, bytes],
    ["illegal attachments", `51-["x",${ph(1)}]`, bytes],
    ["illegal attachments", `51-["x",${ph(-1)}]`, bytes],
    ["illegal attachments", `51-["x",${ph(0.5)}]`, bytes],
    ["illegal attachments", `51-["x",${ph(null)}]`, bytes],
    ["illegal attachments", '51-["x",{"_placeholder":true}]', bytes],
    ["illegal attachments", `51-["x",${ph(0)},${ph(0)}]`, bytes],
    ["illegal attachments", '51-["x"]', bytes],
  ];
  for (const [message, ...messages] of cases) {
    assert.throws(() => decode(...messages), { message }, JSON.stringify(messages));
  }
  assert.throws(() => new Decoder().add(3 as never), { message: "Unknown type: number" });
});

test("a limit on attachments may be given", () => {
  assert.throws(() => new Decoder(1).add('52-["x"]'), { message: "too many attachments" });
});

test("data nested without end is an error, not a crash", () => {
  const depth = 200_000;
  assert.throws(() => decode(`51-["x",${"[".repeat(depth)}${"]".repeat(depth)}]`, Uint8Array.of(1)));
});

test("what is encoded is decoded", () => {
  const values = [null, true, 1.5, "é😀", [], {}, { a: [1, { b: Buffer.from([1, 2]) }] }, Buffer.alloc(0)];
  for (const value of values) {
    const messages = encodePacket({ type: PacketType.EVENT, nsp: "/n", id: 5, data: ["e", value] });
    const packet = decode(...(messages as (string | Uint8Array)[]))!;
    assert.deepEqual(packet, { type: PacketType.EVENT, nsp: "/n", id: 5, data: ["e", value] });
  }
});
