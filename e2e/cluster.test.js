// SPDX-License-Identifier: MIT

// The chat on two servers behind nginx without sticky sessions: one of them is killed while two people chat.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { LIMIT, build, connected, heard, noted, openPage, say, startBrowser, startChat } from "./harness.js";

describe("the chat on two servers", { timeout: LIMIT }, () => {
  let built, browser;
  before(async () => {
    built = build("./adapter/redisadapter/chat", "chat-cluster-race");
    browser = await startBrowser();
  });
  after(() => browser?.close());

  test("goes on when one of them is killed", async () => {
    const chat = await startChat(built);
    const pages = [];
    try {
      for (const name of ["Ada", "Grace", "Edsger", "Barbara"]) pages.push(await openPage(browser, chat.url, { nickname: name }));
      const [ada, grace] = pages;
      await noted(ada, "Barbara joined");
      await say(ada, "Hello from one of two servers");
      for (const page of pages) await heard(page, "Hello from one of two servers", "Ada");
      process.kill(Number(/kill -9 (\d+)/.exec(chat.log)[1]), "SIGKILL");
      for (const [i, page] of pages.entries()) {
        await say(page, `I am page ${i}`);
        await page.locator(".message[data-state=sent]", { hasText: `I am page ${i}` }).waitFor();
        await connected(page);
      }
      await say(grace, "Is anybody there?");
      await heard(ada, "Is anybody there?", "Grace");
      await say(ada, "All of us are");
      for (const page of pages) await heard(page, "All of us are", "Ada");
      // Nobody has missed anything: the pages of the server that died were recovered on the other.
      for (const page of pages) {
        for (const i of pages.keys()) {
          const text = `I am page ${i}`;
          assert.equal(await page.locator(".message", { hasText: text }).count(), 1, `${text}, on each page once`);
        }
        assert.equal(await page.getByText("You may have missed messages").count(), 0, "each page is recovered");
      }
      if (process.env.SCREENSHOTS) await ada.screenshot({ path: join(process.env.SCREENSHOTS, "cluster.png") });
    } finally {
      for (const page of pages) await page.context().close();
      assert.equal(await chat.stop("SIGINT"), 0, chat.log);
    }
  });
});
