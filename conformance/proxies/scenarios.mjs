// SPDX-License-Identifier: MIT
// What must hold behind every proxy. Each scenario gets a site: the shared one, or
// one of its own where it changes something.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { changesHost } from "./proxy.mjs";
import { TRANSPORTS, finalTransport } from "../lib/transports.mjs";
import { PATIENCE, ask, call, event, until, within } from "../lib/wait.mjs";

const POLLING = "/socket.io/?EIO=4&transport=polling";
const WEBSOCKET = "/socket.io/?EIO=4&transport=websocket";
const SHAKE = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==" };
const TRUSTED = { TRUSTED_PROXIES: "127.0.0.1/32" }; // the proxy's own address, not those of the clients

// Longer than 60 s, which is nginx's own proxy_read_timeout and a common default elsewhere.
const LONG = 65000;

export const scenarios = [];

// options: env, cookie, edit: for its site; only: the proxy it is for; basic: it is for Apache and HAProxy too.
function scenario(name, body, options = {}) {
  scenarios.push({ name, body, ...options });
}

async function echoes(socket, transport) {
  assert.equal(await ask(socket, "transport"), finalTransport(transport));
  assert.deepEqual(await call(socket, "echo", "é€😀", 1.5, null), ["é€😀", 1.5, null]);
  const bytes = Buffer.from([0, 255, 1, 128]);
  assert.deepEqual(await ask(socket, "echo", { deep: [bytes] }), { deep: [bytes] });
  const large = "0123456789".repeat(90000);
  assert.equal(await ask(socket, "echo", large), large);
  const blob = Buffer.alloc(600000, 7);
  assert.ok(blob.equals(await ask(socket, "echo", blob)), "600 KB of binary");
}

