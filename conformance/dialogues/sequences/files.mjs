// SPDX-License-Identifier: MIT
// The files of the browser client. Their contents are not compared: each server has its own.
import { get, group, http } from "../lib/steps.mjs";

const NAMES = [
  "socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js",
  "socket.io.js.map", "socket.io.min.js.map", "socket.io.esm.min.js.map", "socket.io.msgpack.min.js.map",
];
const UNKNOWN = ["socket.io.mjs", "unknown.js", "socket.io.css", "SOCKET.IO.JS", "socket.io.js.gz", "..%2fpackage.json", "toString"];
const METHODS = ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"];
const FILE = "/socket.io/socket.io.min.js";
const BARE = { body: false };
const file = (headers, target = FILE) => get(target, headers, BARE);

export default [
  ...group("files", "plain", {
    ...Object.fromEntries(NAMES.map((name) => [name, [file({}, `/socket.io/${name}`)]])),
    ...Object.fromEntries(UNKNOWN.map((name) => [`${name}, which does not exist`, [file({}, `/socket.io/${name}`)]])),
    ...Object.fromEntries(METHODS.map((method) => [`${method}`, [http(method, FILE, {}, undefined, BARE)]])),
    "with a query": [file({}, `${FILE}?v=1`)],
    "with the query of a handshake": [file({}, `${FILE}?EIO=4&transport=polling`)],
    "below another name": [file({}, "/socket.io/below/socket.io.js")],
    "of the engine's path": [file({}, "/engine.io/engine.io.js")],
    "with a slash at the end": [file({}, `${FILE}/`)],
    "gzip": [file({ "Accept-Encoding": "gzip" })],
    "deflate": [file({ "Accept-Encoding": "deflate" })],
    "brotli": [file({ "Accept-Encoding": "br" })],
    "gzip, deflate, br": [file({ "Accept-Encoding": "gzip, deflate, br" })],
    "br, gzip": [file({ "Accept-Encoding": "br, gzip" })],
    "any encoding": [file({ "Accept-Encoding": "*" })],
    "gzip with weight 0": [file({ "Accept-Encoding": "gzip;q=0" })],
    "identity": [file({ "Accept-Encoding": "identity" })],
    "an unknown encoding": [file({ "Accept-Encoding": "compress" })],
    "an encoding in capitals": [file({ "Accept-Encoding": "GZIP" })],
    "the same ETag": [file(), file({ "If-None-Match": "{etag}" })],
    "the same ETag, weak": [file(), file({ "If-None-Match": "W/{etag}" })],
    "the same ETag in a list": [file(), file({ "If-None-Match": '"other", {etag}' })],
    "the ETag of the gzip form": [
      file({ "Accept-Encoding": "gzip" }), file({ "Accept-Encoding": "gzip", "If-None-Match": "{etag}" }),
    ],
    "another ETag": [file({ "If-None-Match": '"other"' })],
    "any ETag": [file({ "If-None-Match": "*" })],
    "HEAD with the same ETag": [file(), http("HEAD", FILE, { "If-None-Match": "{etag}" })],
    "from another origin": [file({ Origin: "http://app.example" })],
  }),
  ...group("files", "anyOrigin", {
    "with CORS": [file({ Origin: "http://app.example" })],
    "with CORS, preflight": [http("OPTIONS", FILE, { Origin: "http://app.example", "Access-Control-Request-Method": "GET" }, undefined, BARE)],
    "with CORS, no origin": [file()],
    "with CORS, the same ETag": [file(), file({ Origin: "http://app.example", "If-None-Match": "{etag}" })],
    "with CORS, unknown": [file({ Origin: "http://app.example" }, "/socket.io/unknown.js")],
  }),
  ...group("files", "oneOrigin", {
    "with CORS for one, that one": [file({ Origin: "http://app.example" })],
    "with CORS for one, another": [file({ Origin: "http://other.example" })],
  }),
];
