// SPDX-License-Identifier: MIT
// WebSocket: the handshake, frames of every kind, sizes at the limit, and how a connection ends.
import { BINARY, CLOSE, CONTINUATION, PING, TEXT, binary, close, frame, ping, pong, text } from "../lib/frames.mjs";
import { ENGINE_WS, KEY, get, group, hangUp, recv, send, untilEnd, wait, ws, wsAlive } from "../lib/steps.mjs";

const started = [ws(), recv(1)];
// Frames that are answered by `count`, and those after which we look whether it lives.
const echoed = (frames, count = 1) => [...started, send(...frames), recv(count), wsAlive()];
const sent = (...frames) => [...started, send(...frames), wsAlive()];
const ended = (...frames) => [...started, send(...frames), untilEnd()];
const part = (opcode, payload, options) => frame(opcode, payload, { fin: false, ...options });
const rest = (payload, options) => frame(CONTINUATION, payload, options);
const x = (count) => "x".repeat(count);

export default [
  ...group("websocket handshake", "plain", {
    "without a key": [ws(ENGINE_WS, { "Sec-WebSocket-Key": undefined })],
    "with an empty key": [ws(ENGINE_WS, { "Sec-WebSocket-Key": "" })],
    "with a short key": [ws(ENGINE_WS, { "Sec-WebSocket-Key": "c2hvcnQ=" })],
    "with a long key": [ws(ENGINE_WS, { "Sec-WebSocket-Key": `${KEY}${KEY}` })],
    "with a key that is no base64": [ws(ENGINE_WS, { "Sec-WebSocket-Key": "!!!!!!!!!!!!!!!!!!!!!!!!" })],
    "with two keys": [ws(ENGINE_WS, { "Sec-WebSocket-Key": [KEY, KEY] })],
    "without a version": [ws(ENGINE_WS, { "Sec-WebSocket-Version": undefined })],
    "version 12": [ws(ENGINE_WS, { "Sec-WebSocket-Version": "12" })],
    "version 14": [ws(ENGINE_WS, { "Sec-WebSocket-Version": "14" })],
    "version 8": [ws(ENGINE_WS, { "Sec-WebSocket-Version": "8" }), wsAlive()],
    "version 13, 12": [ws(ENGINE_WS, { "Sec-WebSocket-Version": "13, 12" })],
    "Upgrade in capitals": [ws(ENGINE_WS, { Upgrade: "WebSocket" }), wsAlive()],
    "Upgrade to something else": [ws(ENGINE_WS, { Upgrade: "websockets" })],
    "Upgrade to several": [ws(ENGINE_WS, { Upgrade: "websocket, h2c" })],
    "without Upgrade": [ws(ENGINE_WS, { Upgrade: undefined })],
    "Connection: keep-alive, Upgrade": [ws(ENGINE_WS, { Connection: "keep-alive, Upgrade" }), wsAlive()],
    "Connection: keep-alive": [ws(ENGINE_WS, { Connection: "keep-alive" })],
    "without Connection": [ws(ENGINE_WS, { Connection: undefined })],
    "a subprotocol": [ws(ENGINE_WS, { "Sec-WebSocket-Protocol": "one" }), wsAlive()],
    "two subprotocols": [ws(ENGINE_WS, { "Sec-WebSocket-Protocol": "one, two" }), wsAlive()],
    "the same subprotocol twice": [ws(ENGINE_WS, { "Sec-WebSocket-Protocol": "one, one" })],
    "an empty subprotocol": [ws(ENGINE_WS, { "Sec-WebSocket-Protocol": "" })],
    "permessage-deflate offered": [ws(ENGINE_WS, { "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" }), wsAlive()],
    "an unknown extension": [ws(ENGINE_WS, { "Sec-WebSocket-Extensions": "x-unknown; a=1" }), wsAlive()],
    "a malformed extension": [ws(ENGINE_WS, { "Sec-WebSocket-Extensions": ";;;" }), wsAlive()],
    "HTTP/1.0": [ws(ENGINE_WS, { ":version": "1.0" }), wsAlive()],
    "HTTP/1.0 and keep-alive": [ws(ENGINE_WS, { ":version": "1.0", Connection: "keep-alive, Upgrade" }), wsAlive()],
    "HTTP/1.0 without Connection": [ws(ENGINE_WS, { ":version": "1.0", Connection: undefined })],
    "HTTP/1.0 with Connection: close": [ws(ENGINE_WS, { ":version": "1.0", Connection: "close" })],
    "HTTP/1.0 without a key": [ws(ENGINE_WS, { ":version": "1.0", "Sec-WebSocket-Key": undefined })],
    "b64": [ws(`${ENGINE_WS}&b64=1`), recv(1), send(binary([1, 2, 3])), recv(1), wsAlive()],
    "with a frame behind the handshake": [ws(ENGINE_WS), send("4early"), recv(2), wsAlive()],
  }),
  ...group("websocket frames", "plain", {
    "text": echoed(["4hello"]),
    "text of another script": echoed(["4€ é 漢 😀"]),
    "two texts": echoed(["4a", "4b"], 2),
    "binary": echoed([binary([1, 2, 3])]),
    "binary of nothing": echoed([binary([])]),
    "binary that looks like a packet": echoed([binary([0x34, 0x61])]),
    "base64 as text": echoed(["bAQIDBA=="]),
    "base64 of nothing as text": echoed(["b"]),
    "base64 with rubbish as text": sent("b!!!!"),
    "base64 without padding as text": sent("bAQIDBA"),
    "a payload of two packets": echoed(["4a\x1e4b"]),
    "an empty text": sent(""),
    "126 bytes": echoed([`4${x(125)}`]),
    "65535 bytes": echoed([`4${x(65534)}`]),
    "65536 bytes": echoed([`4${x(65535)}`]),
    "in two parts": echoed([part(TEXT, "4he"), rest("llo")]),
    "in three parts, one empty": echoed([part(TEXT, "4he"), part(CONTINUATION, ""), rest("llo")]),
    "in parts, the first empty": echoed([part(TEXT, ""), rest("4hello")]),
    "in parts, a character split": echoed([part(TEXT, Buffer.from([0x34, 0xe2])), rest(Buffer.from([0x82, 0xac]))]),
    "binary in parts": echoed([part(BINARY, "ab"), rest("cd")]),
    "parts with a ping between": echoed([part(TEXT, "4he"), ping("x"), rest("llo")], 2),
    "parts with a pong between": echoed([part(TEXT, "4he"), pong("x"), rest("llo")]),
    "parts with a close between": ended(part(TEXT, "4he"), close(1000)),
    "parts with a text between": ended(part(TEXT, "4he"), text("4x")),
    "a continuation of nothing": ended(rest("4hello")),
    "an unfinished continuation of nothing": ended(part(CONTINUATION, "4hello")),
    "in 4096 parts": echoed([part(TEXT, "4"), ...Array(4094).fill(part(CONTINUATION, "x")), rest("x")]),
    "in 16,385 parts": ended(part(TEXT, "4"), ...Array(16_383).fill(part(CONTINUATION, "x")), rest("x")),
    "in 16,385 parts, all but one empty": ended(part(TEXT, "4"), ...Array(16_383).fill(part(CONTINUATION, "")), rest("")),
    "a ping": echoed([ping("")]),
    "a ping with data": echoed([ping("hello")]),
    "a ping of 125 bytes": echoed([ping(x(125))]),
    "a ping of 126 bytes": ended(ping(x(126))),
    "a ping in parts": ended(part(PING, "x")),
    "three pings": echoed([ping("1"), ping("2"), ping("3")], 3),
    "a pong nobody asked for": sent(pong("x")),
    "a masked key of no use: not masked": ended(text("4hello", { masked: false })),
    "a ping that is not masked": ended(ping("x", { masked: false })),
    "reserved bit 1": ended(text("4hello", { rsv: 4 })),
    "reserved bit 2": ended(text("4hello", { rsv: 2 })),
    "reserved bit 3": ended(text("4hello", { rsv: 1 })),
    "reserved bit 1 on a ping": ended(ping("x", { rsv: 4 })),
    ...Object.fromEntries([3, 7, 11, 15].map((opcode) => [`opcode ${opcode}`, ended(frame(opcode, "x"))])),
    "a short length in 16 bits": echoed([text("4hello", { width: 16 })]),
    "a short length in 64 bits": echoed([text("4hello", { width: 64 })]),
    "a ping's length in 16 bits": ended(ping("x", { width: 16 })),
    "a length of 2^53": ended(text("", { declared: 2 ** 53, width: 64 })),
    "a length with the highest bit": ended(text("", { declared: 2n ** 63n, width: 64 })),
    "invalid UTF-8": ended(text(Buffer.from([0x34, 0xff]))),
    "half a surrogate": ended(text(Buffer.from([0x34, 0xed, 0xa0, 0x80]))),
    "UTF-8 that ends early": ended(text(Buffer.from([0x34, 0xe2, 0x82]))),
    "invalid UTF-8 in parts": ended(part(TEXT, "4a"), rest(Buffer.from([0xff]))),
    "invalid UTF-8 in binary": echoed([binary([0xff, 0xfe])]),
    "a byte order mark": sent(Buffer.from(text(Buffer.from([0xef, 0xbb, 0xbf, 0x34, 0x61])))),
  }),
  ...group("packets", "plain", {
    ...Object.fromEntries(
      [..."0123456789"].filter((d) => d !== "4").flatMap((d) => [
        [`type ${d} over websocket`, sent(d)],
        [`type ${d} with data over websocket`, sent(`${d}data`)],
      ]),
    ),
    "type 2 probe over websocket": sent("2probe"),
    "type a over websocket": sent("a"),
    "a space over websocket": sent(" 4a"),
    "a message of no text over websocket": echoed(["4"]),
    "a separator over websocket": sent("\x1e"),
  }),
  ...group("websocket close", "plain", {
    "a close packet": [...started, send("1"), wsAlive()],
    ...Object.fromEntries(
      [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map((code) => [
        `code ${code}`,
        ended(close(code)),
      ]),
    ),
    ...Object.fromEntries(
      [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535].map((code) => [`code ${code}, which is not allowed`, ended(close(code))]),
    ),
    "no code": ended(close()),
    "one byte": ended(frame(CLOSE, "x")),
    "a reason": ended(close(1000, "bye")),
    "a reason of 123 bytes": ended(close(1000, x(123))),
    "a reason of 124 bytes": ended(close(1000, x(124))),
    "a reason of broken bytes": ended(frame(CLOSE, Buffer.from([0x03, 0xe8, 0xff]))),
    "twice": ended(close(1000), close(1001)),
    "a text before": ended("4a", close(1000)),
    "a text behind": ended(close(1000), "4a"),
    "a ping behind": ended(close(1000), ping("x")),
    "hanging up": [...started, hangUp(), untilEnd()],
    "hanging up inside a frame": [...started, send(text("4hello").subarray(0, 8)), hangUp(), untilEnd()],
    "the session is gone afterwards": [...started, send(close(1000)), untilEnd(), wait(100), get("/engine.io/?EIO=4&transport=polling&sid={sid}")],
  }),
  ...group("websocket size", "small", {
    ...Object.fromEntries(
      [-1, 0, 1].flatMap((d) => [
        [`a text of 1000${d < 0 ? d : `+${d}`}`, d > 0 ? ended(`4${x(999 + d)}`) : echoed([`4${x(999 + d)}`])],
        [`a binary of 1000${d < 0 ? d : `+${d}`}`, d > 0 ? ended(binary(x(1000 + d))) : echoed([binary(x(1000 + d))])],
        [
          `parts of 1000${d < 0 ? d : `+${d}`} together`,
          d > 0 ? ended(part(TEXT, `4${x(499)}`), rest(x(500 + d))) : echoed([part(TEXT, `4${x(499)}`), rest(x(500 + d))]),
        ],
        [
          `a text of two-byte characters of 1000${d < 0 ? d : `+${d}`}`,
          d > 0 ? ended(`4${"é".repeat(499)}${x(1 + d)}`) : echoed([`4${"é".repeat(499)}${x(1 + d)}`]),
        ],
      ]),
    ),
    "only the head of a frame over the limit": ended(frame(TEXT, "4", { declared: 5000, width: 16 })),
    "a base64 text of 1000": echoed([`b${"A".repeat(996)}`]),
  }),
  ...group("deflate off", "plain", offers()),
  ...group("deflate on", "deflate", offers()),
];

// Offers of permessage-deflate that a server may not take as they stand (RFC 7692, 7.1).
function offers() {
  const table = {
    "an unknown parameter": "permessage-deflate; x_unknown",
    "an unknown parameter with a value": "permessage-deflate; x_unknown=1",
    "an unknown parameter, then an offer without it": "permessage-deflate; x_unknown, permessage-deflate",
    "an offer, then one with an unknown parameter": "permessage-deflate, permessage-deflate; x_unknown",
    "a parameter twice": "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    "a window of 7 bits": "permessage-deflate; server_max_window_bits=7",
    "a window of 16 bits": "permessage-deflate; client_max_window_bits=16",
    "a window without a value": "permessage-deflate; server_max_window_bits",
    "a value that has no place": "permessage-deflate; server_no_context_takeover=1",
    "a name in capitals": "PERMESSAGE-DEFLATE",
  };
  const offered = (extensions) => [ws(ENGINE_WS, { "Sec-WebSocket-Extensions": extensions }), wsAlive()];
  const mixed = { "Sec-WebSocket-Extensions": "x-unknown; a=1, permessage-deflate" };
  return {
    ...Object.fromEntries(Object.entries(table).map(([name, extensions]) => [name, offered(extensions)])),
    // Both may compress from here on, which nothing here can read.
    "an unknown extension, then an offer": [ws(ENGINE_WS, mixed)],
  };
}
