// SPDX-License-Identifier: MIT

// This file tests Engine.IO packets and polling payloads.

import assert from "node:assert/strict";
import { test } from "node:test";
import { platform as browser } from "../platform/browser.ts";
import { platform as node } from "../platform/node.ts";
import { parseHandshake } from "./handshake.ts";
import { decodeText, encodeText, readBlobs, type EnginePacket } from "./packet.ts";
import { batchLength, decodePayload, encodePayload, utf8Length } from "./payload.ts";

test("packets as text", () => {
  assert.equal(encodeText({ type: "ping", data: "probe" }), "2probe");
  assert.equal(encodeText({ type: "upgrade" }), "5");
  assert.equal(encodeText({ type: "message", data: "" }), "4");
  assert.equal(encodeText({ type: "message", data: Uint8Array.of(1, 2, 3, 4) }), "bAQIDBA==");
  assert.equal(encodeText({ type: "message", data: Uint8Array.of(0, 1, 2, 3, 4, 9).subarray(1, 5) }), "bAQIDBA==");
  assert.deepEqual(decodeText("4"), { type: "message" });
  assert.deepEqual(decodeText("4hello"), { type: "message", data: "hello" });
  assert.deepEqual(decodeText("6"), { type: "noop" });
  assert.deepEqual(decodeText("bAQIDBA=="), { type: "message", data: Buffer.from([1, 2, 3, 4]) });
});

test("what is no packet", () => {
  for (const text of ["", "7", "9x", "x", "a", " 4", "-1", "é"]) assert.equal(decodeText(text), undefined, text);
});

test("payloads", () => {
  const packets: EnginePacket<string | Uint8Array>[] = [
    { type: "message", data: "héllo" },
    { type: "message", data: Uint8Array.of(1, 2, 3, 4) },
    { type: "pong" },
  ];
  const body = encodePayload(packets);
  assert.equal(body, "4héllo\x1ebAQIDBA==\x1e3");
  const got: EnginePacket[] = [];
  assert.equal(decodePayload(body, (p) => got.push(p) > 0), true);
  assert.deepEqual(got, [packets[0], { type: "message", data: Buffer.from([1, 2, 3, 4]) }, packets[2]]);
});

test("a payload is read up to the first thing that is no packet, or until told", () => {
  for (const [body, want, valid] of [
    ["4a\x1ex\x1e4b", ["a"], false],
    ["4a\x1e", ["a"], false],
    ["", [], false],
    ["4a\x1e4stop\x1e4b", ["a", "stop"], true],
  ] as const) {
    const got: unknown[] = [];
    assert.equal(
      decodePayload(body, (p) => got.push(p.data) > 0 && p.data !== "stop"),
      valid,
      body,
    );
    assert.deepEqual(got, want);
  }
});

test("UTF-8 lengths", () => {
  for (const text of ["", "abc", "é", "€", "😀", "a😀b€", "\ud800", "\udc00x", "\ud83d\ud83d\ude00"]) {
    assert.equal(utf8Length(text), Buffer.byteLength(text), JSON.stringify(text));
  }
});

test("a batch fills the limit exactly and never passes it", () => {
  const queue: EnginePacket<string | Uint8Array>[] = [
    { type: "message", data: "€".repeat(3) },
    { type: "message", data: new Uint8Array(4) },
    { type: "pong" },
    { type: "message", data: "x".repeat(50) },
  ];
  for (let max = 1; max < 100; max++) {
    const n = batchLength(queue, max);
    const size = (k: number): number => Buffer.byteLength(encodePayload(queue.slice(0, k)));
    assert.ok(n === 1 || size(n) <= max, `${n} for ${max}`);
    assert.ok(n === queue.length || size(n + 1) > max, `${n} is not the most for ${max}`);
  }
  assert.equal(batchLength(queue, Infinity), 4);
});

test("Blobs are read in their place; without any nothing waits", async () => {
  const plain: EnginePacket<string>[] = [{ type: "message", data: "a" }];
  assert.equal(readBlobs(plain), plain);
  const list = await readBlobs([...plain, { type: "message", data: new Blob(["hi"]) }]);
  assert.deepEqual(list.map((p) => p.data), ["a", new TextEncoder().encode("hi").buffer]);
});

test("base64 is the same in a browser and in Node", () => {
  for (const length of [0, 1, 2, 3, 0x2000, 0x2001, 100_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) & 255);
    const text = browser.encodeBase64(bytes);
    assert.equal(text, node.encodeBase64(bytes));
    assert.deepEqual(Buffer.from(browser.decodeBase64(text) as ArrayBuffer), node.decodeBase64(text));
  }
  assert.equal(browser.decodeBase64("%%%"), undefined);
});

test("handshakes", () => {
  const good = { sid: "x", upgrades: ["websocket"], pingInterval: 25000, pingTimeout: 20000, maxPayload: 1000000 };
  assert.deepEqual(parseHandshake(JSON.stringify(good)), good);
  assert.equal(parseHandshake(JSON.stringify({ ...good, maxPayload: undefined }))!.maxPayload, Infinity);
  assert.deepEqual(parseHandshake(JSON.stringify({ ...good, upgrades: "no" }))!.upgrades, []);
  for (const bad of [undefined, "", "{", "null", "[]", "1", '{"sid":1}']) assert.equal(parseHandshake(bad), undefined);
  for (const change of [{ sid: "" }, { sid: {} }, { pingInterval: "1" }, { pingTimeout: -1 }, { pingTimeout: null }]) {
    assert.equal(parseHandshake(JSON.stringify({ ...good, ...change })), undefined, JSON.stringify(change));
  }
});

test("the cookie jar keeps, replaces, removes and has a bound", () => {
  const jar = node.newCookieJar()!;
  const store = (...lines: string[]): void => jar.store(new Headers(lines.map((l) => ["set-cookie", l])));
  store("a=1; Path=/; HttpOnly", "b=x=y", "=bad", "bad");
  assert.equal(jar.header(), "a=1; b=x=y");
  store("a=2", "b=; Max-Age=0");
  assert.equal(jar.header(), "a=2");
  store("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
  assert.equal(jar.header(), "");
  store(...Array.from({ length: 100 }, (_, i) => `c${i}=1`));
  assert.equal(jar.header().split("; ").length, 64);
});
