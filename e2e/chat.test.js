// SPDX-License-Identifier: MIT

// The chat in a real browser: every scenario once with the client our server
// serves, once with the npm client in its place. With SHORT=1 those that are about
// the page itself run with our client alone.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import {
  LIMIT, buildChat, buildDurableChat, connected, freePort, heard, noted, npmFile, openPage, plainClient, reconnecting, say, startBrowser, startChat, typing,
} from "./harness.js";

const clients = {
  "our client": undefined, // what the server serves at /socket.io/socket.io.js
  "npm socket.io-client": npmFile("socket.io-client", "dist/socket.io.js"),
};
const sha256 = (data) => createHash("sha256").update(data).digest("hex");

let built, durable, browser;
before(async () => {
  built = buildChat();
  durable = buildDurableChat();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
});

for (const [client, bundle] of Object.entries(clients)) {
  describe(`the chat with ${client}`, { timeout: LIMIT }, () => {
    let chat, pages, plain;
    beforeEach(async () => {
      pages = [];
      plain = [];
      chat = await startChat(built);
    });
    afterEach(async () => {
      for (const p of plain) p.socket.disconnect();
      for (const page of pages) await page.context().close();
      assert.equal(await chat.stop(), 0, chat.log);
      for (const page of pages) {
        assert.deepEqual(page.complaints, [], "the page logs no error and no warning");
        assert.equal(Boolean(page.replaced), Boolean(bundle), "the page ran the client under test");
      }
    });
    const aboutThePage = bundle && process.env.SHORT ? () => {} : test;
    async function open(nickname, query = "") {
      const page = await openPage(browser, chat.url + "/" + query, { bundle, nickname });
      pages.push(page);
      return page;
    }
    async function openPlain() {
      const p = await plainClient(chat.url);
      plain.push(p);
      return p;
    }

    test("two pages talk, and a plain client with them", async () => {
      const ada = await open("Ada");
      const grace = await open("Grace");
      await say(ada, "Hello Grace ✓ ünïcödé 🎉");
      await heard(grace, "Hello Grace ✓ ünïcödé 🎉", "Ada");
      await heard(ada, "Hello Grace ✓ ünïcödé 🎉", "Ada");
      await say(grace, "Hello Ada");
      await heard(ada, "Hello Ada", "Grace");
      assert.equal(await ada.locator(".message.mine").count(), 1, "only what Ada wrote is marked as hers");

      const p = await openPlain();
      p.socket.emit("chat message", "from a plain client");
      await heard(ada, "from a plain client", "Guest");
      await heard(grace, "from a plain client", "Guest");
      await say(ada, "to the plain client");
      const [text] = await p.hears("chat message", (t) => t.startsWith("to the"));
      assert.equal(text, "to the plain client", "the first argument is the plain string");
    });

    test("pages go on by WebSocket; a third page stays on polling", async () => {
      const ada = await open("Ada");
      const grace = await open("Grace");
      const joan = await open("Joan", "?transports=polling");
      await say(joan, "by polling");
      await Promise.all([ada, grace].map((page) => heard(page, "by polling", "Joan")));
      await say(ada, "by WebSocket");
      await Promise.all([grace, joan].map((page) => heard(page, "by WebSocket", "Ada")));
      for (const page of [ada, grace]) {
        assert.equal(page.sockets.length, 1, "the page upgraded, once");
        assert.match(page.sockets[0], /\/socket\.io\/\?EIO=4&transport=websocket/);
      }
      assert.deepEqual(joan.sockets, [], "the third page opened no WebSocket");
    });

    aboutThePage("joins, leaves, names and the number online are shown", async () => {
      const ada = await open("Ada");
      await noted(ada, "Ada joined");
      assert.equal(await ada.locator("#online").textContent(), "1 online");
      const grace = await open();
      await noted(ada, /^Guest \S+ joined$/);
      assert.equal(await ada.locator("#online").textContent(), "2 online");

      await grace.locator("#nickname").fill("  Grace   Hopper ");
      await grace.keyboard.press("Tab");
      await noted(ada, /^Guest \S+ is now Grace Hopper$/);
      await say(grace, "with my name");
      await heard(ada, "with my name", "Grace Hopper");

      await grace.context().close();
      pages.pop();
      await noted(ada, "Grace Hopper left");
      assert.equal(await ada.locator("#online").textContent(), "1 online");
      for (const line of [/ connected$/m, / says "with my name"$/m, / left: transport (close|error)$/m]) {
        await chat.logs(line);
      }
    });

    aboutThePage("who is typing is shown to the others only", async () => {
      const ada = await open("Ada");
      const grace = await open("Grace");
      const p = await openPlain();
      await typing(grace, "Ada is typing", () => ada.locator("#input").pressSequentially("Hm"));
      await p.hears("typing", (who) => who.name === "Ada");
      // Events arrive in order: had Ada been sent hers, it would precede this message.
      p.socket.emit("chat message", "after the typing");
      await heard(ada, "after the typing");
      assert.equal(await ada.locator("#typing").textContent(), "");

      await ada.keyboard.press("Enter");
      await heard(grace, "Hm", "Ada");
      assert.equal(await grace.locator("#typing").textContent(), "", "a message ends the typing");
    });

    test("the server stops and starts: both pages come back and go on", async () => {
      await chat.stop();
      chat = await startChat(built, await freePort());
      const ada = await open("Ada");
      const grace = await open("Grace");
      await say(ada, "before");
      await heard(grace, "before", "Ada");
      assert.equal(await chat.stop(), 0, "the chat ends cleanly with pages connected");
      await Promise.all([reconnecting(ada), reconnecting(grace)]);
      assert.equal(await ada.locator("#state").textContent(), "Reconnecting");
      await say(ada, "written while away");

      chat = await startChat(built, chat.port);
      await Promise.all([connected(ada), connected(grace)]);
      await say(grace, "here again");
      await heard(ada, "here again", "Grace");
      await say(ada, "me too");
      await heard(grace, "me too", "Ada");
      assert.equal(
        await ada.locator(".message", { hasText: "written while away" }).count(), 1,
        "what was written while away is sent once, on return",
      );
      for (const page of [ada, grace]) {
        page.complaints = page.complaints.filter((c) => !/net::ERR_|WebSocket connection to/.test(c));
      }
    });

    /** Waits until the page shows a message in this state, and returns its status. */
    async function shownAs(page, state, text) {
      const line = page.locator(`.message[data-state=${state}]`).filter({ hasText: text });
      await line.waitFor();
      return line.locator(".status").textContent();
    }
    const lost = (pages) => {
      for (const page of pages) page.complaints = page.complaints.filter((c) => !/net::ERR_|WebSocket connection to/.test(c));
    };

    test("a message written offline is shown as waiting, then as sent, or as failed", async () => {
      await chat.stop();
      chat = await startChat(built, await freePort());
      const ada = await open("Ada", "?retries=1&ackTimeout=3000");
      const grace = await open("Grace");
      assert.equal(await chat.stop(), 0);
      await Promise.all([reconnecting(ada), reconnecting(grace)]);
      await say(grace, "typed offline");
      assert.equal(await shownAs(grace, "waiting", "typed offline"), "Waiting for the connection");
      chat = await startChat(built, chat.port);
      assert.equal(await shownAs(grace, "sent", "typed offline"), "✓");
      assert.equal(await grace.locator(".message", { hasText: "typed offline" }).count(), 1);

      await say(grace, "x".repeat(4001));
      assert.equal(await shownAs(grace, "failed", "xxx"), "Not sent: it is too long");

      // The server stands still: nobody answers, and nobody notices yet that the connection is dead.
      await connected(ada);
      chat.signal("SIGSTOP");
      await say(ada, "into the void");
      assert.equal(await shownAs(ada, "waiting", "into the void"), "Sending");
      assert.equal(await shownAs(ada, "failed", "into the void"), "Not sent: operation has timed out");
      chat.signal("SIGCONT");
      assert.equal(await shownAs(ada, "sent", "into the void"), "✓", "it had arrived");
      await heard(grace, "into the void", "Ada");
      await say(grace, "after all");
      await heard(ada, "after all", "Grace");
      assert.equal(await grace.locator(".message", { hasText: "into the void" }).count(), 1, "both attempts were handled once");
      assert.equal(await ada.locator(".message", { hasText: "xxx" }).count(), 0);
      lost([ada, grace]);
    });

    aboutThePage("with a store on the disk, a server that is killed and started again loses no message", async () => {
      const dir = await mkdtemp(join(tmpdir(), "socketio-chat-"));
      await chat.stop();
      const port = await freePort();
      const start = () => startChat(durable, port, {}, [dir]);
      try {
        chat = await start();
        const ada = await open("Ada");
        const grace = await open("Grace");
        const written = { Ada: [], Grace: [] };
        const write = async (page, name) => {
          const text = `${name} writes ${written[name].length}.`;
          written[name].push(text);
          await say(page, text);
        };
        for (let round = 0; round < 3; round++) {
          for (let i = 0; i < 5; i++) await Promise.all([write(ada, "Ada"), write(grace, "Grace")]);
          await chat.stop("SIGKILL"); // with messages on their way
          await write(ada, "Ada");
          await Promise.all([reconnecting(ada), reconnecting(grace)]);
          await write(grace, "Grace");
          chat = await start();
          await Promise.all([connected(ada), connected(grace)]);
        }
        for (const page of [ada, grace]) {
          for (const [name, texts] of Object.entries(written)) {
            await heard(page, texts.at(-1), name);
            const shown = await page.locator(".message", { hasText: `${name} writes` }).evaluateAll((lines) =>
              lines.map((line) => line.textContent.match(/(Ada|Grace) writes \d+\./)[0]));
            assert.deepEqual(shown, texts, "each message once, in order");
          }
          assert.equal(await page.locator(".note", { hasText: "missed" }).count(), 0, "each connection was recovered");
        }
        await ada.locator(".message[data-state=sent]").first().waitFor();
        assert.equal(await ada.locator("[data-state=waiting], [data-state=failed]").count(), 0);
        lost([ada, grace]);
        // The pages are closed before the directory goes.
        for (const page of pages.splice(0)) {
          await page.context().close();
          assert.deepEqual(page.complaints, []);
        }
        assert.equal(await chat.stop(), 0, chat.log);
        chat = await startChat(built);
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
    });

    aboutThePage("markup stays text", async () => {
      const ada = await open("Ada");
      const grace = await open("Grace");
      const attack = `<script>window.hacked=1</script><img src=x onerror="window.hacked=2"><b>bold</b>`;
      await say(ada, attack);
      await heard(grace, attack);
      await ada.locator("#nickname").fill("<i onclick=1>eve</i>");
      await ada.keyboard.press("Tab");
      await noted(grace, "Ada is now <i onclick=1>eve</i>");
      const p = await openPlain();
      const nickname = `<svg onload=hacked=3>`;
      p.socket.emit("nickname", nickname);
      await typing(grace, nickname, () => p.socket.emit("typing"));
      p.socket.emit("file", `<img src=x onerror=hacked=4>.html`, "text/html", Buffer.from("<script>hacked=5</script>"));
      await heard(grace, `<img src=x onerror=hacked=4>.html`, nickname);
      for (const page of [ada, grace]) {
        assert.equal(await page.locator("#messages :is(script, img, i, svg), .message b b").count(), 0);
        assert.equal(await page.evaluate(() => window.hacked), undefined);
      }
      const type = await grace.locator(".message a").evaluate(async (a) => (await fetch(a.href)).headers.get("content-type"));
      assert.equal(type, "application/octet-stream", "a shared HTML file never opens as a page");
    });

    test("a file goes from page to server to pages intact", async () => {
      const ada = await open("Ada");
      const grace = await open("Grace", "?transports=polling");
      const p = await openPlain();
      const data = randomBytes(700_000);
      const chooser = ada.waitForEvent("filechooser");
      await ada.locator("#share").click();
      await (await chooser).setFiles({ name: "noise.bin", mimeType: "application/octet-stream", buffer: data });
      for (const page of [ada, grace]) {
        await heard(page, "noise.bin (700 kB)", "Ada");
        const link = page.locator(".message a");
        assert.equal(await link.getAttribute("download"), "noise.bin");
        const got = await link.evaluate(async (a) => {
          const hash = await crypto.subtle.digest("SHA-256", await (await fetch(a.href)).arrayBuffer());
          return Array.from(new Uint8Array(hash), (b) => b.toString(16).padStart(2, "0")).join("");
        });
        assert.equal(got, sha256(data));
      }
      const [, , got] = await p.hears("file");
      assert.equal(sha256(got), sha256(data));

      const large = ada.waitForEvent("filechooser");
      await ada.locator("#share").click();
      await (await large).setFiles({ name: "large.bin", mimeType: "", buffer: Buffer.alloc(900_001) });
      await noted(ada, "large.bin is larger than 900 kB");
      await say(ada, "still here");
      await heard(grace, "still here", "Ada");
    });

    aboutThePage("everything can be done by keyboard, with the focus in sight", async () => {
      const ada = await open();
      const press = (key) => ada.keyboard.press(key);
      const focused = () => ada.evaluate(() => document.activeElement.id || document.activeElement.role);
      async function tabTo(id, key = "Tab") {
        for (let i = 0; i < 10 && (await focused()) !== id; i++) await press(key);
        assert.equal(await focused(), id, `${key} reaches ${id}`);
        const outline = await ada.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        assert.notEqual(outline, "none", `${id} shows its focus`);
      }
      assert.equal(await focused(), "input", "a reader can write at once");
      for (let i = 0; i < 40; i++) {
        await ada.keyboard.type(`line ${i}`);
        await press("Enter");
      }
      await heard(ada, "line 39");
      await tabTo("send");
      await tabTo("input", "Shift+Tab");
      await ada.keyboard.type("by the button");
      await tabTo("send");
      await press("Space");
      await heard(ada, "by the button");

      await tabTo("share", "Shift+Tab");
      const chooser = ada.waitForEvent("filechooser");
      await press("Enter");
      await (await chooser).setFiles({ name: "note.txt", mimeType: "text/plain", buffer: Buffer.from("hello") });
      await heard(ada, "note.txt (1 kB)");

      await tabTo("log", "Shift+Tab");
      const scrolled = () => ada.locator("[role=log]").evaluate((e) => e.scrollTop);
      assert.ok((await scrolled()) > 0, "new messages scroll into sight");
      await press("Home");
      await ada.waitForFunction(() => document.querySelector("[role=log]").scrollTop === 0);

      await tabTo("nickname", "Shift+Tab");
      await ada.keyboard.type("Ada");
      await press("Enter");
      await noted(ada, /is now Ada$/);
    });
  });
}
