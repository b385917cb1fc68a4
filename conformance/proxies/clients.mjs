// SPDX-License-Identifier: MIT
// Clients of a site: the npm client from an address of its own, and raw requests
// over HTTP/1.1 and HTTP/2.
import http2 from "node:http2";
import https from "node:https";
import { io } from "socket.io-client";
import { transportOptions } from "../lib/transports.mjs";
import { PATIENCE, event, within } from "../lib/wait.mjs";

// The connections of one scenario; end() closes them.
export class Clients {
  #site;
  #ca;
  #sockets = [];
  #agents = [];
  #sessions = [];

  constructor(site, ca) {
    this.#site = site;
    this.#ca = ca;
  }

  agent(from) {
    const agent = new https.Agent({ ca: this.#ca, keepAlive: true, localAddress: from });
    this.#agents.push(agent);
    return agent;
  }

  // A connected npm client. `from` is its address; a client of "upgrade" has upgraded.
  async connect(transport, { from = "127.0.0.1", ...options } = {}) {
    const socket = this.open(transport, { from, ...options });
    if (!socket.connected) await event(socket, "connect");
    if (transport === "upgrade" && socket.io.engine.transport.name !== "websocket") await event(socket.io.engine, "upgrade");
    return socket;
  }

  // The same, not waited for. socket.server() is the server of its present connection.
  open(transport, { from = "127.0.0.1", ...options } = {}) {
    const socket = io(this.#site.origin, {
      ...transportOptions(transport),
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 100,
      timeout: PATIENCE,
      ca: this.#ca,
      agent: this.agent(from),
      ...options,
    });
    let opened;
    const watch = () => socket.io.engine.once("handshake", (data) => (opened = data));
    watch();
    socket.io.on("reconnect_attempt", () => queueMicrotask(watch));
    socket.server = () => this.#site.serverOf(opened);
    this.#sockets.push(socket);
    return socket;
  }

  // One request over HTTP/1.1.
  async request(path, options = {}) {
    return within(this.start(path, options).answer, `the answer to ${options.method ?? "GET"} ${path}`);
  }

  // The same without waiting; the request can be destroyed.
  start(path, { method = "GET", headers = {}, body, agent, from } = {}) {
    const request = https.request(this.#site.origin + path, { method, headers, agent: agent ?? this.agent(from), ca: this.#ca });
    const answer = new Promise((resolve, reject) => {
      request.once("error", reject);
      request.once("response", (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.once("end", () => {
          const bytes = Buffer.concat(chunks);
          resolve({ status: response.statusCode, headers: response.headers, bytes, body: bytes.toString() });
        });
        response.once("error", reject);
      });
      // A WebSocket that is let in.
      request.once("upgrade", (response, socket) => {
        socket.destroy();
        resolve({ status: response.statusCode, headers: response.headers, bytes: Buffer.alloc(0), body: "" });
      });
    });
    answer.catch(() => {}); // a caller that destroys the request may ignore it
    if (body !== null) request.end(body); // else the caller writes it
    return { request, answer };
  }

  // A session on polling, by hand: its path, and what the open packet says.
  async session(options) {
    const { status, body, headers } = await this.request("/socket.io/?EIO=4&transport=polling", options);
    if (status !== 200) throw new Error(`no session: ${status} ${body}`);
    const open = JSON.parse(body.slice(1));
    return { path: `/socket.io/?EIO=4&transport=polling&sid=${encodeURIComponent(open.sid)}`, open, headers };
  }

  // An HTTP/2 connection; the function it returns makes requests on it.
  async http2() {
    const session = http2.connect(this.#site.origin, { ca: this.#ca });
    this.#sessions.push(session);
    await event(session, "connect");
    return (path, { method = "GET", headers = {}, body } = {}, patience = undefined) => {
      const stream = session.request({ ":method": method, ":path": path, ...headers });
      const answer = new Promise((resolve, reject) => {
        let head;
        let text = "";
        stream.setEncoding("utf8");
        stream.once("response", (response) => (head = response));
        stream.on("data", (chunk) => (text += chunk));
        stream.once("end", () => (head ? resolve({ status: head[":status"], headers: head, body: text }) : reject(new Error("the stream ended without an answer"))));
        stream.once("error", reject);
      });
      stream.end(body);
      return within(answer, `the answer to ${method} ${path} over HTTP/2`, patience);
    };
  }

  end() {
    for (const socket of this.#sockets) {
      socket.io.reconnection(false);
      socket.disconnect();
    }
    for (const session of this.#sessions) session.destroy();
    for (const agent of this.#agents) agent.destroy();
  }
}
