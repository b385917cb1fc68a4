// SPDX-License-Identifier: MIT
// Recovery: clients that lose their connection come back and miss nothing.
import assert from "node:assert/strict";
import { scenario } from "../lib/scenario.mjs";
import { ask, call, event, until } from "../lib/wait.mjs";

const recovery = { needs: "recovery" };

// A client whose connection is closed, and that connects again when the scenario says so.
async function recoverable(stage) {
  await stage.ownServer({ RECOVERY: "2m" });
  const socket = await stage.connect({ settled: true });
  const other = await stage.connect({ settled: true });
  socket.io.reconnection(false);
  const heard = [];
  // The server also sends an event to each socket that joins.
  socket.onAny((name, ...args) => ["chat message", "volatile"].includes(name) && heard.push([name, ...args]));
  // A round trip: what was sent before the answer has arrived.
  async function heardSoFar() {
    await ask(socket, "echo", "so far");
    return heard;
  }
  return {
    socket,
    other,
    heard,
    async drop() {
      const gone = event(socket, "disconnect");
      socket.io.engine.close();
      await gone;
    },
    async comeBack() {
      const back = event(socket, "connect");
      socket.connect();
      await back;
      if (stage.transport === "upgrade") await stage.upgraded(socket);
    },
    hears: (count) => until(() => heardSoFar(), (got) => got.length >= count, `${count} events`),
  };
}

const position = /^[\w-]+\.[0-9a-z]+$/;

scenario(
  "ten recoveries in a row, the first before any event",
  async (stage) => {
    const { socket, other, heard, drop, comeBack, hears } = await recoverable(stage);
    const id = socket.id;
    for (let i = 0; i < 10; i++) {
      await drop();
      if (i % 2 === 0) await call(other, "chat message", `missed ${i}`);
      await comeBack();
      assert.equal(socket.recovered, true);
      assert.equal(socket.id, id);
      if (i % 3 === 0) await call(other, "chat message", `live ${i}`);
    }
    const expected = [];
    for (let i = 0; i < 10; i++) {
      if (i % 2 === 0) expected.push(`missed ${i}`);
      if (i % 3 === 0) expected.push(`live ${i}`);
    }
    await hears(expected.length);
    assert.deepEqual(heard.map((args) => args[1]), expected);
    for (const args of heard) assert.match(args.at(-1), position);
  },
  recovery,
);

for (const [kind, args] of Object.entries({
  "no argument": [],
  "a string": ["text"],
  "a number": [1],
  null: [null],
  "an object": [{ a: "text" }],
  "an array": [["text"]],
  bytes: [Buffer.from("text")],
  "a string before bytes": ["text", Buffer.from("text")],
})) {
  scenario(
    `recovery after a volatile event with ${kind}`,
    async (stage) => {
      const { socket, other, heard, drop, comeBack, hears } = await recoverable(stage);
      await call(other, "chat message", "before");
      await hears(1);
      await call(socket, "volatile", "volatile", ...args);
      await ask(socket, "echo", "all has arrived");
      await drop();
      await call(other, "chat message", "missed");
      await comeBack();
      assert.equal(socket.recovered, true);
      await ask(socket, "echo", "all has arrived");
      assert.deepEqual(heard.filter(([name]) => name === "chat message").map((event) => event[1]), ["before", "missed"]);
    },
    recovery,
  );
}

scenario(
  "a client that disconnects on purpose, or has a foreign position, is not recovered",
  async (stage) => {
    const { socket, drop, comeBack } = await recoverable(stage);
    const id = socket.id;
    socket.disconnect();
    await comeBack();
    assert.equal(socket.recovered ?? false, false);
    assert.notEqual(socket.id, id);
    socket._lastOffset = "of another server";
    await drop();
    await comeBack();
    assert.equal(socket.recovered ?? false, false);
    await drop();
    await comeBack();
    assert.equal(socket.recovered, true, "the position with which a session began is its beginning");
  },
  recovery,
);
