// SPDX-License-Identifier: MIT

// WebTransport in a real browser: the npm client in Chromium against the example,
// with a certificate that the page accepts by its hash.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { LIMIT, PATIENCE, build, startBrowser, startChat } from "./harness.js";

const CLIENT = join(dirname(createRequire(import.meta.url).resolve("socket.io-client/package.json")), "dist");

describe("WebTransport with npm socket.io-client", { timeout: LIMIT }, () => {
  let built, browser, server, page;
  before(async () => {
    built = build("./engineio/webtransport/example", "webtransport-example");
    browser = await startBrowser({ quic: true });
  });
  after(async () => {
    await browser?.close();
  });
  beforeEach(async () => {
    server = await startChat(built, 0, { CLIENT });
    page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE);
  });
  afterEach(async () => {
    await page.close();
    assert.equal(await server.stop(), 0, server.log);
  });

  const shows = (text) => page.locator("#transport", { hasText: text }).waitFor();

  // Sends a text and bytes of a size, and returns the echo and its transport.
  const echo = (size) =>
    page.evaluate(async (size) => {
      const data = Uint8Array.from({ length: size }, (_, i) => i % 251);
      const [text, back, transport] = await new Promise((resolve, reject) =>
        window.socket.timeout(60_000).emit("echo", "é".repeat(size), data, (error, ...answer) =>
          error ? reject(error) : resolve(answer)));
      const bytes = new Uint8Array(back);
      return { text: text === "é".repeat(size), bytes: bytes.length === size && bytes.every((b, i) => b === i % 251), transport };
    }, size);

  for (const [name, path] of Object.entries({ "from the start": "/", "by an upgrade from polling": "/?polling" })) {
    test(`${name}: messages of each length arrive`, async () => {
      await page.goto(server.url + path);
      await shows("webtransport");
      for (const size of [0, 1, 62, 63, 125, 126, 127, 32_767, 65_535, 65_536, 400_000]) {
        assert.deepEqual(await echo(size), { text: true, bytes: true, transport: "webtransport" }, `${size}`);
      }
      await page.locator("button").click();
      await page.locator("#answers", { hasText: "hello, 5 bytes, over webtransport" }).waitFor();
    });
  }

  test("the client hears at once that the server ends", async () => {
    await page.goto(server.url);
    await shows("webtransport");
    const reason = page.evaluate(() => new Promise((resolve) => window.socket.once("disconnect", resolve)));
    await page.evaluate(() => 0); // the listener is there
    assert.equal(await server.stop(), 0, server.log);
    assert.equal(await reason, "transport close");
  });

  test("a client disconnects and connects again", async () => {
    await page.goto(server.url);
    await shows("webtransport");
    await page.evaluate(() => window.socket.disconnect());
    await shows("io client disconnect");
    await page.evaluate(() => window.socket.connect());
    await shows("webtransport");
    assert.equal((await echo(3)).transport, "webtransport");
  });

  test("a page of another origin is refused", async () => {
    const other = await startChat(built, 0, { CLIENT });
    try {
      await page.goto(server.url);
      await shows("webtransport");
      const connect = async ({ url }) => {
        const hash = Array.from(new Uint8Array(await (await fetch(url + "/hash")).arrayBuffer()));
        return page.evaluate(([url, hash]) => {
          const certificate = { algorithm: "sha-256", value: new Uint8Array(hash) };
          const socket = window.io(url, {
            forceNew: true, transports: ["webtransport"], reconnection: false,
            transportOptions: { webtransport: { serverCertificateHashes: [certificate] } },
          });
          return new Promise((resolve) => {
            socket.on("connect", () => resolve("connected"));
            socket.on("connect_error", (error) => resolve(error.message));
          });
        }, [url, hash]);
      };
      assert.equal(await connect(server), "connected", "to its own server");
      assert.equal(await connect(other), "webtransport error", "to another");
    } finally {
      await other.stop();
    }
  });
});
