// SPDX-License-Identifier: MIT
// After handshake.ts of the npm server: CORS headers, and an application that rejects requests.
import assert from "node:assert/strict";
import { scenario } from "../lib/scenario.mjs";
import { ask, event } from "../lib/wait.mjs";

const ORIGIN = "https://page.example";
const CORS = { CORS_ORIGIN: ORIGIN, CORS_CREDENTIALS: "1" };

scenario("a preflight is told what a page may do", async (stage) => {
  const { url } = await stage.ownServer(CORS);
  const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling`, {
    method: "OPTIONS",
    headers: { origin: ORIGIN, "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
  });
  assert.equal(answer.status, 204);
  const header = (name) => answer.headers.get(`access-control-allow-${name}`);
  assert.equal(header("origin"), ORIGIN);
  assert.equal(header("methods").replaceAll(" ", ""), "GET,POST");
  assert.equal(header("headers"), "content-type");
  assert.equal(header("credentials"), "true");
}, { on: ["polling"] });

scenario("a page of an allowed origin opens a session", async (stage) => {
  const { url } = await stage.ownServer(CORS);
  const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling`, { headers: { origin: ORIGIN } });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("access-control-allow-origin"), ORIGIN);
  assert.equal(answer.headers.get("access-control-allow-credentials"), "true");
  const { sid } = JSON.parse((await answer.text()).slice(1));
  assert.equal((await fetch(`${url}/socket.io/?EIO=4&transport=polling&sid=${sid}`, { method: "POST", body: "1" })).status, 200);
}, { on: ["polling"] });

scenario("the application lets a request in", async (stage) => {
  await stage.ownServer({ HANDSHAKE_TOKEN: "secret" });
  const socket = await stage.connect({ settled: true, extraHeaders: { "x-token": "secret" } });
  assert.equal(await ask(socket, "echo", "in"), "in");
});

scenario("the application refuses a request", async (stage) => {
  await stage.ownServer({ HANDSHAKE_TOKEN: "secret" });
  const socket = stage.open({ reconnection: false, extraHeaders: { "x-token": "guess" } });
  const [error] = await event(socket, "connect_error");
  if (stage.transport !== "websocket") assert.equal(error.description, 403);
  else assert.equal(error.type, "TransportError");
  assert.equal(socket.connected, false);
});
