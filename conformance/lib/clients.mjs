// SPDX-License-Identifier: MIT
// The npm client versions of the matrix behind one interface, which hides their differences, so that
// every scenario runs with each. CLIENT names the version; without it the newest runs.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { event } from "./wait.mjs";

const here = createRequire(import.meta.url);
const modules = join(dirname(fileURLToPath(import.meta.url)), "../node_modules");

// From old to new. Revision is that of Engine.IO; short marks those of the short list.
const PACKAGES = [
  { folder: "socket.io-client-1", revision: 3 },
  { folder: "socket.io-client-2", revision: 3, short: true },
  { folder: "socket.io-client-3", revision: 4 },
  { folder: "socket.io-client-4.0", revision: 4, short: true },
  { folder: "socket.io-client", revision: 4, short: true },
].map((entry) => ({ ...entry, version: versionOf(entry.folder) }));

export const VERSIONS = PACKAGES.map(({ version }) => version);
export const SHORT_LIST = PACKAGES.filter(({ short }) => short).map(({ version }) => version);
export const NEWEST = VERSIONS.at(-1);

// Abilities that some versions lack. A scenario that needs one is left out of those, with this reason.
const ABILITIES = {
  "auth as a function": { since: [3, 0], why: "1.x and 2.x have no auth option, only a query" },
  "auth on the root namespace": { since: [3, 0], why: "1.x and 2.x send nothing when they join the root namespace" },
  recovery: { since: [4, 6], why: "no recovery before 4.6" },
  "failing what waits": { since: [4, 6], why: "acknowledgements without a deadline or a failure before 4.6" },
  "Engine.IO 3": { until: [3, 0], why: "for clients that speak Engine.IO 3" },
};

// A client version. Sockets, managers and engines are those of the package; the methods hide the
// differences between versions.
export class Client {
  #io;

  constructor(version) {
    const entry = PACKAGES.find((each) => each.version === version);
    if (!entry) throw new Error(`no client ${version}; there are ${VERSIONS.join(", ")}`);
    this.version = version;
    this.revision = entry.revision;
    this.#io = here(entry.folder);
    // The engine that this package uses, not the one at the top level.
    this.Engine = createRequire(here.resolve(entry.folder))("engine.io-client").Socket;
  }

  // The reason why this version skips a scenario that needs `ability`, or undefined.
  lacks(ability) {
    if (!ability) return undefined;
    const { since = [0, 0], until = [Infinity, 0], why } = ABILITIES[ability];
    return this.atLeast(...since) && !this.atLeast(...until) ? undefined : why;
  }

  atLeast(major, minor) {
    const [a, b] = this.version.split(".").map(Number);
    return a > major || (a === major && b >= minor);
  }

  // The environment a server program needs for this version.
  get environment() {
    return this.revision === 3 ? { ALLOW_EIO3: "1" } : {};
  }

  // A socket with a manager of its own. Versions without an auth option send it as a query.
  open(url, options) {
    return this.#io(url, this.#options(options));
  }

  // A further namespace on the connection of `socket`. The manager connects it by itself; a second
  // connect() would send a second CONNECT.
  beside(socket, nsp, options) {
    return socket.io.socket(nsp, this.#options(options));
  }

  #options({ auth, ...options }) {
    if (this.revision === 4) return { ...options, auth };
    const query = { ...options.query, ...auth };
    return Object.keys(query).length > 0 ? { ...options, query: encode(query) } : options;
  }

  setAuth(socket, auth) {
    if (this.revision === 4) socket.auth = auth;
    else socket.query = encode(auth);
  }

  // What the server sees of an auth: a query knows strings only, and the root namespace gets none.
  seenAuth(nsp, auth) {
    if (this.revision === 4) return auth;
    return nsp === "/" ? {} : Object.fromEntries(Object.entries(auth).map(([key, value]) => [key, String(value)]));
  }

  // The id the server knows a socket by; 1.x leaves out the namespace.
  idOf(socket) {
    return this.atLeast(2, 0) || socket.nsp === "/" ? socket.id : `${socket.nsp}#${socket.id}`;
  }

  // Whether a socket reconnects with its connection.
  active(socket) {
    return this.revision === 4 ? socket.active : Boolean(socket.subs);
  }

  // The refusal of a namespace as {message, data}. Revision 3 sends the data or else the message, not both.
  onRefusal(socket, listener) {
    const isRefusal = (error) => error?.type !== "TransportError" && error !== "timeout" && error?.message !== "timeout";
    const name = this.revision === 4 ? "connect_error" : "error";
    const hear = (error) => {
      if (!isRefusal(error)) return;
      socket.off(name, hear);
      listener(error);
    };
    socket.on(name, hear);
  }

  // What onRefusal gives when a middleware refused with this message and data.
  refusal(message, data) {
    return this.revision === 4 ? { message, data } : data ?? message;
  }

  // Stops the client's part in the heartbeat. Its own deadlines too, or the client might be the one to give up.
  mute(engine) {
    if (this.revision === 3) {
      engine.off("heartbeat");
      engine.setPing = () => {};
      for (const timer of [engine.pingIntervalTimer, engine.pingTimeoutTimer]) clearTimeout(timer);
      return;
    }
    for (const name of ["resetPingTimeout", "_resetPingTimeout"]) if (engine[name]) engine[name] = () => {};
    for (const name of ["pingTimeoutTimer", "_pingTimeoutTimer"]) clearTimeout(engine[name]);
    const name = engine._sendPacket ? "_sendPacket" : "sendPacket";
    const send = engine[name].bind(engine);
    engine[name] = (type, ...rest) => (type === "pong" ? undefined : send(type, ...rest));
  }

  // Whether events emitted before the connection are sent before those of the connect listeners.
  get sendsBufferedFirst() {
    return this.atLeast(4, 0) || (this.revision === 3 && this.atLeast(2, 0));
  }

  // The engine's event at each heartbeat.
  get heartbeat() {
    return this.atLeast(4, 1) ? "ping" : "pong";
  }

  // Connects again a socket that was disconnected. Up to 4.0 the end of the old engine, which may come
  // later, ends the new one too, so it is awaited.
  async again(socket) {
    const { engine } = socket.io;
    if (!this.atLeast(4, 1) && engine.readyState === "closing") await event(engine, "close");
    const connect = event(socket, "connect");
    socket.connect();
    await connect;
  }

  // `text` as far as this version can take it from the server over `transport`: 1.x encodes and decodes
  // the text of polling bodies twice, which no server from 2.0 on does.
  text(text, transport) {
    return this.atLeast(2, 0) || transport === "websocket" ? text : text.replace(/[^ -~]/gu, "?");
  }

  // The events an application cannot emit with this version.
  get reservedEvents() {
    return this.revision === 3 ? ["error"] : [];
  }

  // One message as the body of a POST.
  payload(message) {
    return this.revision === 3 ? `${message.length}:${message}` : message;
  }
}

export const client = new Client(process.env.CLIENT ?? NEWEST);

// A query string, with spaces as %20, which is how these versions read it back.
function encode(query) {
  return Object.entries(query).map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
}

function versionOf(folder) {
  return JSON.parse(readFileSync(join(modules, folder, "package.json"), "utf8")).version;
}
