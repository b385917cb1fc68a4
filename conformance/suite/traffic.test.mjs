// SPDX-License-Identifier: MIT
// Constant traffic in both directions, with an upgrade in the middle of it, and messages over the limit.
import assert from "node:assert/strict";
import { client } from "../lib/clients.mjs";
import { connected, scenario } from "../lib/scenario.mjs";
import { ask, call, event, until, within } from "../lib/wait.mjs";

const TAIL = 100; // messages in each direction after the upgrade, or in all without one
const OFTEN = process.env.SHORT ? 3 : 20; // rounds of checks that must hold every time

scenario("every message counted once and in order under constant traffic", async (stage) => {
  for (let round = 0; round < 3; round++) await traffic(stage);
});

async function traffic(stage) {
  const socket = stage.open();
  const down = [];
  const offered = [];
  let count = 0;
  socket.on("down", (n, bytes) => {
    down.push(n);
    if (n % 10 === 9) assert.deepEqual(bytes, Buffer.from([n & 255]));
  });
  const upgraded = stage.transport === "upgrade" ? stage.upgraded(socket) : Promise.resolve();
  await connected(socket);
  socket.emit("pump-start", () => {});
  const pump = setInterval(() => {
    const n = count++;
    offered.push(n);
    if (n % 10 === 4) socket.emit("collect", n, Buffer.from("extra"));
    else socket.emit("collect", n);
  }, 1);
  try {
    await upgraded;
    const target = { up: count + TAIL, down: down.length + TAIL };
    await within(
      new Promise((resolve) => {
        const look = () => {
          if (count < target.up || down.length < target.down) return;
          socket.off("down", look);
          resolve();
        };
        socket.on("down", look);
      }),
      `${TAIL} more messages each way`,
    );
  } finally {
    clearInterval(pump);
  }
  const sent = await ask(socket, "pump-stop");
  assert.deepEqual(down, range(sent), "down: each once, in order");
  assert.deepEqual(await ask(socket, "collected"), offered, "up: each once, in order");
  socket.disconnect();
}

// Each answer triggers the next request at once, so that a server that is slow to put one request
// behind it meets the next one.
scenario("many round trips in a row lose no connection", async (stage) => {
  const lost = [];
  await Promise.all(Array.from({ length: 8 }, async () => {
    const socket = await stage.connect({ reconnection: false });
    const failed = new Promise((_, reject) => socket.once("disconnect", (reason) => reject(new Error(`lost: ${reason}`))));
    failed.catch((error) => lost.push(error.message));
    for (let i = 0; i < 10 * OFTEN; i++) {
      assert.deepEqual(await Promise.race([call(socket, "echo", i, Buffer.from("x")), failed]), [i, Buffer.from("x")]);
    }
    socket.off("disconnect");
  }));
  assert.deepEqual(lost, []);
});

scenario("large messages under an upgrade", async (stage) => {
  const socket = stage.open();
  const big = "x".repeat(200000);
  const upgraded = stage.transport === "upgrade" ? stage.upgraded(socket) : Promise.resolve();
  await connected(socket);
  // Before 4.5 a client put all it had into one POST, over the server's limit with eight.
  const count = client.atLeast(4, 5) ? 8 : 4;
  const answers = Array.from({ length: count }, (_, i) => ask(socket, "echo", { i, big, bytes: Buffer.alloc(20000, i) }));
  for (const [i, answer] of (await Promise.all(answers)).entries()) {
    assert.equal(answer.i, i);
    assert.equal(answer.big.length, big.length);
    assert.deepEqual(answer.bytes, Buffer.alloc(20000, i));
  }
  await upgraded;
});

scenario("a message over the limit affects only its sender's connection", async (stage) => {
  const bystander = await stage.connect();
  let harmed = 0;
  bystander.on("disconnect", () => harmed++);
  const socket = await stage.connect({ settled: true });
  const watcher = await stage.watch(socket);
  const ended = event(socket, "disconnect");
  const old = socket.id;
  const polls = socket.io.engine.transport.name === "polling"; // also if the upgrade was rejected
  socket.emit("collect", "x".repeat(1200000));
  const [reason, details] = await ended;
  if (polls) {
    assert.equal(reason, "transport error");
    if (details) assert.equal(details.description, 413);
  } else {
    assert.equal(reason, "transport close");
    // The close code is reported since 4.5.
    if (client.atLeast(4, 5)) assert.equal(details.context.code, 1009);
  }
  assert.match((await watcher.gone()).reason, /^transport (close|error)$/);
  await until(async () => socket.connected || event(socket, "connect"), Boolean, "the sender's return");
  assert.notEqual(socket.id, old);
  assert.deepEqual(await ask(socket, "collected"), [], "nothing of it was delivered");
  assert.equal(await ask(bystander, "echo", "unharmed"), "unharmed");
  assert.equal(harmed, 0);
});

