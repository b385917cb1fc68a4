// SPDX-License-Identifier: MIT
// Long-polling: what a POST may carry, how it may be sent, and two requests at once.
import { chunked } from "../lib/http.mjs";
import {
  ENGINE, IO, QUIET, RS, abort, alive, answered, answeredWith, begin, get, group, http, more, open, park, poll, post, untilGone, wait,
} from "../lib/steps.mjs";

const SESSION = `${ENGINE}&sid={sid}`;
const TEXT = { "Content-Type": "text/plain;charset=UTF-8" };
const CHUNKED = { ...TEXT, "Transfer-Encoding": "chunked" };
const raw = (headers, body) => http("POST", SESSION, headers, body);
const typed = (type) => [open(), raw({ "Content-Type": type }, "4typed"), alive()];

// A payload that is answered by `count` packets.
const echoed = (payload, count = 1) => [open(), post(payload), poll(count), alive()];
// A payload after which we look whether the session lives.
const sent = (payload) => [open(), post(payload), alive()];
// The same, with a poll waiting.
const seen = (payload) => [open(), park(), post(payload), answered(), alive()];

export default [
  ...group("payload", "plain", {
    "one text": echoed("4hello"),
    "an empty text": echoed("4"),
    "text of another script": echoed("4€ é 漢 😀"),
    "two texts": echoed(`4one${RS}4two`, 2),
    "ten texts": echoed(Array.from({ length: 10 }, (_, i) => `4text ${i}`).join(RS), 10),
    "text with a line end and a zero": echoed("4a\r\nb\0c"),
    "base64": echoed("bAQIDBA=="),
    "base64 without padding": echoed("bAQIDBA"),
    "base64, the url alphabet": echoed("b-_-_"),
    "base64, the standard alphabet": echoed("b+/+/"),
    "base64 of nothing": echoed("b"),
    "base64 with rubbish": sent("b!!!!"),
    "base64 with a space": sent("bAQ IDBA=="),
    "base64 with text behind the padding": sent("bAQI=DBA="),
    "base64 of one character": sent("bA"),
    "text, base64, text": echoed(`4a${RS}bAQIDBA==${RS}4b`, 3),
    "a binary answer to a poll with b64": [open(`${ENGINE}&b64=1`), post("bAQIDBA=="), poll()],
    "an empty body": sent(""),
    "an empty body with a poll waiting": seen(""),
    "only a separator": sent(RS),
    "a separator at the end": sent(`4a${RS}`),
    "a separator at the end with a poll waiting": [open(), park(), post(`4a${RS}`), answered(), alive()],
    "a separator at the start": sent(`${RS}4a`),
    "two separators": sent(`4a${RS}${RS}4b`),
    "a text with broken UTF-8": [open(), raw(TEXT, Buffer.from([0x34, 0x61, 0xff, 0x62])), alive()],
    "a text with half a surrogate": [open(), raw(TEXT, Buffer.from([0x34, 0xed, 0xa0, 0x80])), alive()],
    "a byte order mark": [open(), raw(TEXT, Buffer.from([0xef, 0xbb, 0xbf, 0x34, 0x61])), alive()],
    "revision 3 framing": sent("6:4hello"),
  }),
  ...group("packets", "plain", {
    ...Object.fromEntries(
      [..."0123456789"].filter((d) => d !== "4").flatMap((d) => [
        [`type ${d} over polling`, sent(d)],
        [`type ${d} with data over polling`, sent(`${d}data`)],
      ]),
    ),
    "type a over polling": sent("a"),
    "a capital B over polling": sent("BAQIDBA=="),
    "a space over polling": sent(" 4hello"),
    "type 2 probe over polling": sent("2probe"),
    "type 7 over polling with a poll waiting": seen("7"),
    "type 2 over polling with a poll waiting": seen("2"),
    "type 0 over polling with a poll waiting": [open(), park(), post("0"), answered("poll", QUIET), alive(ENGINE, QUIET)],
    "a text, then garbage": [open(), park(), post(`4a${RS}?`), answered(), alive()],
    "garbage, then a text": [open(), park(), post(`?${RS}4a`), answered(), alive()],
    "a text, a pong, a text": echoed(`4a${RS}3${RS}4b`, 2),
    "a noop of the client": echoed(`6${RS}4a`, 1),
  }),
  ...group("close", "plain", {
    "a close packet with no poll": [open(), post("1"), get(SESSION)],
    "a close packet with a poll waiting": [open(), park(), post("1"), answered(), get(SESSION)],
    "a close packet after a text": [open(), park(), post(`4a${RS}1`), answered(), get(SESSION)],
    "a text after a close packet": [open(), park(), post(`1${RS}4a`), answered(), get(SESSION)],
    "a close packet with data": [open(), park(), post("1bye"), answered(), get(SESSION)],
    "a POST after a close packet": [open(), post("1"), post("4a")],
    "a close packet twice": [open(), post("1"), post("1")],
    "the server disconnects with close": [
      open(IO), post("40", { base: IO }), poll(2, IO), post('42["disconnect-me",true]', { base: IO }), poll(2, IO), get(`${IO}&sid={sid}`),
    ],
    "the server disconnects a namespace": [
      open(IO), post("40", { base: IO }), poll(2, IO), post('42["disconnect-me",false]', { base: IO }), poll(1, IO), alive(IO),
    ],
  }),
  ...group("polling", "plain", {
    "a poll that waits": [open(), park(), post("4a"), answered(), alive()],
    "a poll before the first packet": [open(), park(), post(`4a${RS}4b`), answered()],
    "two polls at once": [open(), park("first"), get(SESSION), answered("first"), get(SESSION)],
    "two POSTs at once": [
      open(),
      begin("first", "POST", SESSION, { ...TEXT, "Content-Length": "10" }, "4a"),
      post("4b"),
      get(SESSION),
    ],
    "two POSTs at once with a poll waiting": [
      open(),
      park(),
      begin("first", "POST", SESSION, { ...TEXT, "Content-Length": "10" }, "4a"),
      post("4b"),
      answered(),
      get(SESSION),
    ],
    "a POST in two pieces": [
      open(),
      begin("slow", "POST", SESSION, { ...TEXT, "Content-Length": "10" }, "4hel"),
      more("slow", "lo, me"),
      answered("slow"),
      poll(),
    ],
    "a poll while a POST is on its way": [
      open(),
      begin("slow", "POST", SESSION, { ...TEXT, "Content-Length": "6" }, "4hel"),
      park(),
      more("slow", "lo"),
      answered("slow"),
      answered(),
      alive(),
    ],
    "a poll that is given up": [open(), park(), abort(), get(SESSION)],
    "a POST that is given up": [
      open(),
      begin("slow", "POST", SESSION, { ...TEXT, "Content-Length": "10" }, "4hel"),
      abort("slow"),
      get(SESSION),
    ],
    "a POST that is given up, with a poll waiting": [
      open(),
      park(),
      begin("slow", "POST", SESSION, { ...TEXT, "Content-Length": "10" }, "4hel"),
      abort("slow"),
      answered(),
      get(SESSION),
    ],
    "chunked": [open(), raw({ ...TEXT, "Transfer-Encoding": "chunked" }, chunked("4he", "llo")), poll(), alive()],
    "chunked, a character split": [
      open(),
      begin("slow", "POST", SESSION, { ...TEXT, "Transfer-Encoding": "chunked" }, Buffer.from("2\r\n4\xe2\r\n", "latin1")),
      more("slow", Buffer.from("2\r\n\x82\xac\r\n0\r\n\r\n", "latin1")),
      answered("slow"),
      poll(),
    ],
    "chunked, nothing": [open(), raw({ ...TEXT, "Transfer-Encoding": "chunked" }, chunked()), alive()],
    "chunked, given up": [
      open(),
      begin("slow", "POST", SESSION, { ...TEXT, "Transfer-Encoding": "chunked" }, "3\r\n4he\r\n"),
      abort("slow"),
      get(SESSION),
    ],
    "Expect: 100-continue": [open(), raw({ ...TEXT, Expect: "100-continue" }, "4hello"), poll()],
    "a POST without a body": [open(), http("POST", SESSION, { "Content-Length": "0" }), alive()],
    "another transport on the session": [open(), get("/engine.io/?EIO=4&transport=websocket&sid={sid}"), alive()],
    "an unknown transport on the session": [open(), get("/engine.io/?EIO=4&transport=nothing&sid={sid}"), alive()],
    "no transport on the session": [open(), get("/engine.io/?EIO=4&sid={sid}"), alive()],
    "revision 3 on the session": [open(), get("/engine.io/?EIO=3&transport=polling&sid={sid}"), alive()],
    "no revision on the session": [open(), get("/engine.io/?transport=polling&sid={sid}"), alive()],
    "no revision on a POST": [open(), http("POST", "/engine.io/?transport=polling&sid={sid}", TEXT, "4a"), alive()],
    "j on the session": [open(), post("4a"), get(`${SESSION}&j=0`), alive()],
    "the sid twice, the last one right": [open(), post("4a"), get(`${ENGINE}&sid=unknown&sid={sid}`)],
    "the sid twice, the last one wrong": [open(), get(`${ENGINE}&sid={sid}&sid=unknown`), alive()],
    "a large answer with Accept-Encoding": [
      open(),
      post(`4${"x".repeat(5000)}`),
      get(SESSION, { "Accept-Encoding": "gzip, deflate" }),
    ],
    "a poll by MSIE": [open(), post("4a"), get(SESSION, { "User-Agent": "Mozilla/4.0 (compatible; MSIE 8.0)" })],
  }),
  ...group("content type", "plain", {
    "text/plain": typed("text/plain"),
    "text/plain in capitals": typed("TEXT/PLAIN; CHARSET=UTF-8"),
    "text/html": typed("text/html"),
    "application/json": typed("application/json"),
    "application/x-www-form-urlencoded": typed("application/x-www-form-urlencoded"),
    "another charset": typed("text/plain;charset=ISO-8859-1"),
    "none": [open(), raw({}, "4typed"), alive()],
    "empty": typed(""),
    "rubbish": typed(";;;"),
    "application/octet-stream": [open(), raw({ "Content-Type": "application/octet-stream" }, "4typed"), get(SESSION)],
    "application/octet-stream with a poll waiting": [
      open(), park(), raw({ "Content-Type": "application/octet-stream" }, "4typed"), answered(), get(SESSION),
    ],
    "application/octet-stream with a parameter": typed("application/octet-stream;x=1"),
    "Application/Octet-Stream": typed("Application/Octet-Stream"),
    "gzip as content encoding": [open(), raw({ ...TEXT, "Content-Encoding": "gzip" }, "4typed"), alive()],
  }),
  ...group("size", "small", {
    ...Object.fromEntries(
      [-1, 0, 1].flatMap((d) => [
        [`a body of the limit${signed(d)}`, [open(), post(`4${"x".repeat(999 + d)}`), ...(d > 0 ? [alive()] : [poll()])]],
        [
          `a chunked body of the limit${signed(d)}`,
          [
            open(),
            raw({ ...TEXT, "Transfer-Encoding": "chunked" }, chunked(`4${"x".repeat(499)}`, "y".repeat(500 + d))),
            ...(d > 0 ? [alive()] : [poll()]),
          ],
        ],
        [
          `a body of two-byte characters, the limit${signed(d)}`,
          [open(), post(`4${"é".repeat(499)}${"x".repeat(1 + d)}`), ...(d > 0 ? [alive()] : [poll()])],
        ],
        [
          `packets that make the limit${signed(d)} together`,
          [open(), post(`4${"x".repeat(498)}${RS}4${"y".repeat(499 + d)}`), ...(d > 0 ? [alive()] : [poll(2)])],
        ],
      ]),
    ),
    "a body far over the limit": [open(), post(`4${"x".repeat(100_000)}`), alive()],
    "a body over the limit with a poll waiting": [open(), park(), post(`4${"x".repeat(1500)}`), answered("poll", QUIET), alive(ENGINE, QUIET)],
    "a POST after a body over the limit": [open(), post(`4${"x".repeat(1500)}`), post("4a")],
    "a base64 body of the limit": [open(), post(`b${"A".repeat(996)}`), poll()],
    "the limit in the handshake": [open()],
  }),
  ...group("chunks", "plain", {
    "a body in 10,000 chunks of a byte": [open(), raw(CHUNKED, chunked(..."4".padEnd(10_000, "x"))), poll(), alive()],
    "a body in 10,001 chunks of a byte": [open(), raw(CHUNKED, chunked(..."4".padEnd(10_001, "x"))), poll(), alive()],
  }),
  ...group("body time", "slowBody", {
    "a body that stops": [open(), begin("slow", "POST", SESSION, { ...TEXT, "Content-Length": "10" }, "4hel"), answered("slow"), get(SESSION)],
    "a body that does not begin": [open(), begin("slow", "POST", SESSION, { ...TEXT, "Content-Length": "10" }), answered("slow"), get(SESSION)],
    "a chunked body that stops": [open(), begin("slow", "POST", SESSION, CHUNKED, "3\r\n4he\r\n"), answered("slow"), get(SESSION)],
    "a body that stops with a poll waiting": [
      open(),
      park(),
      begin("slow", "POST", SESSION, { ...TEXT, "Content-Length": "10" }, "4hel"),
      answered("slow"),
      answered("poll", QUIET),
      get(SESSION),
    ],
    "a body in time": [
      open(),
      begin("slow", "POST", SESSION, { ...TEXT, "Content-Length": "10" }, "4hel"),
      wait(1000),
      more("slow", "lo, me"),
      answered("slow"),
      poll(),
      alive(),
    ],
  }),
  // Messages that wait when the session ends, and whether the next poll still delivers them.
  ...group("end", "plain", {
    "a text, then a close packet": [open(), post("4a"), post("1"), get(SESSION)],
    "a text and a close packet": [open(), post(`4a${RS}1`), get(SESSION)],
    "a text, then garbage": [open(), post("4a"), post("?"), get(SESSION)],
    "a text, then a ping of the client": [open(), post("4a"), post("2"), get(SESSION)],
    "a text, then an octet-stream": [open(), post("4a"), raw({ "Content-Type": "application/octet-stream" }, "4b"), get(SESSION)],
    "a text, then a POST that is given up": [
      open(), post("4a"), begin("slow", "POST", SESSION, { ...TEXT, "Content-Length": "10" }, "4hel"), abort("slow"), get(SESSION),
    ],
    "a text, then two POSTs at once": [
      open(), post("4a"), begin("slow", "POST", SESSION, { ...TEXT, "Content-Length": "10" }, "4hel"), post("4b"), get(SESSION),
    ],
    "a text, then the server's close": [
      open(IO), post("40", { base: IO }), poll(2, IO), post(`42["message","a"]${RS}42["disconnect-me",true]`, { base: IO }), poll(3, IO), get(`${IO}&sid={sid}`),
    ],
    "a text, then the server's disconnect": [
      open(IO), post("40", { base: IO }), poll(2, IO), post(`42["message","a"]${RS}42["disconnect-me",false]`, { base: IO }), poll(2, IO), alive(IO),
    ],
    "a text, then an invalid packet": [
      open(IO), post("40", { base: IO }), poll(2, IO), post('42["message","a"]', { base: IO }), post("4x", { base: IO }), get(`${IO}&sid={sid}`),
    ],
    "a text and an invalid packet": [
      open(IO), post("40", { base: IO }), poll(2, IO), post(`42["message","a"]${RS}4x`, { base: IO }), get(`${IO}&sid={sid}`),
    ],
  }),
  ...group("end with a poll waiting", "plain", {
    "a text and a close packet": [open(), park(), post(`4a${RS}1`), answered(), get(SESSION)],
    "two texts and garbage": [open(), park(), post(`4a${RS}4b${RS}?`), answered(), get(SESSION)],
    "a text and the server's close": [
      open(IO), post("40", { base: IO }), poll(2, IO), park("poll", IO), post(`42["message","a"]${RS}42["disconnect-me",true]`, { base: IO }),
      answeredWith(4, IO),
    ],
    "a text and an invalid packet": [
      open(IO), post("40", { base: IO }), poll(2, IO), park("poll", IO), post(`42["message","a"]${RS}4x`, { base: IO }), answered(), get(`${IO}&sid={sid}`),
    ],
    "a refused CONNECT and a packet for it": [open(IO), park("poll", IO), post(`40/none,${RS}42/none,["a"]`, { base: IO }), answered(), get(`${IO}&sid={sid}`)],
  }),
  ...group("end of who joins nothing", "hasty", {
    "a refusal waits": [open(IO), post("40/none,", { base: IO }), wait(25_000), get(`${IO}&sid={sid}`), get(`${IO}&sid={sid}`)],
    "a poll waits": [open(IO), park("poll", IO), answered(), get(`${IO}&sid={sid}`)],
    "nothing waits": [open(IO), wait(25_000), get(`${IO}&sid={sid}`)],
  }),
  ...group("end size", "small", {
    "a text, then a body over the limit": [open(), post("4a"), post(`4${"x".repeat(1500)}`), get(SESSION)],
  }),
  ...group("end beat", "beat", {
    "a text, then no pong": [open(), post("4a"), untilGone(), get(SESSION)],
  }),
];

function signed(d) {
  return d === 0 ? "" : d > 0 ? ` +${d}` : ` ${d}`;
}
