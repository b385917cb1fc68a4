// SPDX-License-Identifier: MIT
// Engine.IO 3, where it is allowed: its framing, its heartbeat, and Socket.IO as revision 4 speaks it.
import { binary } from "../lib/frames.mjs";
import {
  IO, IO_WS, QUIET, after, answered, candidate, get, group, http, mark, open, park, post, recv, send, sendOn, untilEnd, wait, ws, wsAlive,
} from "../lib/steps.mjs";

const E3 = "/engine.io/?EIO=3&transport=polling";
const E3_WS = "/engine.io/?EIO=3&transport=websocket";
const IO3 = "/socket.io/?EIO=3&transport=polling";
const IO3_WS = "/socket.io/?EIO=3&transport=websocket";
const at = (base) => `${base}&sid={sid}`;
const OCTETS = { "Content-Type": "application/octet-stream" };
const say = (payload) => post(payload, { base: E3 });
const sayBytes = (...bytes) => http("POST", at(E3), OCTETS, Buffer.from(bytes));
const hear = get(at(E3));
// A payload, its answer, and the poll that brings the echo.
const echoed = (payload, base = E3) => [open(base), say(payload), hear];
// A payload after which the session is asked for an answer to a ping.
const sent = (payload) => [open(E3), say(payload), say("1:2"), get(at(E3), {}, { patience: QUIET })];
const joined = [ws(IO3_WS), recv(2)];
const joinedPolling = [open(IO3), get(at(IO3))];

