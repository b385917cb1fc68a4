// SPDX-License-Identifier: MIT

// WebSockets over HTTP/2 in a real browser: Chromium asks for them on the connection
// that it has, once the server says that it takes them (RFC 8441).

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { Program } from "../conformance/lib/program.mjs";
import { LIMIT, PATIENCE, build, startBrowser } from "./harness.js";

async function openPage(context, url) {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(`${url}/`);
  return page;
}

// Connects, waits for the transport, and returns the server's view of the connection.
const connect = (page, options, transport, url) =>
  page.evaluate(async ([url, options, transport]) => {
    const socket = (window.socket = window.io(url ?? undefined, { forceNew: true, reconnection: false, ...options }));
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("connect_error", reject));
    const { engine } = socket.io;
    if (engine.transport.name !== transport) await new Promise((resolve) => engine.once("upgrade", resolve));
    const ask = (...args) => socket.timeout(60_000).emitWithAck(...args);
    const data = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);
    const back = new Uint8Array(await ask("echo", data));
    return {
      transport: engine.transport.name,
      there: await ask("transport"),
      text: (await ask("echo", "é".repeat(300_000))) === "é".repeat(300_000),
      bytes: back.length === data.length && back.every((b, i) => b === i % 251),
      ...(await ask("handshake")),
    };
  }, [url, options, transport]);

describe("WebSockets over HTTP/2", { timeout: LIMIT }, () => {
  let built, browser, context, server, url;
  before(async () => {
    built = build("./conformance/cmd/testserver", "testserver");
    process.env.SERVER_CMD = built;
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
  });
  const start = async (env) => {
    server = await Program.start({ TLS: "1", GORACE: "atexit_sleep_ms=0", ...env });
    url = `https://127.0.0.1:${server.port}`;
    context = await browser.newContext({ ignoreHTTPSErrors: true }); // the certificate is the server's own
  };
  afterEach(async () => {
    await context?.close();
    await server?.stop();
    server = context = undefined;
  });

  for (const [name, options] of Object.entries({
    "from the start": { transports: ["websocket"] },
    "by an upgrade from polling": {},
  })) {
    for (const [compressed, COMPRESSION] of Object.entries({ "": "", ", compressed": "1" })) {
      test(`${name}${compressed}`, async () => {
        await start({ GODEBUG: "http2xconnect=1", COMPRESSION });
        const page = await openPage(context, url);
        const { transport, there, text, bytes, secure, headers } = await connect(page, options, "websocket");
        assert.deepEqual({ transport, there, text, bytes, secure }, { transport: "websocket", there: "websocket", text: true, bytes: true, secure: true });
        if (options.transports) { // the headers are those of the first request
          assert.equal(headers["sec-websocket-key"], undefined, "HTTP/2 needs no key");
          assert.equal(headers["sec-websocket-version"], "13");
        }
      });
    }
  }

  test("without the setting of the process it is HTTP/1.1", async () => {
    await start({});
    const page = await openPage(context, url);
    const { transport, headers } = await connect(page, { transports: ["websocket"] }, "websocket");
    assert.equal(transport, "websocket");
    assert.notEqual(headers["sec-websocket-key"], undefined);
  });

  test("both sides can close", async () => {
    await start({ GODEBUG: "http2xconnect=1" });
    const page = await openPage(context, url);
    await connect(page, { transports: ["websocket"] }, "websocket");
    assert.deepEqual(
      await page.evaluate(() => new Promise((resolve) => {
        window.socket.once("disconnect", (reason, details) => resolve([reason, details?.context?.code]));
        window.socket.disconnect();
      })),
      ["io client disconnect", undefined],
    );
    const { there } = await connect(page, { transports: ["websocket"] }, "websocket");
    assert.equal(there, "websocket");
    const told = page.evaluate(() => new Promise((resolve) => {
      window.socket.once("disconnect", (reason, details) => resolve([reason, details?.context?.code]));
    }));
    await page.evaluate(() => 0); // the listener is there
    const ending = server;
    server = undefined;
    await ending.stop();
    assert.deepEqual(await told, ["transport close", 1001]);
  });

  test("a plain WebSocket ends clean, with the code", async () => {
    await start({ GODEBUG: "http2xconnect=1" });
    const page = await openPage(context, url);
    await page.evaluate(() => fetch("/socket.io/socket.io.js").then((response) => response.text())); // the connection is there
    const end = (what) => page.evaluate((what) => new Promise((resolve) => {
      const socket = new WebSocket(`wss://${location.host}/socket.io/?EIO=4&transport=websocket`);
      socket.onopen = () => (what === "close" ? socket.close(3001, "bye") : socket.send(what));
      socket.onclose = ({ code, wasClean }) => resolve({ code, wasClean });
    }), what);
    assert.deepEqual(await end("close"), { code: 3001, wasClean: true }, "by the page");
    assert.deepEqual(await end("9"), { code: 1002, wasClean: true }, "by the server");
  });

  test("a page of another origin is refused", async () => {
    await start({ GODEBUG: "http2xconnect=1" });
    const page = await openPage(context, `https://localhost:${server.port}`);
    await page.evaluate((url) => fetch(`${url}/socket.io/socket.io.js`, { mode: "no-cors" }), url); // a connection of HTTP/2
    const refused = page.evaluate(([url]) => new Promise((resolve) => {
      const socket = window.io(url, { forceNew: true, reconnection: false, transports: ["websocket"] });
      socket.once("connect", () => resolve("connected")).once("connect_error", (error) => resolve(error.message));
    }), [url]);
    assert.equal(await refused, "websocket error");
  });
});
