// SPDX-License-Identifier: MIT
// Coming back: the server restarts on its port, clients reconnect and go on.
import assert from "node:assert/strict";
import { client } from "../lib/clients.mjs";
import { freePort } from "../lib/port.mjs";
import { finalTransport } from "../lib/transports.mjs";
import { scenario } from "../lib/scenario.mjs";
import { ask, call, event, within } from "../lib/wait.mjs";

for (const how of ["killed", "stopped"]) {
  scenario(`the server is ${how} and starts again on its port`, async (stage) => {
    const program = await stage.ownServer({ PORT: String(await freePort()) });
    const root = await stage.connect({ settled: true, auth: { who: "me" } });
    const custom = await stage.beside(root, "/custom");
    const before = { root: root.id, custom: custom.id };
    await call(root, "join", "a room of the old server");
    const lost = [event(root, "disconnect"), event(custom, "disconnect")];
    if (how === "killed") await program.kill();
    else await program.stop();
    stage.forget(program);
    await Promise.all(lost);
    assert.equal(client.active(root), true);

    const attempt = event(root.io, "reconnect_attempt");
    const failed = event(root.io, "reconnect_error");
    root.emit("collect", "while away");
    const pending = call(root, "echo", "asked while away");
    await attempt;
    await failed;
    const back = [event(root, "connect"), event(custom, "connect"), event(root.io, "reconnect")];
    await stage.ownServer({ PORT: String(program.port) });
    await Promise.all(back);

    assert.deepEqual(await pending, ["asked while away"]);
    assert.deepEqual(await ask(root, "collected"), ["while away"]);
    assert.notEqual(root.id, before.root);
    assert.notEqual(custom.id, before.custom);
    assert.deepEqual(await ask(root, "rooms"), [root.id], "rooms do not survive");
    assert.deepEqual((await ask(root, "handshake")).auth, client.seenAuth("/", { who: "me" }));
    assert.equal(await ask(custom, "echo", "again"), "again");
    if (stage.transport === "upgrade") await stage.upgraded(root);
    assert.equal(await ask(root, "transport"), finalTransport(stage.transport));
  });
}

scenario("ten clients come back to a new server and hear each other", async (stage) => {
  const program = await stage.ownServer({ PORT: String(await freePort()) });
  const clients = await Promise.all(Array.from({ length: 10 }, () => stage.connect({ settled: true })));
  const lost = clients.map((socket) => event(socket, "disconnect"));
  await program.kill();
  stage.forget(program);
  await Promise.all(lost);
  const back = clients.map((socket) => event(socket, "connect"));
  await stage.ownServer({ PORT: String(program.port) });
  await Promise.all(back);
  const heard = clients.map((socket) => event(socket, "chat message"));
  clients[0].emit("chat message", "we are back");
  for (const args of await within(Promise.all(heard), "ten messages")) assert.deepEqual(args, ["we are back"]);
  assert.equal((await ask(clients[0], "stats")).sockets["/"], 10);
});

scenario("the client's own cut connection is made again", async (stage) => {
  const socket = await stage.connect({ settled: true });
  for (let i = 0; i < 3; i++) {
    const back = event(socket, "connect");
    // With a request still in flight the client would close later, and lose the events emitted until then.
    if (socket.io.engine.writeBuffer.length > 0) await event(socket.io.engine, "drain");
    socket.io.engine.close();
    socket.emit("collect", i);
    await back;
    assert.deepEqual(await ask(socket, "collected"), [i]);
  }
});
