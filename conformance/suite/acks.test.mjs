// SPDX-License-Identifier: MIT
// Acknowledgements both ways: values, binary, several arguments, deadlines, waiting inside a handler.
import assert from "node:assert/strict";
import { client } from "../lib/clients.mjs";
import { scenario } from "../lib/scenario.mjs";
import { ask, call, within } from "../lib/wait.mjs";

scenario("the server acknowledges with several arguments", async (stage) => {
  const socket = await stage.connect();
  assert.deepEqual(await call(socket, "message-with-ack", 1, "b", { c: [Buffer.from("c")] }, null), [
    1, "b", { c: [Buffer.from("c")] }, null,
  ]);
  if (socket.emitWithAck) assert.deepEqual(await socket.emitWithAck("echo", "a promise"), "a promise");
});

scenario("two hundred acknowledgements in flight", async (stage) => {
  const socket = await stage.connect();
  const answers = await within(
    Promise.all(Array.from({ length: 200 }, (_, i) => ask(socket, "echo", i % 7 === 0 ? { i, b: Buffer.from([i]) } : { i }))),
    "200 acknowledgements",
  );
  assert.deepEqual(answers.map(({ i }) => i), Array.from({ length: 200 }, (_, i) => i));
});

scenario("an event without a handler is not acknowledged", async (stage) => {
  const socket = await stage.connect();
  let answers = 0;
  socket.emit("nobody listens", () => answers++);
  assert.equal(await ask(socket, "echo", "still here"), "still here");
  assert.equal(answers, 0, "its answer would have come before this one");
  if (client.atLeast(4, 6)) {
    await assert.rejects(socket.timeout(150).emitWithAck("nobody listens"), /operation has timed out/);
  }
});

scenario("the server asks and gets the reply", async (stage) => {
  const socket = await stage.connect();
  socket.on("question", (a, b, answer) => answer({ a, b }, "second", [3]));
  assert.deepEqual(await ask(socket, "ask", 60000, "question", 1, "two"), { ok: true, reply: [{ a: 1, b: "two" }, "second", [3]] });
});

scenario("the server asks and gets an empty reply", async (stage) => {
  const socket = await stage.connect();
  socket.on("question", (answer) => answer());
  assert.deepEqual(await ask(socket, "ask", 60000, "question"), { ok: true, reply: [] });
});

scenario("the server asks with binary and gets binary", async (stage) => {
  const socket = await stage.connect();
  socket.on("question", (value, answer) => answer(value.bytes, { nested: [Buffer.from("reply"), Buffer.alloc(0)] }));
  const sent = { bytes: Buffer.from([1, 2, 3]), text: "é" };
  assert.deepEqual(await ask(socket, "ask", 60000, "question", sent), {
    ok: true,
    reply: [Buffer.from([1, 2, 3]), { nested: [Buffer.from("reply"), Buffer.alloc(0)] }],
  });
});

scenario("the client emits with acknowledgement while it handles one", async (stage) => {
  const socket = await stage.connect();
  // The server's handler waits for this answer, which itself waits for the server: an acknowledgement
  // must not queue behind the handler that awaits it.
  socket.on("question", (n, answer) => {
    socket.emit("collect", n);
    answer(n * 2);
  });
  const answers = await Promise.all([1, 2, 3].map((n) => ask(socket, "ask", 60000, "question", n)));
  assert.deepEqual(answers, [1, 2, 3].map((n) => ({ ok: true, reply: [n * 2] })));
  assert.deepEqual(await ask(socket, "collected"), [1, 2, 3]);
});

scenario("the server's deadline ends its waiting", async (stage) => {
  const socket = await stage.connect();
  let late;
  socket.on("question", (answer) => (late = answer));
  assert.deepEqual(await ask(socket, "ask", 100, "question"), { ok: false, error: "timeout" });
  late("too late");
  assert.equal(await ask(socket, "echo", "unharmed"), "unharmed");
  socket.off("question").on("question", (answer) => answer("in time"));
  assert.deepEqual(await ask(socket, "ask", 60000, "question"), { ok: true, reply: ["in time"] });
});

scenario("an acknowledgement is sent once and at most once", async (stage) => {
  const socket = await stage.connect();
  socket.on("question", (answer) => {
    answer("first");
    answer("second");
  });
  assert.deepEqual(await ask(socket, "ask", 60000, "question"), { ok: true, reply: ["first"] });
  let answers = 0;
  socket.emit("echo", 1, () => answers++);
  await ask(socket, "echo", 2);
  assert.equal(answers, 1);
});

scenario("acknowledgements of two namespaces do not mix", async (stage) => {
  const root = await stage.connect();
  const custom = await stage.beside(root, "/custom");
  const answers = await within(
    Promise.all(Array.from({ length: 50 }, (_, i) => ask(i % 2 ? root : custom, "echo", i))),
    "50 acknowledgements",
  );
  assert.deepEqual(answers, Array.from({ length: 50 }, (_, i) => i));
});

scenario("the connection's end fails what still waits", async (stage) => {
  const socket = await stage.connect();
  const waiting = socket.timeout(60000).emitWithAck("nobody listens");
  const rejected = assert.rejects(waiting, /socket has been disconnected/);
  socket.emit("disconnect-me", true);
  await within(rejected, "the rejection");
}, { needs: "failing what waits" });