for (const transport of TRANSPORTS) {
  scenario(`${transport}: text, binary, 900 KB, acknowledgements`, async ({ clients }) => {
    const socket = await clients.connect(transport);
    const lost = new Promise((_, reject) => {
      socket.once("disconnect", (reason, why) => {
        reject(new Error(`the connection ended: ${reason}`, { cause: why?.description ?? why }));
      });
    });
    await Promise.race([lost, echoes(socket, transport)]);
  }, { basic: true });

  scenario(`${transport}: a broadcast within one server`, async ({ clients }) => {
    const members = await Promise.all([1, 2, 3].map(() => clients.connect(transport)));
    assert.equal(new Set(members.map((socket) => socket.server())).size, 1, "one address, one server");
    for (const socket of members) await call(socket, "join", "room");
    const heard = members.slice(1).map((socket) => event(socket, "news"));
    await call(members[0], "send", { via: "socket", to: ["room"] }, "news", "text", Buffer.from("bytes"));
    for (const args of await Promise.all(heard)) assert.deepEqual(args, ["text", Buffer.from("bytes")]);
  });

  scenario(`${transport}: clients of many addresses are spread, and stay`, async ({ clients, site }) => {
    const sockets = await spread(site, (i) => clients.connect(transport, { from: `127.0.${i}.${10 + i}` }));
    for (let round = 0; round < 5; round++) {
      for (const socket of sockets) assert.equal(await ask(socket, "echo", round), round);
    }
  }, { basic: transport === "upgrade" });

  scenario(`${transport}: with cookies, clients of one address are spread, and stay`, async ({ clients, site }) => {
    const sockets = await spread(site, () => clients.connect(transport, { withCredentials: true }));
    for (let round = 0; round < 5; round++) {
      for (const socket of sockets) assert.equal(await ask(socket, "echo", round), round);
    }
  }, { cookie: true });

  for (const how of ["kill", "stop"]) {
    scenario(`${transport}: a server ends (${how}), its clients go to the other`, async ({ clients, site }) => {
      const socket = await clients.connect(transport);
      const other = await clients.connect(transport, { from: await elsewhere(clients, socket.server()) });
      assert.notEqual(other.server(), socket.server());
      const bystander = other.id;
      const before = socket.server();
      const lost = event(socket, "disconnect");
      const back = event(socket, "connect");
      await site.lose(before, how);
      const [reason] = await lost;
      assert.match(reason, /^transport (close|error)$/);
      await back;
      assert.deepEqual([socket.server()], site.servers);
      assert.equal(await ask(socket, "echo", "again"), "again");
      assert.equal(await ask(other, "echo", "untouched"), "untouched");
      assert.equal(other.id, bystander, "the clients of the other server notice nothing");
    }, { env: TRUSTED, basic: transport === "upgrade" && how === "kill" });
  }

  for (const [name, env] of [["trusted", TRUSTED], ["not trusted", {}]]) {
    scenario(`${transport}: what a server knows of the client, the proxy ${name}`, async ({ clients }) => {
      const extraHeaders = { "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "gopher" };
      const socket = await clients.connect(transport, { from: "127.0.0.77", extraHeaders });
      const { address, secure, headers } = await ask(socket, "handshake");
      assert.equal(address, env === TRUSTED ? "127.0.0.77" : "127.0.0.1");
      assert.equal(secure, env === TRUSTED);
      assert.equal(headers["x-forwarded-for"], "127.0.0.77", "what the client says of itself is replaced");
    }, { env, basic: transport === "upgrade" });
  }
}

for (const [name, env] of [["trusted", TRUSTED], ["not trusted", {}]]) {
  scenario(`the origin rule, the proxy ${name}`, async ({ clients, site }) => {
    for (const [origin, admitted] of [
      [site.origin, true],
      ["https://evil.example", false],
      ["https://127.0.0.1", false],
      [`https://evil.example:${site.port}`, false],
      ["null", false],
    ]) {
      for (const forged of [{}, { "X-Forwarded-Host": new URL(origin === "null" ? "https://x" : origin).host }]) {
        const headers = { Origin: origin, ...forged };
        const said = `${origin} ${JSON.stringify(forged)}`;
        const poll = await clients.request(POLLING, { headers });
        assert.equal(poll.status, admitted ? 200 : 403, `${said} on polling: ${poll.body}`);
        const upgrade = await clients.request(WEBSOCKET, { headers: { ...headers, ...SHAKE } });
        assert.equal(upgrade.status, admitted ? 101 : 403, `${said} on WebSocket: ${upgrade.body}`);
        if (!admitted) assert.deepEqual(JSON.parse(poll.body), { code: 4, message: "Forbidden" });
      }
    }
    const overHTTP2 = await clients.http2();
    assert.equal((await overHTTP2(POLLING, { headers: { origin: site.origin } })).status, 200);
    assert.equal((await overHTTP2(POLLING, { headers: { origin: "https://evil.example" } })).status, 403);
    for (const transport of TRANSPORTS) {
      const socket = await clients.connect(transport, { extraHeaders: { Origin: site.origin } });
      assert.equal(await ask(socket, "echo", 1), 1);
    }
  }, { env, basic: env === TRUSTED });
}

// A browser sends Sec-Fetch-Site with the polls of its page, and Origin with its POSTs and its WebSocket.
scenario("a proxy that changes Host: a page upgrades, another page gains nothing", async ({ clients, site }) => {
  const own = { Origin: site.origin };
  const page = { "Sec-Fetch-Site": "same-origin" };
  const foreign = { Origin: "https://evil.example" };
  const upgrade = async (path, headers) =>
    (await clients.request(path.replace("polling", "websocket"), { headers: { ...SHAKE, ...headers } })).status;
  const transportOptions = { polling: { extraHeaders: page }, websocket: { extraHeaders: own } };
  const socket = await clients.connect("upgrade", { transportOptions });
  assert.equal(await ask(socket, "transport"), "websocket");

  const byCurl = await clients.session();
  for (const headers of [own, foreign]) assert.equal(await upgrade(byCurl.path, headers), 403, "a session opened by curl");
  const { path } = await clients.session({ headers: page });
  const headers = { ...page, ...own, "Content-Type": "text/plain" };
  assert.equal((await clients.request(path, { method: "POST", headers, body: "40" })).status, 200);
  assert.equal(await upgrade(path, foreign), 403, "another page");
  assert.equal(await upgrade(path, own), 101, "the page");

  assert.equal(await upgrade(WEBSOCKET, own), 403, "a WebSocket without a session");
  const remedy = "the proxy does not pass Host on: fix it there, or name it in TrustedProxies";
  await until(() => site.servers.some((server) => server.log.includes(remedy)), (found) => found, "the warning");
}, { edit: changesHost, basic: true });

scenario("long-polling over HTTP/2: 20 sessions on one connection", async ({ clients }) => {
  const request = await clients.http2();
  await Promise.all(Array.from({ length: 20 }, async (_, i) => {
    const { body } = await request(POLLING);
    const path = `${POLLING}&sid=${encodeURIComponent(JSON.parse(body.slice(1)).sid)}`;
    const post = async (text) => assert.equal((await request(path, { method: "POST", headers: { "content-type": "text/plain" }, body: text })).body, "ok");
    const first = request(path);
    await post("40");
    let heard = (await first).body;
    assert.match(heard, /^40\{/);
    if (!heard.includes("auth")) heard = (await request(path)).body;
    const parked = request(path);
    await post(`420["echo",${i}]`);
    assert.equal((await parked).body, `430[${i}]`);
    await post("1");
  }));
});

scenario(`a poll and a WebSocket that are silent for ${LONG / 1000} s`, async ({ clients }) => {
  const socket = await clients.connect("websocket");
  const { path } = await clients.session();
  const request = await clients.http2();
  const post = (body) => clients.request(path, { method: "POST", headers: { "content-type": "text/plain" }, body });
  await post("40");
  for (let heard = ""; !heard.includes("auth"); ) heard += (await clients.request(path)).body;
  const parked = request(path, {}, LONG + PATIENCE);
  const cut = await Promise.race([
    new Promise((resolve) => setTimeout(resolve, LONG)),
    parked.then(({ status, body }) => `the poll: ${status} ${body}`, String),
    new Promise((resolve) => socket.once("disconnect", (reason) => resolve(`the WebSocket: ${reason}`))),
  ]);
  assert.equal(cut, undefined);
  await post('420["echo","late"]');
  assert.deepEqual(await parked.then(({ status, body }) => [status, body]), [200, '430["late"]']);
  assert.equal(await ask(socket, "echo", "late"), "late");
}, { env: { PING_INTERVAL: "300s" }, slow: true, basic: true });

// Each server listens on a unix socket too, whose name is its port.
const sockets = mkdtempSync(join(tmpdir(), "socketio-unix-"));
process.once("exit", () => rmSync(sockets, { recursive: true, force: true }));

scenario("unix sockets to the servers, trusted", async ({ clients, site }) => {
  for (const transport of TRANSPORTS) {
    const socket = await clients.connect(transport, { from: "127.0.0.77", extraHeaders: { Origin: site.origin } });
    const { address, secure } = await ask(socket, "handshake");
    assert.deepEqual([address, secure], ["127.0.0.77", true]);
    assert.equal(await ask(socket, "transport"), finalTransport(transport));
  }
  assert.equal((await clients.request(POLLING, { headers: { Origin: "https://evil.example" } })).status, 403);
}, {
  env: { TRUSTED_PROXIES: "unix", UNIX_SOCKETS: sockets },
  edit: (text) => text.replaceAll(/server 127\.0\.0\.1:(\d+)/g, `server unix:${sockets}/$1`).replace(/(proxy_set_header Host +)\$http_host/, "$1internal"),
  only: "nginx",
});

// nginx asks over HTTP/1.0 unless it is told not to: for polls, POSTs and upgrades.
scenario("HTTP/1.0 to the servers: every transport, and the upgrade", async ({ clients }) => {
  for (const transport of TRANSPORTS) {
    const socket = await clients.connect(transport);
    assert.equal(await ask(socket, "transport"), finalTransport(transport));
    assert.deepEqual(await call(socket, "echo", "é", Buffer.from([1, 2])), ["é", Buffer.from([1, 2])]);
  }
}, { edit: (text) => text.replace(/^ *proxy_http_version .*\n/m, ""), only: "nginx" });

const short = (text) => text.replaceAll("75s", "6s");

scenario("pings more often than a timeout of 6 s keep everything open", async ({ clients }) => {
  const sockets = await Promise.all(TRANSPORTS.map((transport) => clients.connect(transport)));
  const gone = sockets.map((socket) => new Promise((resolve) => socket.once("disconnect", resolve)));
  const pings = sockets.map((socket) => new Promise((resolve) => {
    let count = 0;
    socket.io.on("ping", () => ++count === 5 && resolve());
  }));
  const how = await within(Promise.race([Promise.all(pings).then(() => "open"), ...gone]), "five pings each");
  assert.equal(how, "open");
}, { env: { PING_INTERVAL: "2s" }, edit: short, only: "nginx" });

scenario("pings less often than the timeout do not, but the server is not left out", async ({ clients }) => {
  const socket = await clients.connect("polling");
  const server = socket.server();
  const [reason] = await event(socket, "disconnect");
  assert.equal(reason, "transport error");
  await event(socket, "connect");
  assert.equal(await ask(socket, "echo", "back"), "back");
  assert.equal(socket.server(), server);
}, { edit: short, only: "nginx" });

scenario("a server ends: its sessions get 400 with code 1 from the other", async ({ clients, site }) => {
  const agent = clients.agent("127.0.0.1");
  const { path, open } = await clients.session({ agent });
  const parked = clients.start(path, { agent: clients.agent("127.0.0.1") });
  await clients.session({ agent }); // a round trip; the poll went before it
  await site.lose(site.serverOf(open));
  for (const answer of [await within(parked.answer, "the parked poll's answer"), await clients.request(path, { agent })]) {
    assert.deepEqual([answer.status, JSON.parse(answer.body)], [400, { code: 1, message: "Session ID unknown" }]);
  }
  assert.deepEqual([site.serverOf((await clients.session({ agent })).open)], site.servers);
});

scenario("a client that vanishes ends its session and harms nobody", async ({ clients, site }) => {
  const bystanders = await Promise.all(TRANSPORTS.map((transport) => clients.connect(transport)));
  const ids = bystanders.map((socket) => socket.id);
  const count = async () => (await ask(bystanders[0], "stats")).sessions;
  const before = await count();
  for (let i = 0; i < 5; i++) {
    const { path, open } = await clients.session();
    assert.equal(site.serverOf(open), bystanders[0].server());
    const { request } = clients.start(path, { agent: clients.agent("127.0.0.1") });
    await event(request, "finish");
    for (let round = 0; round < 5; round++) await ask(bystanders[1], "echo", round); // the poll arrives meanwhile
    request.destroy();
  }
  await until(count, (n) => n === before, "the end of the sessions");
  for (const [i, socket] of bystanders.entries()) {
    assert.equal(await ask(socket, "echo", i), i);
    assert.equal(socket.id, ids[i]);
  }
}, { env: TRUSTED });

scenario("a body over the server's limit gets the server's 413", async ({ clients }) => {
  for (const size of [1000100, 1200000, 1400000]) {
    const { path } = await clients.session();
    const answer = await clients.request(path, { method: "POST", headers: { "Content-Type": "text/plain" }, body: "4" + "x".repeat(size) });
    assert.deepEqual([answer.status, JSON.parse(answer.body).message], [413, "Payload too large"]);
    assert.deepEqual(JSON.parse((await clients.request(path)).body), { code: 1, message: "Session ID unknown" });
  }
});

// Each proxy has a way to leave out a server after failed requests; none must fail so because a client wants it.
scenario("nothing a client sends has its server left out for the others", async ({ clients, site }) => {
  const bystanders = await Promise.all(TRANSPORTS.map((transport) => clients.connect(transport)));
  const ids = bystanders.map((socket) => socket.id);
  const headers = { "Content-Type": "text/plain" };
  const hostile = {
    "a large body": async (path) => {
      const { answer } = clients.start(path, { method: "POST", headers, body: "4" + "x".repeat(5000000) });
      const status = await within(answer.then((got) => got.status, () => "reset"), "the end of the POST");
      assert.ok([413, 502, "reset"].includes(status), String(status));
    },
    "a large body without a length": async (path) => {
      const { request, answer } = clients.start(path, { method: "POST", headers, body: null });
      for (let i = 0; i < 50; i++) request.write("4".repeat(100000));
      request.end();
      await within(answer.then(() => {}, () => {}), "the end of the POST");
    },
    "a body that ends too early": async (path) => {
      const { request } = clients.start(path, { method: "POST", headers: { ...headers, "Content-Length": 500000 }, body: null });
      request.write("4".repeat(100000));
      await new Promise((resolve) => request.once("socket", (socket) => socket.once("secureConnect", resolve)));
      await ask(bystanders[1], "echo", "it begins");
      request.destroy();
    },
    "a poll given up": async (path) => {
      const { request } = clients.start(path);
      await event(request, "finish");
      request.destroy();
    },
    "two polls": (path) => Promise.all([clients.request(path), clients.request(path)]),
    "nonsense": (path) => clients.request(path, { method: "POST", headers, body: "nonsense" }),
    "a WebSocket without a key": (path) => clients.request(path.replace("polling", "websocket"), { headers: { ...SHAKE, "Sec-WebSocket-Key": "" } }),
  };
  for (const [what, act] of Object.entries(hostile)) {
    for (let i = 0; i < 4; i++) {
      const { path, open } = await clients.session();
      assert.equal(site.serverOf(open), bystanders[0].server(), `after ${what}: the server is left out`);
      await act(path);
    }
  }
  for (const [i, socket] of bystanders.entries()) {
    assert.equal(await ask(socket, "echo", i), i);
    assert.equal(socket.id, ids[i]);
  }
});

scenario("the client is served as it was compressed when it was built", async ({ clients, site }) => {
  const path = "/socket.io/socket.io.min.js";
  const plain = await clients.request(path);
  assert.match(plain.body, /^\/\*! Socket\.IO client/);
  const packed = await clients.request(path, { headers: { "Accept-Encoding": "gzip, deflate, br" } });
  assert.equal(packed.headers["content-encoding"], "br");
  assert.equal(packed.headers.vary, "Accept-Encoding");
  assert.ok(brotliDecompressSync(packed.bytes).equals(plain.bytes));
  const again = await clients.request(path, { headers: { "Accept-Encoding": "br", "If-None-Match": packed.headers.etag } });
  assert.deepEqual([again.status, again.bytes.length], [304, 0]);
  const other = await clients.request(path, { headers: { "Accept-Encoding": "gzip", "If-None-Match": packed.headers.etag } });
  assert.deepEqual([other.status, other.headers["content-encoding"]], [200, "gzip"]);
  assert.equal(site.servers.length, 2);
});

// Clients of which each server has some. Sixteen are enough, but for one time in thousands.
async function spread(site, connect) {
  const sockets = [];
  while (sockets.length < 128) {
    const from = sockets.length;
    sockets.push(...(await Promise.all(Array.from({ length: 16 }, (_, i) => connect(from + i)))));
    if (new Set(sockets.map((socket) => socket.server())).size === site.servers.length) return sockets;
  }
  throw new Error("all clients are on one server");
}

// An address whose clients are on another server than the one given.
async function elsewhere(clients, server) {
  for (let i = 1; i < 100; i++) {
    const from = `127.0.${i}.${i}`;
    const socket = await clients.connect("polling", { from });
    const found = socket.server() !== server;
    socket.disconnect();
    if (found) return from;
  }
  throw new Error("all addresses are on one server");
}
