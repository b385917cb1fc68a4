// SPDX-License-Identifier: MIT

// The errors that a page gets when its requests are blocked: our client, readable and minified, and the reference.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { LIMIT, PATIENCE, buildChat, npmFile, repo, startBrowser, startChat } from "./harness.js";

const dist = (name) => readFileSync(join(repo, "web", "client", "dist", name), "utf8");
const reference = npmFile("socket.io-client", "dist/socket.io.js");
const bundles = {
  "ours": dist("socket.io.js"),
  "ours, minified": dist("socket.io.min.js"),
  "the reference": reference,
};

// The fate of a blocked request. `status` and `text` are the page's view of the response.
const answer = (status, text) => ({ status, text, act: (req, res) => res.writeHead(status, cors(req)).end(text) });
const ways = {
  "405": answer(405, "Method Not Allowed"),
  "401": answer(401, "log in"),
  "403": answer(403, "no"),
  "404": answer(404, "404 page not found"),
  "413": answer(413, "too large"),
  "500": answer(500, "oops"),
  "502": answer(502, "<html>Bad Gateway</html>"),
  "no CORS header": { status: 0, text: "", act: (_req, res) => res.writeHead(200).end("ok") },
  "405 without CORS header": { status: 0, text: "", act: (_req, res) => res.writeHead(405).end("no") },
  "connection reset": { status: 0, text: "", act: (req) => req.socket.destroy() },
};
const cors = (req) => ({ "access-control-allow-origin": req.headers.origin ?? "*" });

describe("requests that do not come through", { timeout: LIMIT }, () => {
  let built, browser, chat, gate, site;
  const cases = [];
  before(async () => {
    built = buildChat();
    browser = await startBrowser();
    chat = await startChat(built);
    // The gate is in front of the chat, on another origin than the pages, and lets through the requests of the case.
    gate = createServer((req, res) => {
      const way = cases[new URL(req.url, "http://x").searchParams.get("case")];
      const stopped = way.get ? req.method === "GET" : req.method === "POST" && way.posts-- <= 0;
      if (stopped) {
        req.resume().on("end", () => way.act(req, res));
        return;
      }
      const headers = { ...req.headers };
      delete headers.origin;
      const out = request({ port: chat.port, path: req.url, method: req.method, headers }, (back) => {
        res.writeHead(back.statusCode, { ...back.headers, ...cors(req) });
        back.pipe(res);
      });
      out.on("error", () => res.destroy());
      req.pipe(out);
      res.on("close", () => out.destroy());
    });
    site = createServer((_req, res) => res.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>page</title>"));
    for (const server of [gate, site]) await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  after(async () => {
    await browser?.close();
    for (const server of [gate, site]) {
      server?.closeAllConnections();
      server?.close();
    }
    await chat?.stop();
  });

  /** Connects, emits once connected, and answers the first word of the client. */
  function hears(page, way) {
    const query = { case: cases.push(way) - 1 };
    return page.evaluate(({ url, query, patience }) => new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error("the client says nothing")), patience);
      const socket = io(url, { transports: ["polling"], reconnection: false, forceNew: true, query });
      const tell = (event, err) => resolve({
        event, message: err.message, type: err.type, description: err.description,
        status: err.context.status, text: err.context.responseText, isError: err instanceof Error,
      });
      socket.on("connect", () => socket.emit("chat message", "hello"));
      socket.on("connect_error", (err) => tell("connect_error", err));
      socket.on("disconnect", (reason, err) => tell("disconnect: " + reason, err));
    }), { url: `http://127.0.0.1:${gate.address().port}`, query, patience: PATIENCE });
  }

  for (const [name, bundle] of Object.entries(bundles)) {
    let page;
    for (const [how, { act, status, text }] of Object.entries(ways)) {
      test(`${name}: ${how}`, async () => {
        // The reference leaves its GETs open, and there may be six to a host.
        if (!page || bundle === reference) {
          await page?.close();
          page = await browser.newPage();
          await page.goto(`http://127.0.0.1:${site.address().port}/`);
          await page.addScriptTag({ content: bundle });
        }
        const facts = { message: "xhr post error", type: "TransportError", description: status, status, text, isError: true };
        const lost = "disconnect: transport error";
        assert.deepEqual(await hears(page, { act, posts: 0 }), { event: "connect_error", ...facts }, "the CONNECT is refused");
        assert.deepEqual(await hears(page, { act, posts: 1 }), { event: lost, ...facts }, "an event is refused");
        assert.deepEqual(await hears(page, { act, get: true }), { event: "connect_error", ...facts, message: "xhr poll error" }, "the handshake is refused");
      });
    }
  }
});
