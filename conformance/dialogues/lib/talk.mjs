// SPDX-License-Identifier: MIT
// A Talk runs one sequence with one server, and records the server's reactions: for each step a
// list of [what, value], in which ids and ports are replaced by names.
import { requestBytes, readAnswer } from "./http.mjs";
import { CLOSE, describe, frame, readFrame, short } from "./frames.mjs";
import { Silence, Wire } from "./wire.mjs";

export const SEPARATOR = "\x1e";
// Headers about the connection or the time, which are not part of the response.
const IGNORED = new Set(["date", "connection", "keep-alive", "content-length", "transfer-encoding"]);
// The expected response to the key that `ws` sends.
const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

export class Talk {
  record = [];
  #ids = new Map(); // the server's id of a session or socket, to our name
  #wires = new Map(); // WebSockets by name
  #pending = new Map(); // requests not answered yet, by name
  #opened = [];

  constructor(port) {
    this.port = port;
    this.values = { host: `127.0.0.1:${port}`, port: String(port) };
  }

  // Fills in "{sid}" and the like.
  fill(template) {
    return template.replace(/\{(\w+)\}/g, (all, name) => this.values[name] ?? all);
  }

  begin(label) {
    this.record.push({ label, seen: [] });
  }

  note(what, value) {
    this.record.at(-1).seen.push([what, this.#clean(String(value))]);
  }

  // Sorts the records of this step under a name.
  sort(what) {
    const { seen } = this.record.at(-1);
    const values = seen.filter(([name]) => name === what).map(([, value]) => value).sort();
    for (const entry of seen) if (entry[0] === what) entry[1] = values.shift();
  }

  #clean(value) {
    for (const [id, name] of this.#ids) value = value.replaceAll(id, name);
    return value.replaceAll(this.values.host, "<host>");
  }

  // Remembers the ids that a text introduces.
  learn(source) {
    for (const [, key, id] of source.matchAll(/\\?"(sid|pid)\\?":\\?"([\w-]+)/g)) {
      if (!this.#ids.has(id)) this.#ids.set(id, `<${key}${this.#ids.size + 1}>`);
      if (/^(\d+:)?0\{/.test(source) && key === "sid") this.values.sid = id;
    }
  }

  // The id of an acknowledgement that a server asks for depends on what it has asked before.
  #learnAck(line) {
    return line.replace(/^text 42(\d+)\["question"/, (all, id) => {
      this.values.ack = id;
      return 'text 42<ack>["question"';
    });
  }

  async connect() {
    const wire = await Wire.open(this.port);
    this.#opened.push(wire);
    return wire;
  }

  // Sends a request on a connection of its own.
  async send(method, target, headers, body) {
    const wire = await this.connect();
    const filled = Object.fromEntries(
      Object.entries(headers ?? {}).map(([name, value]) => [name, typeof value === "string" ? this.fill(value) : value]),
    );
    wire.write(requestBytes(method, this.fill(target), { Host: this.values.host, ...filled }, body));
    return { wire, method };
  }

  // One request that has nothing to do with the sequence.
  async turn() {
    const { wire, method } = await this.send("GET", "/nothing");
    await readAnswer(wire, method);
    wire.destroy();
  }

  hold(name, request) {
    this.#pending.set(name, request);
  }

  held(name) {
    const request = this.#pending.get(name);
    if (!request) throw new Error(`no request is called ${name}`);
    return request;
  }

  // Reads the response to a request; undefined if there is none, which is recorded.
  async answer({ wire, method }, patience) {
    try {
      const answer = await readAnswer(wire, method, patience);
      if (answer === undefined) this.note("status", "connection closed");
      else if (answer.status !== 101) wire.destroy();
      return answer;
    } catch (error) {
      if (!(error instanceof Silence)) throw error;
      this.note("status", "no answer");
      return undefined;
    }
  }

  noteAnswer(answer, { body = true } = {}) {
    this.learn(answer.body.toString());
    this.values.etag = answer.headers.get("etag") ?? this.values.etag;
    this.noteHead(answer);
    if (body) this.note("body", short(printable(answer)));
  }

  noteHead({ status, version, headers, interim, framing }) {
    if (interim.length > 0) this.note("interim", interim.join(" "));
    this.note("status", status);
    if (status === 101 && version !== "HTTP/1.1") this.note("version", version);
    this.note("framing", framing);
    for (const [name, value] of headers) {
      if (IGNORED.has(name)) continue;
      this.note(`header ${name}`, name === "sec-websocket-accept" && value === ACCEPT ? "as computed" : value);
    }
  }

  keep(name, wire) {
    this.#wires.set(name, wire);
  }

  wire(name) {
    return this.#wires.get(name);
  }

  // Reads frames until `done` says so, or to the end, and returns them as lines. A close frame is
  // answered as a client does; its line stands for the end of the connection too.
  async frames(name, done, patience) {
    const wire = this.wire(name);
    const lines = [];
    if (!wire) return lines;
    try {
      for (;;) {
        const one = await readFrame(wire, patience);
        if (one === undefined) {
          this.#wires.delete(name);
          wire.finish();
          if (!lines.at(-1)?.startsWith("close")) lines.push("end");
          return lines;
        }
        lines.push(describe(one));
        if (one.opcode === CLOSE) {
          wire.write(frame(CLOSE, one.payload.subarray(0, 2)));
          continue;
        }
        this.learn(one.payload.toString());
        lines.push(this.#learnAck(lines.pop()));
        if (done(lines.at(-1), lines.length)) return lines;
      }
    } catch (error) {
      if (!(error instanceof Silence)) throw error;
      lines.push("silence");
      return lines;
    }
  }

  openWires() {
    return [...this.#wires.keys()];
  }

  dispose() {
    for (const wire of this.#opened) wire.destroy();
  }
}

// The body of an answer as text; a coded one by its size, a binary one in hexadecimal.
function printable({ headers, body }) {
  if (headers.get("content-type") === "application/octet-stream") return body.toString("hex");
  return headers.has("content-encoding") ? `${body.length} bytes` : body.toString().replaceAll(SEPARATOR, "<RS>");
}
