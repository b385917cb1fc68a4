// SPDX-License-Identifier: MIT
// After server-attachment.ts of the npm server, and what its engine does with HTTP: the client's files,
// cookies, middleware, compression, refused requests.
import assert from "node:assert/strict";
import { get } from "node:http";
import { scenario } from "../lib/scenario.mjs";
import { ask, call, event, within } from "../lib/wait.mjs";

const polling = { on: ["polling"] };
const POLL = "/socket.io/?EIO=4&transport=polling";

scenario("the client's files are served", async (stage) => {
  const { url } = stage.program;
  for (const name of ["socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.msgpack.min.js", "socket.io.js?buster=1"]) {
    const file = await fetch(`${url}/socket.io/${name}`);
    assert.equal(file.status, 200, name);
    assert.match(file.headers.get("content-type"), /^(application|text)\/javascript; charset=utf-8$/i);
    assert.match(await file.text(), /io/);
    const tag = (await raw(`${url}/socket.io/${name}`)).headers.etag; // of the form that is not compressed
    for (const match of [tag, `W/${tag}`]) {
      assert.equal((await raw(`${url}/socket.io/${name}`, { "if-none-match": match })).statusCode, 304, match);
    }
  }
  const map = await fetch(`${url}/socket.io/socket.io.min.js.map`);
  assert.equal(map.status, 200);
  assert.match(map.headers.get("content-type"), /^application\/json/);
  await map.json();
}, polling);

scenario("the client's files are compressed as the browser asks", async (stage) => {
  const file = `${stage.program.url}/socket.io/socket.io.js`;
  for (const [accept, encoding] of [["gzip", "gzip"], ["br", "br"], ["gzip, deflate, br", /^(gzip|br)$/], ["identity", undefined]]) {
    const { statusCode, headers } = await raw(file, { "accept-encoding": accept });
    assert.equal(statusCode, 200);
    if (encoding instanceof RegExp) assert.match(headers["content-encoding"], encoding);
    else assert.equal(headers["content-encoding"], encoding, accept);
  }
}, polling);

scenario("the client's files may be loaded by another page", async (stage) => {
  const { url } = await stage.ownServer({ CORS_ORIGIN: "https://page.example" });
  const file = await fetch(`${url}/socket.io/socket.io.js`, { headers: { origin: "https://page.example" } });
  assert.match(file.headers.get("access-control-allow-origin"), /^(\*|https:\/\/page\.example)$/);
  await file.text();
}, polling);

scenario("no other file is served, and none if the server shall not", async (stage) => {
  const { url } = stage.program;
  for (const name of ["package.json", "socket.io.mjs", "..%2fpackage.json", "dist.go"]) {
    const { status } = await fetch(`${url}/socket.io/${name}`);
    assert.ok(status === 400 || status === 404, `${name}: ${status}`);
  }
  const without = await stage.ownServer({ SERVE_CLIENT: "0" });
  const { status } = await fetch(`${without.url}/socket.io/socket.io.js`);
  assert.ok(status === 400 || status === 404, `${status}`);
}, polling);

scenario("a cookie comes with the session, once", async (stage) => {
  const { url } = await stage.ownServer({ COOKIE: "sticky" });
  const first = await raw(`${url}${POLL}`);
  assert.match(first.headers["set-cookie"][0], /^sticky=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/);
  const poll = `${url}${POLL}&sid=${JSON.parse(first.body.slice(1)).sid}`;
  const post = await fetch(poll, { method: "POST", body: "40" });
  assert.equal(post.headers.get("set-cookie"), null);
  const second = await raw(poll);
  assert.equal(second.headers["set-cookie"], undefined);
  await fetch(poll, { method: "POST", body: "1" });
}, polling);

scenario("HTTP middleware runs for every transport", async (stage) => {
  await stage.ownServer({ MIDDLEWARE: "it ran" });
  const socket = stage.open();
  await event(socket, "connect");
  assert.equal(await ask(socket, "echo", "in"), "in");
  const opening = { connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": "AQIDBAUGBwgJCgsMDQ4PEA==" };
  const { url } = stage.program;
  const answer = stage.transport === "polling" ? await raw(`${url}${POLL}`) : await raw(`${url}/socket.io/?EIO=4&transport=websocket`, opening);
  assert.equal(answer.headers["x-middleware"], "it ran");
});

scenario("refused requests are counted by their reason", async (stage) => {
  const { url } = await stage.ownServer();
  const codes = [];
  for (const [path, options] of [
    ["/socket.io/?EIO=4&transport=pigeon"],
    ["/socket.io/?EIO=4&transport=polling&sid=unknown"],
    ["/socket.io/?EIO=4&transport=polling", { method: "POST" }],
    ["/socket.io/?EIO=3&transport=polling"],
  ]) {
    const answer = await fetch(url + path, options);
    assert.equal(answer.status, 400);
    codes.push((await answer.json()).code);
  }
  assert.deepEqual(codes, [0, 1, 2, 5]);
  assert.deepEqual(await ask(await stage.connect({ transport: "websocket" }), "refusals"), codes);
}, polling);

scenario("a message is compressed unless the sender says no", async (stage) => {
  const { url } = await stage.ownServer({ COMPRESSION: "1" });
  const open = await raw(`${url}${POLL}`);
  const poll = `${url}${POLL}&sid=${JSON.parse(open.body.slice(1)).sid}`;
  const say = (body) => fetch(poll, { method: "POST", body });
  await say("40");
  await hear(poll, "40");
  for (const [compress, encoding] of [[undefined, "gzip"], [true, "gzip"], [false, undefined]]) {
    await say(`42${JSON.stringify(["series", { target: { via: "io", compress }, event: "big", size: 5000 }])}`);
    const { headers } = await raw(poll, { "accept-encoding": "gzip" });
    assert.equal(headers["content-encoding"], encoding, `compress: ${compress}`);
  }
  await say("1");
}, polling);

scenario("compressed connections carry the same", async (stage) => {
  await stage.ownServer({ COMPRESSION: "1" });
  const socket = await stage.connect({ settled: true, perMessageDeflate: { threshold: 0 } });
  const text = "long and longer ".repeat(5000);
  assert.deepEqual(await call(socket, "echo", text, Buffer.from(text)), [text, Buffer.from(text)]);
  const heard = event(socket, "big");
  await call(socket, "series", { event: "big", size: 30000, target: { via: "io" } });
  assert.equal((await heard)[0].length, 30000);
});

// Polls until a packet that begins so has come.
async function hear(poll, start) {
  for (;;) {
    const { body } = await raw(poll);
    if (body.split("\x1e").some((packet) => packet.startsWith(start))) return;
  }
}

// A GET with exactly these headers; the body as it came, or the answer to an upgrade.
function raw(url, headers = {}) {
  return within(
    new Promise((resolve, reject) => {
      get(url, { headers }, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () => resolve({ statusCode: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts).toString() }));
      }).on("upgrade", ({ statusCode, headers }, tcp) => {
        tcp.destroy();
        resolve({ statusCode, headers });
      }).on("error", reject);
    }),
    `GET ${url}`,
  );
}
