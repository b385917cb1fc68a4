// SPDX-License-Identifier: MIT

// The chat as a command: its address, its port, its end.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { LIMIT, buildChat, plainClient, startChat } from "./harness.js";

describe("the chat command", { timeout: LIMIT }, () => {
  let built;
  before(() => (built = buildChat()));

  test("prints its address and serves the page there", async () => {
    const chat = await startChat(built);
    try {
      assert.match(chat.url, /^http:\/\/localhost:\d+$/);
      const page = await fetch(chat.url);
      assert.equal(page.status, 200);
      assert.match(page.headers.get("content-type"), /^text\/html/);
      assert.match(await page.text(), /<ul id="messages">/);
      assert.equal((await fetch(chat.url + "/socket.io/socket.io.js")).status, 200);
    } finally {
      await chat.stop();
    }
  });

  test("a taken port is named, with the way out", async () => {
    const chat = await startChat(built);
    try {
      await assert.rejects(startChat(built, chat.port), (error) => {
        assert.match(error.message, /^the chat ended with 1: /);
        assert.match(error.message, new RegExp(`:${chat.port}: .*in use`));
        assert.match(error.message, new RegExp(`PORT=${chat.port + 1} make chat`));
        return true;
      });
    } finally {
      await chat.stop();
    }
  });

  for (const signal of ["SIGINT", "SIGTERM"]) {
    test(`${signal} ends it cleanly while clients are connected`, async () => {
      const chat = await startChat(built);
      const client = await plainClient(chat.url);
      try {
        const left = new Promise((resolve) => client.socket.once("disconnect", resolve));
        assert.equal(await chat.stop(signal), 0);
        assert.equal(await left, "transport close", "a reason after which clients come back");
      } finally {
        client.socket.disconnect();
        await chat.stop();
      }
    });
  }
});
