// SPDX-License-Identifier: MIT
// From polling to WebSocket: the probe and its failures.
import { binary, close, ping } from "../lib/frames.mjs";
import {
  ENGINE, ENGINE_WS, IO, IO_WS, KEY, QUIET, RS, alive, answered, candidate, get, group, hangUp, http, open, park, poll, post, recv, send,
  sendOn, untilEnd, wait, ws, wsAlive,
} from "../lib/steps.mjs";

const SESSION = `${ENGINE}&sid={sid}`;
const UPGRADE = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13" };
const probe = (name = "c") => [candidate(name), sendOn(name, "2probe"), recv(1, name)];
const upgraded = (name = "c") => [...probe(name), sendOn(name, "5"), wsAlive("engine", name)];
// A candidate that sends something invalid first, or after the probe; polling must continue.
const wrong = (...frames) => [open(), candidate("c"), sendOn("c", ...frames), untilEnd("c"), alive()];
const wrongLater = (...frames) => [open(), ...probe(), sendOn("c", ...frames), untilEnd("c"), alive()];

export default group("upgrade", "plain", {
  "in order": [open(), ...upgraded()],
  "with a poll waiting": [open(), park(), ...probe(), answered(), sendOn("c", "5"), wsAlive("engine", "c")],
  "a poll that begins after the probe": [open(), ...probe(), park(), answered(), sendOn("c", "5"), wsAlive("engine", "c")],
  "with a poll still waiting at the end": [
    open(), candidate("c"), park(), sendOn("c", "5"), answered(), wsAlive("engine", "c"),
  ],
  "what waits moves over": [open(), post(`4a${RS}4b`), ...probe(), sendOn("c", "5"), recv(2, "c"), wsAlive("engine", "c")],
  "what waits may be polled meanwhile": [open(), post("4a"), ...probe(), poll(1), sendOn("c", "5"), wsAlive("engine", "c")],
  "a POST between probe and upgrade": [open(), ...probe(), post("4a"), sendOn("c", "5"), recv(1, "c"), wsAlive("engine", "c")],
  "a POST answers a poll between probe and upgrade": [
    open(), ...probe(), post("4a"), poll(1), post("4b"), poll(1), sendOn("c", "5"), wsAlive("engine", "c"),
  ],
  "binary afterwards": [open(), ...upgraded(), sendOn("c", binary([1, 2, 3])), recv(1, "c"), wsAlive("engine", "c")],
  "binary that waits moves over": [open(), post("bAQIDBA=="), ...probe(), sendOn("c", "5"), recv(1, "c"), wsAlive("engine", "c")],
  "binary that waits moves over, with b64": [
    open(`${ENGINE}&b64=1`), post("bAQIDBA=="), ...probe(), sendOn("c", "5"), recv(1, "c"), wsAlive("engine", "c"),
  ],
  "without a probe": [open(), candidate("c"), sendOn("c", "5"), wsAlive("engine", "c")],
  "with data in the upgrade packet": [open(), ...probe(), sendOn("c", "5x"), wsAlive("engine", "c")],
  "the probe and the upgrade at once": [open(), candidate("c"), sendOn("c", "2probe", "5"), recv(1, "c"), wsAlive("engine", "c")],
  "probe, upgrade and a message at once": [open(), candidate("c"), sendOn("c", "2probe", "5", "4a"), recv(2, "c"), wsAlive("engine", "c")],
  "the probe twice": [open(), ...probe(), sendOn("c", "2probe"), recv(1, "c"), sendOn("c", "5"), wsAlive("engine", "c")],
  "a ping frame before the probe": [open(), candidate("c"), sendOn("c", ping("x"), "2probe"), recv(2, "c"), sendOn("c", "5"), wsAlive("engine", "c")],
  "wrong: a ping without data": wrong("2"),
  "wrong: another probe": wrong("2foo"),
  "wrong: a longer probe": wrong("2probe2"),
  "wrong: a pong": wrong("3probe"),
  "wrong: a message": wrong("4hello"),
  "wrong: a close packet": wrong("1"),
  "wrong: a noop": wrong("6"),
  "wrong: an open packet": wrong("0"),
  "wrong: garbage": wrong("x"),
  "wrong: an empty text": wrong(""),
  "wrong: binary": wrong(binary([1, 2, 3])),
  "wrong: a base64 message": wrong("bAQID"),
  "wrong after the probe: a message": wrongLater("4hello"),
  "wrong after the probe: a close packet": wrongLater("1"),
  "wrong after the probe: binary": wrongLater(binary([1])),
  "the candidate closes": [open(), candidate("c"), sendOn("c", close(1000)), untilEnd("c"), alive()],
  "the candidate closes after the probe": [open(), ...probe(), sendOn("c", close(1001)), untilEnd("c"), alive()],
  "the candidate hangs up": [open(), candidate("c"), hangUp("c"), alive()],
  "the candidate hangs up after the probe": [open(), ...probe(), hangUp("c"), alive()],
  "a second try after a failed one": [open(), candidate("a"), sendOn("a", "2foo"), untilEnd("a"), ...upgraded("b")],
  "a fourth try after three failed ones": [
    open(),
    ...["a", "b", "d"].flatMap((name) => [candidate(name), sendOn(name, "2foo"), untilEnd(name)]),
    candidate("c"), sendOn("c", "2probe"), recv(1, "c"), alive(),
  ],
  "two candidates at once": [open(), ...probe("a"), candidate("b"), untilEnd("b"), sendOn("a", "5"), wsAlive("engine", "a")],
  "two candidates at once before the probe": [open(), candidate("a"), candidate("b"), untilEnd("b"), sendOn("a", "2probe", "5"), recv(1, "a"), wsAlive("engine", "a")],
  "a candidate after the upgrade": [open(), ...upgraded(), candidate("b"), untilEnd("b"), wsAlive("engine", "c")],
  "a candidate on a websocket session": [ws(), recv(1), candidate("b"), untilEnd("b", QUIET), wsAlive()],
  "a poll after the upgrade": [open(), ...upgraded(), get(SESSION), wsAlive("engine", "c")],
  "a POST after the upgrade": [open(), ...upgraded(), post("4a"), wsAlive("engine", "c")],
  "other methods after the upgrade": [open(), ...upgraded(), http("DELETE", SESSION), wsAlive("engine", "c")],
  "a poll on a websocket session": [ws(), recv(1), get(SESSION), wsAlive()],
  "a POST on a websocket session": [ws(), recv(1), post("4a"), wsAlive()],
  "a plain GET for websocket on a websocket session": [ws(), recv(1), get(`${ENGINE_WS}&sid={sid}`, {}, { patience: QUIET }), wsAlive()],
  "an upgrade packet after the upgrade": [open(), ...upgraded(), sendOn("c", "5"), wsAlive("engine", "c")],
  "an upgrade packet on a websocket session": [ws(), recv(1), send("5"), wsAlive()],
  "a probe after the upgrade": [open(), ...upgraded(), sendOn("c", "2probe"), untilEnd("c")],
  "a closed session": [open(), post("1"), candidate("c")],
  "of revision 3 for a session of 4": [open(), ws("/engine.io/?EIO=3&transport=websocket&sid={sid}", {}, "c"), alive()],
  "without a revision": [open(), ws("/engine.io/?transport=websocket&sid={sid}", {}, "c"), alive()],
  "polling in the query": [open(), http("GET", SESSION, UPGRADE, undefined, { patience: QUIET })],
  "without a key": [open(), candidate("c", { "Sec-WebSocket-Key": undefined }), alive()],
  "of another version": [open(), candidate("c", { "Sec-WebSocket-Version": "12" }), alive()],
  "on the other path": [open(), ws(`${IO_WS}&sid={sid}`), alive()],
  "the session closes during the probe": [open(), ...probe(), post("1"), untilEnd("c"), get(SESSION)],
  "the session closes before the probe": [open(), candidate("c"), post("1"), untilEnd("c"), get(SESSION)],
  "the session breaks the protocol during the probe": [open(), ...probe(), post("?"), untilEnd("c"), get(SESSION)],
  "of Socket.IO, joined before": [
    open(IO), post("40", { base: IO }), poll(2, IO),
    ws(`${IO_WS}&sid={sid}`, {}, "c"), sendOn("c", "2probe"), recv(1, "c"), sendOn("c", "5"),
    sendOn("c", '421["transport"]'), recv(1, "c"), wsAlive("io", "c"),
  ],
  "of Socket.IO, joined after": [
    open(IO), ws(`${IO_WS}&sid={sid}`, {}, "c"), sendOn("c", "2probe"), recv(1, "c"), sendOn("c", "5", "40"), recv(2, "c"), wsAlive("io", "c"),
  ],
  "half a binary packet over polling, the rest over websocket": [
    open(IO), post("40", { base: IO }), poll(2, IO), post('451-["echo-event",{"_placeholder":true,"num":0}]', { base: IO }),
    ws(`${IO_WS}&sid={sid}`, {}, "c"), sendOn("c", "2probe"), recv(1, "c"), sendOn("c", "5", binary([1, 2])), recv(2, "c"), wsAlive("io", "c"),
  ],
  "over HTTP/1.0": [open(), ws(`${ENGINE_WS}&sid={sid}`, { ":version": "1.0" }, "c"), sendOn("c", "2probe"), recv(1, "c"), sendOn("c", "5"), wsAlive("engine", "c")],
  "an idle candidate stays": [open(), candidate("c"), wait(300), sendOn("c", "2probe"), recv(1, "c"), sendOn("c", "5"), wsAlive("engine", "c")],
});
