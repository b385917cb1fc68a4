// SPDX-License-Identifier: MIT
// The steps of sequences. Each is a label and a function of a Talk.
import { SEPARATOR } from "./talk.mjs";
import { close, short, text } from "./frames.mjs";

export const ENGINE = "/engine.io/?EIO=4&transport=polling";
export const ENGINE_WS = "/engine.io/?EIO=4&transport=websocket";
export const IO = "/socket.io/?EIO=4&transport=polling";
export const IO_WS = "/socket.io/?EIO=4&transport=websocket";
export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const RS = SEPARATOR;
const ROUNDS = 20;
const EARLY = 100; // the server's timers are rounded
const LATE = 15000; // less than a ping timeout of the heartbeat settings, and more than a busy machine takes
const TURNS = 5;
// The time limit, in ms, where one of the servers does not answer.
export const QUIET = 8000;

const step = (label, run) => ({ label: short(label).replaceAll(RS, "<RS>"), run });
const withSid = (base) => `${base}&sid={sid}`;

// A request, whose response is recorded in full. options: {body: false} omits the body.
export function http(method, target, headers, body, options) {
  return step(`${method} ${target}`, async (talk) => {
    const answer = await talk.answer(await talk.send(method, target, headers, body), options?.patience);
    if (answer) talk.noteAnswer(answer, options);
  });
}

export const get = (target, headers, options) => http("GET", target, headers, undefined, options);

// Opens a session over polling.
export const open = (base = ENGINE, headers) => get(base, headers);

// POSTs a payload to the session.
export const post = (payload, { base = ENGINE, headers } = {}) =>
  http("POST", withSid(base), { "Content-Type": "text/plain;charset=UTF-8", ...headers }, payload);

// Sends a request and continues; `answered` reads the response. Waits a moment, so that the server
// receives it before the next step.
export function begin(name, method, target, headers, body) {
  return step(`${method} ${target} begins`, async (talk) => {
    talk.hold(name, await talk.send(method, target, headers, body));
    await moment(talk);
  });
}

export const park = (name = "poll", base = ENGINE) => begin(name, "GET", withSid(base));

export function answered(name = "poll", patience) {
  return step(`the ${name} is answered`, async (talk) => {
    const answer = await talk.answer(talk.held(name), patience);
    if (answer) talk.noteAnswer(answer);
  });
}

// Likewise, and polls on until `count` packets have come, however they are spread over the answers.
export function answeredWith(count, base = ENGINE) {
  return step("the poll is answered, and others", (talk) => pollUntil(talk, base, (packet, n) => n >= count, { first: talk.held("poll") }));
}

// Drops the connection of a request that was begun.
export function abort(name = "poll") {
  return step(`the ${name} is given up`, async (talk) => {
    talk.held(name).wire.destroy();
    await moment(talk);
  });
}

// Sends more bytes on the connection of a request that was begun.
export function more(name, bytes) {
  return step(`more of the ${name}`, (talk) => talk.held(name).wire.write(bytes));
}

// Polls until `count` packets have come, however they are spread over answers. Only the head of
// the first answer is noted, and of one that is no payload.
export function poll(count = 1, base = ENGINE) {
  return step("poll", (talk) => pollUntil(talk, base, (packet, n) => n >= count));
}

// Polls likewise for packets that come in any order: those of two namespaces, say.
export function pollAnyOrder(count, base) {
  return step("poll", async (talk) => {
    await pollUntil(talk, base, (packet, n) => n >= count);
    talk.sort("packet");
  });
}

// With `only`, the last packet or a refusal is noted under that name, and no head. `first` is a poll that was begun.
async function pollUntil(talk, base, done, { only, patience, first } = {}) {
  let packets = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const request = (round === 0 && first) || (await talk.send("GET", withSid(base)));
    const answer = await talk.answer(request, patience);
    if (!answer) return;
    const body = answer.body.toString();
    if (answer.status !== 200) {
      if (only) talk.note(only, `no: ${answer.status} ${body}`);
      else talk.noteAnswer(answer);
      return;
    }
    if (round === 0 && !only) talk.noteHead(answer);
    for (const packet of body.split(SEPARATOR)) {
      talk.learn(packet);
      const last = done(packet, ++packets);
      talk.note(...(last && only ? [only, "yes"] : ["packet", short(packet)]));
      if (last) return;
    }
    if (body === "1" || body.endsWith(`${SEPARATOR}1`)) return;
  }
}

