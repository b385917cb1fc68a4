// SPDX-License-Identifier: MIT
// Ping and pong at 3 s and 2 s, and the time to join a namespace at 4 s.
import { ping } from "../lib/frames.mjs";
import {
  ENGINE, IO, IO_WS, RS, after, alive, answered, get, group, mark, open, park, poll, post, recv, send, untilEnd, wait, ws, wsAlive,
} from "../lib/steps.mjs";

const GONE = get(`${ENGINE}&sid={sid}`);

export default [
  ...group("heartbeat", "beat", {
    "the handshake tells": [open()],
    "a ping over websocket": [ws(), recv(1), mark(), recv(1), after(3000)],
    "ping and pong three times over websocket": [
      ws(), recv(1), recv(1), send("3"), mark(), recv(1), after(3000), send("3"), recv(1), send("3"), wsAlive(),
    ],
    "no pong over websocket": [ws(), recv(1), mark(), untilEnd(), after(5000)],
    "a pong with data": [ws(), recv(1), recv(1), send("3data"), recv(1), send("3"), wsAlive()],
    "a pong with probe": [ws(), recv(1), recv(1), send("3probe"), recv(1), send("3"), wsAlive()],
    "a pong nobody asked for": [ws(), recv(1), mark(), wait(1500), send("3"), recv(1), after(4500)],
    "a message instead of the pong": [ws(), recv(1), recv(1), mark(), wait(1000), send("4a"), untilEnd(), after(3000)],
    "two messages instead of the pong": [
      ws(), recv(1), recv(1), mark(), wait(1000), send("4a"), recv(1), wait(500), send("4b"), untilEnd(), after(3000),
    ],
    "messages before the ping": [ws(), recv(1), mark(), wait(1500), send("4a"), recv(2), after(3000), untilEnd(), after(5000)],
    "a ping of the client": [ws(), recv(1), send("2"), untilEnd()],
    "a ping of the client with data": [ws(), recv(1), send("2hello"), untilEnd()],
    "a ping frame is no pong": [ws(), recv(1), recv(1), mark(), send(ping("x")), untilEnd(), after(2000)],
    "a noop is no pong": [ws(), recv(1), recv(1), mark(), wait(1000), send("6"), untilEnd()],
    "a ping over polling": [open(), mark(), poll(1), after(3000)],
    "ping and pong over polling": [open(), poll(1), post("3"), mark(), poll(1), after(3000), post("3"), alive()],
    "no pong over polling, a poll waiting": [open(), poll(1), mark(), park(), answered(), after(2000), GONE],
    "no pong over polling, no poll": [open(), mark(), wait(9000), GONE],
    "no poll at all, but a POST": [open(), wait(3500), post("4a"), wait(6000), GONE],
    "a pong before the ping was fetched": [open(), wait(3500), post("3"), poll(1)],
    "a ping of the client over polling": [open(), park(), post("2"), answered(), GONE],
    "a pong and a message in one payload": [open(), poll(1), post(`3${RS}4a`), poll(2)],
  }),
  ...group("connect timeout", "hasty", {
    "nothing joined over websocket": [ws(IO_WS), recv(1), mark(), untilEnd(), after(4000)],
    "nothing joined over polling, a poll waiting": [
      open(IO), mark(), park("poll", IO), answered(), after(4000), get(`${IO}&sid={sid}`),
    ],
    "joined in time": [ws(IO_WS), recv(1), send("40"), recv(2), wait(6000), wsAlive("io")],
    "refused and nothing else": [ws(IO_WS), recv(1), mark(), send("40/denied,"), recv(1), untilEnd(), after(4000)],
    "refused, then joined": [ws(IO_WS), recv(1), send("40/denied,"), recv(1), send("40"), recv(2), wait(6000), wsAlive("io")],
    "an unknown namespace and nothing else": [ws(IO_WS), recv(1), mark(), send("40/none,"), recv(1), untilEnd(), after(4000)],
    "joined and left": [ws(IO_WS), recv(1), send("40"), recv(2), send("41"), wait(6000), wsAlive("io")],
    "a slow middleware in time": [ws(IO_WS), recv(1), send("40/slow,"), recv(1), wait(5000), wsAlive("io")],
  }),
];
