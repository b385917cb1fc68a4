// SPDX-License-Identifier: MIT
// After onAny and onAnyOutgoing in socket.ts of the npm server.
import assert from "node:assert/strict";
import { scenario } from "../lib/scenario.mjs";
import { ask, call, event } from "../lib/wait.mjs";

// The events that the listeners of `socket` received, without the request for them.
async function heard(socket, way) {
  return (await ask(socket, "heard")).filter(([found, name]) => found === way && name !== "heard").map(([, ...rest]) => rest);
}

scenario("a catch-all hears incoming events", async (stage) => {
  const socket = await stage.connect();
  await call(socket, "listen");
  socket.emit("unknown to all", 1, Buffer.from("two"), { three: [4] });
  await ask(socket, "echo", "five");
  assert.deepEqual(await heard(socket, "in"), [["unknown to all", 1, Buffer.from("two"), { three: [4] }], ["echo", "five"]]);
});

scenario("a catch-all that was removed hears nothing", async (stage) => {
  const socket = await stage.connect();
  await call(socket, "listen");
  await heard(socket, "in");
  socket.emit("collect", 1);
  await call(socket, "burst", 1);
  assert.deepEqual([await heard(socket, "in"), await heard(socket, "out")], [[], []]);
  await call(socket, "listen");
  socket.emit("collect", 2);
  assert.deepEqual(await heard(socket, "in"), [["collect", 2]]);
});

scenario("a catch-all hears what goes out, by itself or in a broadcast", async (stage) => {
  const socket = await stage.connect();
  const other = await stage.connect();
  await call(socket, "listen");
  const last = event(socket, "news 4");
  await call(socket, "series", { event: "news 1", args: ["123"] }, { event: "news 2", target: { via: "io" }, args: [1] });
  await call(other, "send", { via: "socket" }, "news 3", Buffer.from([1, 2, 3]));
  await call(other, "send", { via: "io", except: [socket.id] }, "not to me");
  await call(socket, "send", { via: "socket" }, "nor this");
  await call(other, "send", { via: "io", to: [socket.id] }, "news 4");
  await last;
  assert.deepEqual(await heard(socket, "out"), [["news 1", "123"], ["news 2", 1], ["news 3", Buffer.from([1, 2, 3])], ["news 4"]]);
});
