// SPDX-License-Identifier: MIT

// A page in a real browser behind proxies that change Host: it upgrades to WebSocket
// all the same, by what the browser says of it while it polls.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createServer } from "vite";
import { Program } from "../conformance/lib/program.mjs";
import { Site, certificate, changesHost } from "../conformance/proxies/proxy.mjs";
import { until } from "../conformance/lib/wait.mjs";
import { LIMIT, PATIENCE, build, startBrowser } from "./harness.js";

// Vite as most have it in front of a server: changeOrigin sends Host: localhost:PORT.
async function vite() {
  const server = await Program.start();
  const front = await createServer({
    configFile: false,
    logLevel: "silent",
    server: {
      host: "127.0.0.1",
      port: 0,
      proxy: { "/socket.io": { target: `http://localhost:${server.port}`, ws: true, changeOrigin: true } },
    },
  });
  await front.listen();
  return {
    servers: [server],
    origin: `http://127.0.0.1:${front.httpServer.address().port}`,
    remedy: "origin rejected; to allow it add it to Options.CORS.Origins, or let the proxy pass Host on",
    async stop() {
      await front.close();
      await server.stop();
    },
  };
}

async function site(kind, tls) {
  const started = await Site.start(kind, tls, { edit: changesHost });
  started.remedy = "origin rejected; the proxy does not pass Host on: fix it there, or name it in TrustedProxies";
  return started;
}

describe("a page behind a proxy that changes Host", { timeout: LIMIT }, () => {
  let built, browser, dir, tls;
  before(async () => {
    built = build("./conformance/cmd/testserver", "testserver");
    process.env.SERVER_CMD = built;
    process.env.GORACE ??= "atexit_sleep_ms=10";
    dir = mkdtempSync(join(tmpdir(), "e2e-proxies-"));
    tls = certificate(dir);
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    if (dir) rmSync(dir, { recursive: true, force: true });
  });

  for (const [name, start] of Object.entries({
    "Vite with changeOrigin": vite,
    "nginx without Host": () => site("nginx", tls),
    "Apache without ProxyPreserveHost": () => site("apache", tls),
  })) {
    test(name, async () => {
      const proxy = await start();
      const context = await browser.newContext({ ignoreHTTPSErrors: true });
      try {
        const page = await context.newPage();
        page.setDefaultTimeout(PATIENCE);
        const client = proxy.origin + "/socket.io/socket.io.min.js";
        await page.goto(client); // any page of this origin
        await page.addScriptTag({ url: client });
        const upgraded = await page.evaluate(() => new Promise((resolve) => {
          window.socket = window.io({ reconnectionDelay: 50 });
          window.socket.on("connect", () => {
            const { engine } = window.socket.io;
            if (engine.transport.name === "websocket") resolve("upgraded");
            engine.on("upgrade", () => resolve("upgraded"));
            engine.on("upgradeError", (error) => resolve(String(error)));
          });
          window.socket.on("connect_error", (error) => resolve(String(error)));
        }));
        assert.equal(upgraded, "upgraded");
        const answer = await page.evaluate(() => new Promise((resolve) => window.socket.emit("transport", resolve)));
        assert.equal(answer, "websocket");

        // Without a session it is rejected, and the log has the remedy.
        await page.evaluate(() => new Promise((resolve) => {
          window.io({ transports: ["websocket"], forceNew: true, reconnection: false }).on("connect_error", resolve);
        }));
        const log = () => proxy.servers.map((server) => server.log).join("");
        await until(log, (text) => text.includes(proxy.remedy), "the warning");
      } finally {
        await context.close();
        await proxy.stop();
      }
    });
  }
});