export default [
  ...group("eio3", "eio3", {
    "a handshake": [open(E3)],
    "a handshake without a revision": [open("/engine.io/?transport=polling")],
    "a handshake with b64": [open(`${E3}&b64=1`)],
    "a handshake of revision 5": [open("/engine.io/?EIO=5&transport=polling")],
    "a handshake of revision 4 beside it": [open("/engine.io/?EIO=4&transport=polling")],
    "a handshake over websocket and HTTP/1.0": [ws(E3_WS, { ":version": "1.0" }), recv(1), send("2"), recv(1)],
    "a handshake over websocket": [ws(E3_WS), recv(1), send("2"), recv(1)],
    "a text": echoed("6:4hello"),
    "a text of another script": echoed("2:4€"),
    "a text outside the first plane": echoed("3:4😀"),
    "an empty text": echoed("1:4"),
    "two texts": echoed("2:4a2:4b"),
    "base64": echoed("10:b4AQIDBA==", `${E3}&b64=1`),
    "base64, answered in binary": echoed("10:b4AQIDBA=="),
    "text and base64": echoed("2:4a10:b4AQIDBA==", `${E3}&b64=1`),
    "a binary body": [open(E3), sayBytes(0, 6, 255, 0x34, 0x68, 0x65, 0x6c, 0x6c, 0x6f), hear],
    "a binary body with binary in it": [open(E3), sayBytes(1, 5, 255, 4, 1, 2, 3, 4), hear],
    "a binary body, answered in base64": [open(`${E3}&b64=1`), sayBytes(1, 5, 255, 4, 1, 2, 3, 4), hear],
    "a binary body with a length of two digits": [open(E3), sayBytes(0, 1, 1, 255, ...Buffer.from("4helloworld")), hear],
    "a binary body with both": [open(E3), sayBytes(0, 4, 255, 0x34, 0xe2, 0x82, 0xac, 1, 5, 255, 4, 1, 2, 3, 4), hear],
    "a ping": echoed("1:2"),
    "a ping with data": echoed("6:2hello"),
    "a ping with a poll waiting": [open(E3), park("poll", E3), say("1:2"), answered()],
    "a pong": [open(E3), say("1:3"), hear],
    "a close packet": [open(E3), say("1:1"), hear],
    "a close packet with a poll waiting": [open(E3), park("poll", E3), say("1:1"), answered(), hear],
    "an empty payload": sent(""),
    "nothing behind the length": sent("6:"),
    "a length too long": sent("9:4hello"),
    "a length too short": sent("3:4hello"),
    "a length of 0": sent("0:"),
    "a length that is no number": sent("x:4hello"),
    "no length": sent("4hello"),
    "a length of 400 digits": sent(`${"9".repeat(400)}:4a`),
    "framing of revision 4": sent("4a\x1e4b"),
    "an unknown type": sent("1:9"),
    "two polls at once": [open(E3), park("first", E3), hear, answered("first"), hear],
    "an upgrade": [
      open(E3), ws(at(E3_WS), {}, "c"), sendOn("c", "2probe"), recv(1, "c"), sendOn("c", "5", "4hello"), recv(1, "c"), sendOn("c", "2"), recv(1, "c"),
    ],
    "an upgrade with a poll waiting": [
      open(E3), park("poll", E3), ws(at(E3_WS), {}, "c"), sendOn("c", "2probe"), recv(1, "c"), answered(), sendOn("c", "5", "2"), recv(1, "c"),
    ],
    "an upgrade of revision 4": [open(E3), candidate("c"), say("1:2"), hear],
    "revision 4 on the session": [open(E3), get("/engine.io/?EIO=4&transport=polling&sid={sid}"), say("1:2"), hear],
    "text over websocket": [ws(E3_WS), recv(1), send("4hello"), recv(1)],
    "binary over websocket": [ws(E3_WS), recv(1), send(binary([4, 1, 2, 3])), recv(1)],
    "binary over websocket with b64": [ws(`${E3_WS}&b64=1`), recv(1), send(binary([4, 1, 2, 3])), recv(1)],
    ...Object.fromEntries(
      [0, 1, 2, 3, 5, 6, 7, 9, 52, 255].flatMap((type) => [
        [`binary of type ${type} over websocket`, [ws(E3_WS), recv(1), send(binary([type, 1, 2, 3])), wait(100), send("2"), recv(1)]],
        [`a binary body with binary of type ${type} in it`, [open(E3), sayBytes(1, 4, 255, type, 1, 2, 3), say("1:2"), get(at(E3), {}, { patience: QUIET })]],
      ]),
    ),
    "binary of nothing over websocket": [ws(E3_WS), recv(1), send(binary([])), wait(100), send("2"), recv(1)],
    "a binary body with binary of nothing in it": [open(E3), sayBytes(1, 0, 255), say("1:2"), get(at(E3), {}, { patience: QUIET })],
    "base64 of an unknown type": sent("6:b9AQID"),
    "base64 over websocket": [ws(E3_WS), recv(1), send("b4AQID"), recv(1)],
    "a ping with data over websocket": [ws(E3_WS), recv(1), send("2probe"), recv(1)],
    "a pong over websocket": [ws(E3_WS), recv(1), send("3"), untilEnd()],
    "from another origin": [open(E3, { Origin: "http://app.example" })],
  }),
  ...group("eio3 heartbeat", "eio3beat", {
    "silence over websocket": [mark(), ws(E3_WS), recv(1), untilEnd(), after(30_000)],
    "a ping puts it off": [ws(E3_WS), recv(1), wait(18_000), mark(), send("2"), recv(1), untilEnd(), after(30_000)],
    "a message does not": [mark(), ws(E3_WS), recv(1), wait(18_000), send("4a"), recv(1), untilEnd(), after(30_000)],
  }),
  ...group("eio3 socket.io", "eio3", {
    "joined without asking": [ws(IO3_WS), recv(2)],
    "joined without asking, over polling": joinedPolling,
    "revision 4 beside it": [ws(IO_WS), recv(1), send("40"), recv(2), wsAlive("io")],
    "an event": [...joined, recv(1), send('42["message",1]'), recv(1)],
    "an event with an ack": [...joined, recv(1), send('421["echo",1]'), recv(1)],
    "a namespace": [...joined, recv(1), send("40/custom,"), recv(2), send('42/custom,["message",1]'), recv(1)],
    "a namespace without the comma": [...joined, recv(1), send("40/custom"), recv(2)],
    "a namespace with a query": [...joined, recv(1), send("40/token?token=secret,"), recv(1)],
    "a namespace with a query without the comma": [...joined, recv(1), send("40/token?token=secret"), recv(1)],
    "a namespace with a query of two": [...joined, recv(1), send("40/custom?a=1&b=x%20y,"), recv(2)],
    "refused with data": [...joined, recv(1), send("40/denied,"), recv(1)],
    "refused without data": [...joined, recv(1), send("40/bare,"), recv(1)],
    "refused for its token": [...joined, recv(1), send("40/token?token=wrong,"), recv(1)],
    "an unknown namespace": [...joined, recv(1), send("40/none,"), recv(1)],
    "the root again": [...joined, recv(1), send("40"), wait(100), send('421["echo"]'), recv(1)],
    "a disconnect": [...joined, recv(1), send("41"), wait(100), send("2"), recv(1)],
    "disconnected by the server": [...joined, recv(1), send('42["disconnect-me",false]'), recv(1), send("2"), recv(1)],
    "binary": [...joined, recv(1), send('451-["message",{"_placeholder":true,"num":0}]', binary([4, 1, 2])), recv(2)],
    "garbage": [...joined, recv(1), send("4x"), untilEnd()],
    "the handshake's query": [ws(`${IO3_WS}&token=a`), recv(3), send('421["rooms"]'), recv(1)],
    "a session of revision 4": [open(IO), get(`${IO}&sid=unknown`)],
  }),
];
