// SPDX-License-Identifier: MIT

// How the chat looks: screenshots, accessibility and layout from 320 to 1280 px,
// light and dark. UPDATE_SCREENSHOTS=1 also rewrites the picture of the README.

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { deflateSync, crc32 } from "node:zlib";
import {
  LIMIT, buildChat, heard, noted, npmFile, openPage, plainClient, reconnecting, repo, say, startBrowser, startChat, typing,
} from "./harness.js";

const screenshots = join(repo, "e2e", "screenshots");
const axe = npmFile("axe-core", "axe.min.js");
// The second is a desktop at a zoom of 400 %.
const sizes = [[320, 568], [320, 256], [360, 740], [768, 1024], [1280, 800]].map(([width, height]) => ({ width, height }));
const themes = ["light", "dark"];

describe("the look of the chat", { timeout: LIMIT }, () => {
  let built, browser, chat, ada, grace, alan;
  before(async () => {
    mkdirSync(screenshots, { recursive: true });
    built = buildChat();
    browser = await startBrowser();
    chat = await startChat(built);
    ada = await openPage(browser, chat.url, { nickname: "Ada" });
    grace = await plainClient(chat.url, "Grace");
    alan = await plainClient(chat.url, "Alan");
    await converse();
  });
  after(async () => {
    grace?.socket.disconnect();
    alan?.socket.disconnect();
    await browser?.close();
    await chat?.stop();
  });

  // One of everything the page can show, each in its order.
  async function converse() {
    const say = async (who, text) => {
      who.socket.emit("chat message", text);
      await heard(ada, text);
    };
    const write = async (text) => {
      await ada.locator("#input").fill(text);
      await ada.keyboard.press("Enter");
      await heard(ada, text);
    };
    await noted(ada, "Alan joined");
    await say(grace, "Morning! Is the new server up?");
    await write("Since last night. Open a second window and say hello.");
    await say(grace, "It says we are three.");
    await say(grace, "I am on a train: polling first, WebSocket when it can.");
    await say(alan, "Was offline for a minute. My message waited for me.");
    await write("Good. Here is a picture from this morning:");
    const chooser = ada.waitForEvent("filechooser");
    await ada.locator("#share").click();
    await (await chooser).setFiles({ name: "sunrise.png", mimeType: "image/png", buffer: sunrise(300, 112) });
    await heard(ada, "sunrise.png");
    await ada.locator(".message img").waitFor();
    await say(alan, "Lovely.");
    await ada.locator("#input").focus();
  }

  /** Sets size and theme, and renews what fades: the typing line. */
  async function show(size, colorScheme) {
    await ada.setViewportSize(size);
    await ada.emulateMedia({ colorScheme });
    await ada.locator("[role=log]").evaluate((e) => (e.scrollTop = e.scrollHeight));
    await typing(ada, "Grace is typing", () => grace.socket.emit("typing"));
  }

  for (const size of sizes) {
    for (const theme of themes) {
      test(`${size.width} x ${size.height} px, ${theme}: no violations, nothing past the edge`, async () => {
        await show(size, theme);
        await ada.screenshot({ path: join(screenshots, `chat-${size.width}x${size.height}-${theme}.png`) });
        await accessible();
        await inside();
      });
    }
  }

  /** Nothing is cut off, whatever state the header tells. */
  async function inside() {
    const states = ["", "Connected", "Reconnecting", "Refused: the name of this client is not one that this server knows"];
    for (const state of states) {
      const problems = await ada.evaluate((state) => {
        const line = document.getElementById("state");
        const before = line.textContent;
        if (state) line.textContent = state;
        const problems = Array.from(document.querySelectorAll("html, header, header *, #form > *, #messages li"))
          .filter((e) => {
            const box = e.getBoundingClientRect();
            if (box.width <= 1) return false;
            return box.left < 0 || box.right > innerWidth || (e.tagName !== "INPUT" && e.scrollWidth > e.clientWidth && e.clientWidth > 0);
          })
          .map((e) => e.outerHTML.slice(0, 80));
        const boxes = Array.from(document.querySelectorAll("header > *"), (e) => e.getBoundingClientRect());
        const [a, b] = boxes;
        if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom) problems.push("the header overlaps");
        if (document.querySelector("[role=log]").clientHeight < 40) problems.push("no room for messages");
        line.textContent = before;
        return problems;
      }, state);
      assert.deepEqual(problems, [], state);
    }
  }

  async function accessible() {
    if (!(await ada.evaluate(() => window.axe))) await ada.evaluate(axe);
    const { violations, passes } = await ada.evaluate(() =>
      axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
    assert.ok(passes.length > 10, "axe looked at the page");
    assert.deepEqual(violations.map((v) => [v.id, v.nodes.map((n) => n.html)]), []);
  }

  test("the picture of the README", async () => {
    await show({ width: 840, height: 924 }, "light");
    const picture = process.env.UPDATE_SCREENSHOTS === "1"
      ? join(repo, "docs", "images", "chat.png")
      : join(screenshots, "readme.png");
    await ada.screenshot({ path: picture });
  });

  test("a picture that comes does not take away who reads further up", async () => {
    await ada.setViewportSize(sizes[0]);
    const log = ada.locator("[role=log]");
    await log.evaluate((e) => (e.scrollTop = 0));
    grace.socket.emit("file", "later.png", "image/png", sunrise(300, 112));
    await heard(ada, "later.png");
    await ada.waitForFunction(() => Array.from(document.querySelectorAll(".message img")).every((img) => img.complete));
    await ada.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    assert.equal(await log.evaluate((e) => e.scrollTop), 0);
    await log.evaluate((e) => (e.scrollTop = e.scrollHeight));
  });

  test("a long word and a long name stay inside", async () => {
    await ada.setViewportSize(sizes[0]); // the narrowest
    alan.socket.emit("nickname", "W".repeat(24));
    alan.socket.emit("chat message", "x".repeat(400));
    await heard(ada, "x".repeat(400));
    await typing(ada, "WWW", () => alan.socket.emit("typing"));
    const log = await ada.locator("[role=log]").evaluate((e) => e.scrollWidth - e.clientWidth);
    assert.equal(log, 0);
    await inside();
    await ada.screenshot({ path: join(screenshots, "long-320.png") });
  });

  test("without the server it says so, accessibly", async () => {
    assert.deepEqual(ada.complaints, [], "the page logs no error and no warning");
    assert.equal(await chat.stop("SIGINT"), 0);
    await reconnecting(ada);
    await say(ada, "Typed in the tunnel.");
    await say(ada, "This one has not found its way, although it was sent again and again.");
    await ada.evaluate(() => {
      const [key, line] = [...own].at(-1);
      setSent(key, line, "failed", "Not sent: operation has timed out");
    });
    const below = await ada.locator("[role=log]").evaluate((e) => e.scrollHeight - e.scrollTop - e.clientHeight);
    assert.ok(below < 2, "the end stays in sight when its text grows");
    for (const size of [sizes[0], sizes.at(-1)]) {
      for (const theme of themes) {
        await ada.setViewportSize(size);
        await ada.emulateMedia({ colorScheme: theme });
        await accessible();
        await inside();
        await ada.screenshot({ path: join(screenshots, `reconnecting-${size.width}-${theme}.png`) });
      }
    }
  });
});

/** A small PNG: a sun over the sea. */
function sunrise(width, height) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const sea = y > height * 0.68;
      const sun = Math.hypot(x - width / 2, y - height * 0.66) < height * 0.3;
      const t = y / height;
      let rgb = [70 + 185 * t, 110 + 70 * t, 190 - 60 * t];
      if (sun && !sea) rgb = [255, 214, 120];
      if (sea) {
        const glint = Math.abs(x - width / 2) < height * 0.3 * (1.5 - t) * 2 && y % 6 < 2;
        rgb = glint ? [255, 200, 120] : [40, 70 + 40 * t, 120];
      }
      rows.set(rgb.map(Math.round), y * (width * 3 + 1) + 1 + x * 3);
    }
  }
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const length = Buffer.alloc(4), sum = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body) >>> 0);
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0)),
  ]);
}
