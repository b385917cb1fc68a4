// SPDX-License-Identifier: MIT
// Origins and the headers for them, with CORS off, for one origin, and for all.
import { ENGINE, ENGINE_WS, IO, alive, get, group, http, open, post, ws, wsAlive } from "../lib/steps.mjs";

const APP = { Origin: "http://app.example" };
const OTHER = { Origin: "http://other.example" };
const SAME = { Origin: "http://{host}" };
// No browser sends one: it writes such names in Punycode. UTF-8, and Latin-1; requests are written byte by byte.
const UMLAUT = Buffer.from("http://äpp.example").toString("latin1");
const LATIN = "http://äpp.example";
const PREFLIGHT = { "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-custom" };

function table() {
  return {
    "no origin": [open(), post("4a"), alive()],
    "its own origin": [open(ENGINE, SAME), post("4a", { headers: SAME }), alive()],
    "the app's origin": [open(ENGINE, APP)],
    "the app's origin on a POST": [open(), post("4a", { headers: APP }), alive()],
    "the app's origin on a poll": [open(), post("4a"), get(`${ENGINE}&sid={sid}`, APP)],
    "another origin": [open(ENGINE, OTHER)],
    "the origin null": [open(ENGINE, { Origin: "null" })],
    "the app's origin on an error": [get("/engine.io/?EIO=4&transport=nothing", APP)],
    "no origin on an error": [get("/engine.io/?EIO=4&transport=nothing")],
    "the app's origin and an unknown session": [get(`${ENGINE}&sid=unknown`, APP)],
    "preflight of the app": [http("OPTIONS", ENGINE, { ...APP, ...PREFLIGHT })],
    "preflight of the app without wishes": [http("OPTIONS", ENGINE, APP)],
    "preflight of another origin": [http("OPTIONS", ENGINE, { ...OTHER, ...PREFLIGHT })],
    "OPTIONS without an origin": [http("OPTIONS", ENGINE)],
    "preflight for a session": [open(), http("OPTIONS", `${ENGINE}&sid={sid}`, { ...APP, ...PREFLIGHT }), alive()],
    "preflight of Socket.IO": [http("OPTIONS", IO, { ...APP, ...PREFLIGHT })],
    "websocket, no origin": [ws(), wsAlive()],
    "websocket, its own origin": [ws(ENGINE_WS, SAME), wsAlive()],
    "websocket, the app's origin": [ws(ENGINE_WS, APP), wsAlive()],
    "websocket, another origin": [ws(ENGINE_WS, OTHER), wsAlive()],
    "an origin that is not ASCII": [open(ENGINE, { Origin: UMLAUT })],
    "an origin of one byte that is not ASCII": [open(ENGINE, { Origin: LATIN })],
    "preflight of an origin that is not ASCII": [http("OPTIONS", ENGINE, { Origin: UMLAUT, ...PREFLIGHT })],
    "an origin that is not ASCII, on a session": [open(), post("4a"), get(`${ENGINE}&sid={sid}`, { Origin: UMLAUT })],
    "websocket, an origin that is not ASCII": [ws(ENGINE_WS, { Origin: UMLAUT }), wsAlive()],
    "websocket refused, the app's origin": [ws(`${ENGINE_WS}&sid=unknown`, APP)],
  };
}

export default [
  ...group("cors off", "plain", table()),
  ...group("cors one", "oneOrigin", table()),
  ...group("cors any", "anyOrigin", table()),
  ...group("cors off", "plain", {
    "an origin with an illegal character": [open(ENGINE, { Origin: "http://app.example\x01" })],
    "an origin with a space": [open(ENGINE, { Origin: "http://app example" })],
    "an empty origin": [open(ENGINE, { Origin: "" })],
    "an origin that is no address": [open(ENGINE, { Origin: "whatever" })],
    "another origin, in Punycode": [open(ENGINE, { Origin: "http://xn--pp-viaa.example" })],
    "its own host over https": [open(ENGINE, { Origin: "https://{host}" })],
    "its own host, another port": [open(ENGINE, { Origin: "http://127.0.0.1:1" })],
    "another origin, said to be same-origin by the browser": [open(ENGINE, { ...OTHER, "Sec-Fetch-Site": "same-origin" })],
    "another origin on a session": [open(), post("4a"), get(`${ENGINE}&sid={sid}`, OTHER)],
  }),
];