scenario("a message over the limit is answered 413, every time", async (stage) => {
  // With a poll that waits, and in the answer to one, before the next.
  for (const parked of [true, false]) {
    for (let round = 0; round < OFTEN; round++) {
      await Promise.all(Array.from({ length: 5 }, async () => {
        const socket = await stage.connect({ settled: true });
        socket.io.reconnection(false);
        const ended = event(socket, "disconnect");
        let begun;
        const tooMuch = () => {
          begun = Date.now();
          socket.emit("collect", "x".repeat(1200000));
        };
        if (parked) tooMuch();
        else socket.emit("echo", 1, tooMuch);
        const [reason, details] = await ended;
        assert.equal(reason, "transport error");
        // A client that was busy for two seconds may see first how its poll ended.
        const late = Date.now() - begun > 2000;
        if (details && !(late && details.description === 400)) assert.equal(details.description, 413);
      }));
    }
  }
}, { on: ["polling"] });

scenario("a request body over the limit is answered 413", async (stage) => {
  const url = `${stage.program.url}/socket.io/?EIO=${client.revision}&transport=polling`;
  const { sid } = JSON.parse((await (await fetch(url)).text()).match(/\{.*?\}/)[0]);
  const post = (body) => fetch(`${url}&sid=${sid}`, { method: "POST", body: client.payload(body), headers: { "content-type": "text/plain" } });
  assert.equal((await post(client.revision === 3 ? '42["hello"]' : "40")).status, 200);
  const { status } = await post(`42["collect","${"x".repeat(1200000)}"]`);
  assert.equal(status, 413);
  const left = await post("1");
  assert.ok(left.status === 200 || left.status === 400, "the session may be gone already");
  await left.text();
}, { on: ["polling"] });

scenario("a binary message over the limit", async (stage) => {
  const socket = await stage.connect({ settled: true });
  const ended = event(socket, "disconnect");
  const polls = socket.io.engine.transport.name === "polling";
  socket.emit("collect", Buffer.alloc(1200000));
  assert.match((await ended)[0], polls ? /^transport (error|close)$/ : /^transport close$/);
  await until(async () => socket.connected || event(socket, "connect"), Boolean, "the sender's return");
  assert.equal(await ask(socket, "echo", "back"), "back");
});

scenario("more attachments than allowed close only that connection", async (stage) => {
  const bystander = await stage.connect();
  const socket = await stage.connect({ settled: true, reconnection: false });
  const watcher = await stage.watch(socket);
  const ended = event(socket, "disconnect");
  socket.emit("collect", Array.from({ length: 11 }, () => Buffer.from("x")));
  assert.match((await ended)[0], /^transport (close|error)$/);
  assert.match((await watcher.gone()).reason, /^forced close$/);
  assert.equal(await ask(bystander, "echo", "unharmed"), "unharmed");
});

scenario("five thousand emits at once arrive in order", async (stage) => {
  const socket = await stage.connect();
  for (let i = 0; i < 5000; i++) socket.emit("collect", i);
  assert.deepEqual(await ask(socket, "collected"), range(5000));
});

scenario("two thousand events queue behind a handler that awaits its client", async (stage) => {
  const socket = await stage.connect();
  socket.on("question", (answer) => {
    for (let i = 0; i < 2000; i++) socket.emit("collect", i);
    answer("after them");
  });
  assert.deepEqual(await ask(socket, "ask", 60000, "question"), { ok: true, reply: ["after them"] });
  assert.deepEqual(await ask(socket, "collected"), range(2000));
});

scenario("a reader that pauses gets everything afterwards", async (stage) => {
  const socket = await stage.connect({ settled: true });
  const heard = [];
  socket.on("burst", (i) => heard.push(i));
  const raw = socket.io.engine.transport.ws._socket;
  raw.pause();
  const done = call(socket, "burst", 5000);
  const other = await stage.connect({ transport: "websocket" });
  for (let i = 0; i < 20; i++) await ask(other, "echo", i);
  raw.resume();
  await done;
  assert.deepEqual(heard, range(5000));
}, { on: ["websocket", "upgrade"] });

function range(length) {
  return Array.from({ length }, (_, i) => i);
}