// Checks that the session is open: sends a packet that must be answered, and reads up to the answer.
export function alive(base = ENGINE, patience = undefined) {
  const [ask, reply] = base === ENGINE ? ["4still", "4still"] : ["40/denied,", "44/denied,"];
  return step("is it alive", async (talk) => {
    const answer = await talk.answer(await talk.send("POST", withSid(base), { "Content-Type": "text/plain" }, ask));
    if (!answer) return;
    if (answer.status !== 200) talk.note("alive", `no: ${answer.status} ${answer.body}`);
    else await pollUntil(talk, base, (packet) => packet.startsWith(reply), { only: "alive", patience });
  });
}

// Opens a WebSocket. Headers of undefined are left out.
export function ws(target = ENGINE_WS, headers, name = "socket") {
  return step(`WebSocket ${target}`, async (talk) => {
    const request = await talk.send("GET", target, {
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Key": KEY,
      "Sec-WebSocket-Version": "13",
      ...headers,
    });
    const answer = await talk.answer(request);
    if (!answer) return;
    talk.noteAnswer(answer);
    if (answer.status === 101) talk.keep(name, request.wire);
  });
}

// A WebSocket beside the polling session.
export const candidate = (name, headers) => ws(`${ENGINE_WS}&sid={sid}`, headers, name);

// Sends frames; a string is a text frame, in which "{ack}" is the acknowledgement last asked for.
export function send(...frames) {
  return sendOn("socket", ...frames);
}

export function sendOn(name, ...frames) {
  const bytes = (talk) => frames.map((one) => (typeof one === "string" ? text(talk.fill(one)) : one));
  const label = frames.map((one) => (typeof one === "string" ? one : "frame")).join(", ");
  return step(`send ${label}`, (talk) => talk.wire(name)?.write(Buffer.concat(bytes(talk))));
}

// Records the next frames, or "gone" if the connection has ended before.
export function recv(count = 1, name = "socket", patience = undefined) {
  return step("receive", (talk) => noteFrames(talk, name, (line, n) => n >= count, patience));
}

// Records frames up to the end of the connection.
export function untilEnd(name = "socket", patience) {
  return step("receive to the end", (talk) => noteFrames(talk, name, () => false, patience));
}

async function noteFrames(talk, name, done, patience) {
  if (!talk.wire(name)) talk.note("frame", "gone");
  for (const line of await talk.frames(name, done, patience)) talk.note("frame", line);
}

// Like `alive`, on a WebSocket.
export function wsAlive(kind = "engine", name = "socket") {
  const [ask, reply] = kind === "engine" ? ["4still", "text 4still"] : ["40/denied,", "text 44/denied,"];
  return step("is it alive", async (talk) => {
    talk.wire(name)?.write(text(ask));
    const lines = await talk.frames(name, (line) => line.startsWith(reply));
    const lives = lines.at(-1)?.startsWith(reply);
    for (const line of lives ? lines.slice(0, -1) : lines) talk.note("frame", line);
    talk.note("alive", lives ? "yes" : "no");
  });
}

// Ends our side of the connection without a close frame.
export function hangUp(name = "socket") {
  return step("hang up", async (talk) => {
    talk.wire(name)?.finish();
    await moment(talk);
  });
}

export function wait(ms) {
  return step(`wait ${ms} ms`, (talk) => moment(talk, ms));
}

// Sends noops until the session is gone, which is no sign of life.
export function untilGone() {
  return step("until it is gone", async (talk) => {
    for (;;) {
      const answer = await talk.answer(await talk.send("POST", withSid(ENGINE), { "Content-Type": "text/plain" }, "6"));
      if (answer?.status !== 200) return;
      await moment(talk);
    }
  });
}

// From here, `after` counts: a mark stands before the step that makes the server's clock start.
export const mark = () => step("the clock starts", (talk) => (talk.since = performance.now()));

// Records whether the time since `mark` is at least `least` and not much more, in ms.
export function after(least) {
  return step(`after ${least} ms`, (talk) => {
    const passed = performance.now() - talk.since;
    talk.note("time", passed < least - EARLY ? "too early" : passed > least + LATE ? "too late" : "in time");
  });
}

// The end of every sequence: each remaining WebSocket is closed in order, and must send only a
// close frame. It is not compared if one side has no WebSocket left: an earlier step shows that.
export function farewell(name) {
  return step(`goodbye, ${name}`, async (talk) => {
    talk.wire(name).write(close(1000));
    talk.note("goodbye", (await talk.frames(name, () => false)).join(", "));
  });
}

// Waits, and then until the server has answered others, so that earlier data has reached it too.
async function moment(talk, ms = 80) {
  await new Promise((resolve) => setTimeout(resolve, ms));
  for (let i = 0; i < TURNS; i++) await talk.turn();
}

// A table of sequences that share settings and the beginning of their name.
export function group(name, settings, table) {
  return Object.entries(table).map(([title, steps]) => ({ name: `${name}: ${title}`, settings, steps }));
}
