// SPDX-License-Identifier: MIT
// Values there and back: every JSON type, unicode, several arguments, odd event names, large strings.
import assert from "node:assert/strict";
import { client } from "../lib/clients.mjs";
import { scenario } from "../lib/scenario.mjs";
import { ask, call, event } from "../lib/wait.mjs";

const CONTROLS = Array.from({ length: 0x21 }, (_, code) => String.fromCharCode(code)).join("") + "\u007f\u0080\u009f";

const VALUES = {
  null: null,
  true: true,
  false: false,
  zero: 0,
  "a negative integer": -42,
  "the largest safe integer": Number.MAX_SAFE_INTEGER,
  "the smallest safe integer": Number.MIN_SAFE_INTEGER,
  "a fraction": 0.1,
  "a small number": 1e-7,
  "a large number": 1e21,
  "the largest number": Number.MAX_VALUE,
  "the smallest number": Number.MIN_VALUE,
  "an empty string": "",
  "a string": "hello",
  "markup": "<script>alert(\"1\") && '2'</script>",
  "an empty array": [],
  "an empty object": {},
  "nested arrays": [[[[]]], [1, [2, [3, [null, [true]]]]]],
  "nested objects": { a: { b: { c: { d: { e: [] }, "": null } } } },
  "a mix": [null, { list: [1, "two", { three: [3.5, false, {}] }] }, ""],
  "odd keys": JSON.parse('{"__proto__":1,"constructor":{"__proto__":[]},"toString":"x","":0,"a b":1,"\u00e9\\n":2}'),
  "a look-alike placeholder": { _placeholder: true, num: 0 },
  "a look-alike buffer": { type: "Buffer", data: [1, 2, 3] },
  "a hundred levels": nest(100),
  "ten thousand numbers": Array.from({ length: 10000 }, (_, i) => i),
};

const TEXTS = {
  accents: "àéîõü ßẞ œŒ ﬁ",
  scripts: "Ελληνικά русский עברית العربية हिन्दी 中文 日本語 한국어",
  emoji: "😀👍🏽👩‍👩‍👧‍👦🇫🇷🏴󠁧󠁢󠁥󠁮󠁧󠁿",
  "combining marks": "e\u0301 Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L",
  "control characters": CONTROLS,
  "line separators": "a\u2028b\u2029c\u0085d\ufeffe",
  "the payload separator": "a\u001eb\u001e4c",
  "quotes and backslashes": '"\\"\\\\"\\u0041\\n/\\/',
  "the ends of the planes": "\u0001\ud7ff\ue000\uffff\u{10000}\u{10ffff}",
  "nearly a packet": '42["x"],451-["y",{"_placeholder":true,"num":0}]',
};

scenario("echo of every JSON type", async (stage) => {
  const socket = await stage.connect();
  for (const [name, value] of Object.entries(VALUES)) {
    assert.deepEqual(await call(socket, "echo", value), [value], name);
    assert.deepEqual(await call(socket, "echo-raw", value), [value], `${name}, raw`);
  }
});

scenario("echo of every JSON type as an event", async (stage) => {
  const socket = await stage.connect();
  for (const [name, value] of Object.entries(VALUES)) {
    socket.emit("echo-event", value);
    assert.deepEqual(await event(socket, "echo-event"), [value], name);
  }
});

scenario("echo of unicode", async (stage) => {
  const socket = await stage.connect();
  for (const [name, text] of Object.entries(TEXTS)) {
    const value = { [text]: [text, text + text] };
    assert.deepEqual(await call(socket, "echo", text, value), [text, value], name);
    assert.deepEqual(await call(socket, "echo-raw", text, value), [text, value], `${name}, raw`);
  }
});

scenario("lone surrogates pass through raw", async (stage) => {
  const socket = await stage.connect();
  for (const text of ["\ud800", "a\udc00b", "\udc00\ud800", "\ud83d"]) {
    assert.equal(await ask(socket, "echo-raw", text), text);
  }
});

scenario("values that JSON cannot represent", async (stage) => {
  const socket = await stage.connect();
  const day = new Date(86400000);
  const sent = [undefined, NaN, -0, day, [undefined, Infinity], { gone: undefined, kept: 1 }];
  const want = [null, null, 0, day.toISOString(), [null, null], { kept: 1 }];
  assert.deepEqual(await call(socket, "echo", ...sent), want);
});

scenario("several arguments, and none", async (stage) => {
  const socket = await stage.connect();
  const many = [1, "2", [3], { four: 4 }, null, true, "", {}, [], 10.5];
  assert.deepEqual(await call(socket, "echo", ...many), many);
  assert.deepEqual(await call(socket, "echo-raw", ...many), many);
  assert.deepEqual(await call(socket, "echo"), []);
  assert.deepEqual(await call(socket, "echo-raw"), []);
  socket.emit("echo-event");
  assert.deepEqual(await event(socket, "echo-event"), []);
  socket.emit("message", ...many);
  assert.deepEqual(await event(socket, "message-back"), many);
  const numbers = Array.from({ length: 500 }, (_, i) => i);
  assert.deepEqual(await call(socket, "message-with-ack", ...numbers), numbers);
});

scenario("typed parameters", async (stage) => {
  const socket = await stage.connect();
  const sent = ["text é", 7, 2.5, true, Buffer.from([1, 2]), { name: "n", tags: ["a", "b"] }];
  assert.deepEqual(await call(socket, "typed", ...sent), sent);
});

scenario("a string of 900 KB", async (stage) => {
  const socket = await stage.connect();
  const text = "0123456789".repeat(90000);
  assert.equal(await ask(socket, "echo", text), text);
  assert.equal(await ask(socket, "echo-raw", text), text);
  const wide = client.text("é😀", stage.transport).repeat(150000);
  assert.equal(await ask(socket, "echo", wide), wide);
});

scenario("odd event names", async (stage) => {
  const socket = await stage.connect();
  for (const name of ["__proto__", "toString", "constructor", "hasOwnProperty", "", "error", "connection"]) {
    if (client.reservedEvents.includes(name)) continue;
    const echoed = event(socket, name);
    assert.deepEqual(await call(socket, name, 1, { two: 2 }), [name, 1, { two: 2 }], name);
    assert.deepEqual(await echoed, [1, { two: 2 }], name);
  }
});

scenario("numeric event names", async (stage) => {
  const socket = await stage.connect();
  for (const name of [1, 0, -1.5]) {
    const echoed = event(socket, String(name));
    assert.deepEqual(await call(socket, name, "a"), [String(name), "a"]);
    assert.deepEqual(await echoed, ["a"]);
  }
});

function nest(levels) {
  let value = "bottom";
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { in: value };
  return value;
}
