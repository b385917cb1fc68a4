// SPDX-License-Identifier: MIT

// The msgpack bundle in a real browser, served by our server and talking to it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { endWithUs } from "../conformance/lib/orphans.mjs";
import { LIMIT, PATIENCE, build, startBrowser } from "./harness.js";

describe("the msgpack bundle", { timeout: LIMIT }, () => {
  let server, url, browser;
  before(async () => {
    const env = { ...process.env, PORT: "0", CODEC: "msgpack" };
    server = endWithUs(spawn(build("./web/client/test/goserver", "clientserver"), { env, stdio: ["ignore", "pipe", "inherit"] }));
    const line = await new Promise((resolve) => createInterface({ input: server.stdout }).once("line", resolve));
    url = `http://127.0.0.1:${line.split(" ")[1]}`;
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    server?.kill();
  });

  for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
    test(`two pages talk over ${transports.join(", then ")}`, async () => {
      const context = await browser.newContext();
      const complaints = [];
      const frames = [];
      const open = async () => {
        const page = await context.newPage();
        page.setDefaultTimeout(PATIENCE);
        page.on("pageerror", (error) => complaints.push(String(error)));
        page.on("websocket", (ws) => ws.on("framesent", ({ payload }) => frames.push(payload)));
        // Any document of the server's will do; it shows the script as text.
        await page.goto(`${url}/socket.io/socket.io.msgpack.min.js`);
        await page.addScriptTag({ url: "/socket.io/socket.io.msgpack.min.js" });
        await page.evaluate(async (names) => {
          window.socket = io({ transports: names, reconnection: false });
          window.said = new Promise((resolve) => socket.once("said", (...args) => resolve(args)));
          await new Promise((resolve, reject) => socket.once("connect", resolve).once("connect_error", reject));
          const { engine } = socket.io;
          if (names[1] && engine.transport.name !== names[1]) await new Promise((resolve) => engine.once("upgrade", resolve));
        }, transports);
        return page;
      };
      const [ada, grace] = [await open(), await open()];
      await grace.evaluate(() => socket.timeout(60_000).emitWithAck("join", "room"));
      await ada.evaluate(() =>
        socket.emit("say", "room", "Hello ✓ 🎉", { n: [1.5, -7, 2 ** 40], at: new Date(5), bytes: Uint8Array.of(1, 2, 3), blob: new Blob(["b"]) }),
      );
      const heard = await grace.evaluate(async () => {
        const [text, more] = await said;
        return { text, n: more.n, at: more.at.getTime(), bytes: [...new Uint8Array(more.bytes)], blob: [...new Uint8Array(more.blob)], kind: String(more.bytes) };
      });
      assert.deepEqual(heard, { text: "Hello ✓ 🎉", n: [1.5, -7, 2 ** 40], at: 5, bytes: [1, 2, 3], blob: [98], kind: "[object ArrayBuffer]" });
      const large = await ada.evaluate(async () => {
        const bytes = new Uint8Array(300_000).fill(7);
        const answer = new Uint8Array(await socket.timeout(60_000).emitWithAck("echo-ack", bytes));
        return answer.length === bytes.length && answer.every((b) => b === 7);
      });
      assert.ok(large, "300 kB there and back");
      const named = transports.at(-1) === "websocket";
      assert.equal(frames.some((f) => Buffer.isBuffer(f) && f.includes("Hello")), named, "packets are binary frames");
      assert.deepEqual(complaints, []);
      await context.close();
    });
  }
});
