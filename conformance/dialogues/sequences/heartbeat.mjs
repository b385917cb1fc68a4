// SPDX-License-Identifier: MIT
// Ping and pong at 10 s and 20 s, and the time to join a namespace at 15 s. What the client does in
// time has seconds to spare, because a busy machine takes them.
import { ping } from "../lib/frames.mjs";
import {
  ENGINE, IO, IO_WS, RS, after, alive, answered, get, group, mark, open, park, poll, post, recv, send, untilEnd, untilGone, wait, ws, wsAlive,
} from "../lib/steps.mjs";

const GONE = get(`${ENGINE}&sid={sid}`);

export default [
  ...group("heartbeat", "beat", {
    "the handshake tells": [open()],
    "a ping over websocket": [mark(), ws(), recv(1), recv(1), after(10_000)],
    "ping and pong three times over websocket": [
      ws(), recv(1), recv(1), mark(), send("3"), recv(1), after(10_000), mark(), send("3"), recv(1), after(10_000), send("3"), wsAlive(),
    ],
    "no pong over websocket": [mark(), ws(), recv(1), untilEnd(), after(30_000)],
    "a pong with data": [ws(), recv(1), recv(1), send("3data"), recv(1), send("3"), wsAlive()],
    "a pong with probe": [ws(), recv(1), recv(1), send("3probe"), recv(1), send("3"), wsAlive()],
    "a pong nobody asked for": [ws(), recv(1), wait(500), mark(), send("3"), recv(1), after(10_000)],
    "a message instead of the pong": [mark(), ws(), recv(1), recv(1), wait(1000), send("4a"), untilEnd(), after(30_000)],
    "two messages instead of the pong": [
      mark(), ws(), recv(1), recv(1), wait(1000), send("4a"), recv(1), wait(500), send("4b"), untilEnd(), after(30_000),
    ],
    "messages before the ping": [mark(), ws(), recv(1), wait(500), send("4a"), recv(2), after(10_000), untilEnd(), after(30_000)],
    "a ping of the client": [ws(), recv(1), send("2"), untilEnd()],
    "a ping of the client with data": [ws(), recv(1), send("2hello"), untilEnd()],
    "a ping frame is no pong": [mark(), ws(), recv(1), recv(1), send(ping("x")), untilEnd(), after(30_000)],
    "a noop is no pong": [mark(), ws(), recv(1), recv(1), wait(1000), send("6"), untilEnd(), after(30_000)],
    "a ping over polling": [mark(), open(), poll(1), after(10_000)],
    "ping and pong over polling": [open(), poll(1), mark(), post("3"), poll(1), after(10_000), post("3"), alive()],
    "no pong over polling, a poll waiting": [mark(), open(), poll(1), park(), answered(), after(30_000), GONE],
    "no pong over polling, no poll": [mark(), open(), untilGone(), after(30_000), GONE],
    "no poll at all, but a POST": [mark(), open(), wait(12_000), post("4a"), untilGone(), after(30_000), GONE],
    "a pong before the ping was fetched": [open(), wait(20_000), post("3"), poll(1)],
    "a ping of the client over polling": [open(), park(), post("2"), answered(), GONE],
    "a pong and a message in one payload": [open(), poll(1), post(`3${RS}4a`), poll(2)],
  }),
  ...group("connect timeout", "hasty", {
    "nothing joined over websocket": [mark(), ws(IO_WS), recv(1), untilEnd(), after(15_000)],
    "nothing joined over polling, a poll waiting": [
      mark(), open(IO), park("poll", IO), answered(), after(15_000), get(`${IO}&sid={sid}`),
    ],
    "joined in time": [ws(IO_WS), recv(1), send("40"), recv(2), wait(20_000), wsAlive("io")],
    "refused and nothing else": [mark(), ws(IO_WS), recv(1), send("40/denied,"), recv(1), untilEnd(), after(15_000)],
    "refused, then joined": [ws(IO_WS), recv(1), send("40/denied,"), recv(1), send("40"), recv(2), wait(20_000), wsAlive("io")],
    "an unknown namespace and nothing else": [mark(), ws(IO_WS), recv(1), send("40/none,"), recv(1), untilEnd(), after(15_000)],
    "joined and left": [ws(IO_WS), recv(1), send("40"), recv(2), send("41"), wait(20_000), wsAlive("io")],
    "a slow middleware in time": [ws(IO_WS), recv(1), send("40/slow,"), recv(1), wait(20_000), wsAlive("io")],
  }),
];
