// SPDX-License-Identifier: MIT

// Starts the chat program and Chromium for the tests, opens pages, and gathers
// what a page complains about.

import { spawn, execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { io } from "socket.io-client";
import { endWithUs } from "../conformance/lib/orphans.mjs";

const require = createRequire(import.meta.url);
/** Nothing that works takes so long, in ms, on any machine: it only ends what hangs. */
export const PATIENCE = 120_000;
/** For all tests of a file. */
export const LIMIT = 900_000;
export const repo = dirname(dirname(fileURLToPath(import.meta.url)));

/** The file of an npm package, as text. */
export function npmFile(pkg, file) {
  return readFileSync(join(dirname(require.resolve(pkg + "/package.json")), file), "utf8");
}

/** Builds the chat with the race detector, unless CHAT_BIN names one. Returns its path. */
export function buildChat() {
  return process.env.CHAT_BIN || build("./examples/chat", "chat-race");
}

/** Builds the chat whose store is on a disk. */
export const buildDurableChat = () => build("./adapter/diskstore/chat", "chat-durable-race");

/**
 * Builds a program with the race detector as bin/NAME, if that is not up to date. With BUILT=1, which scripts/test.sh
 * sets after it has built all, it is. Returns its path.
 */
export function build(pkg, name) {
  const bin = join(repo, "bin", name);
  if (process.env.BUILT && existsSync(bin)) return bin;
  execFileSync("go", ["build", "-race", "-o", bin, pkg], { cwd: repo, stdio: "inherit" });
  return bin;
}

// Below the ports that systems assign: no other program gets one of these by chance while a server is down. Each
// process has some of its own.
let ports = 0;

/** A port of 127.0.0.1 that is free, for a server that must come back on it. */
export async function freePort() {
  for (;;) {
    const port = 10_000 + ((process.pid * 40 + (ports++ % 40)) % 22_000);
    const probe = createServer();
    const free = await new Promise((resolve) => {
      probe.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
    });
    await new Promise((resolve) => probe.close(resolve));
    if (free) return port;
  }
}

/** Runs the chat program, or one like it. Resolves once it has printed its address. */
export async function startChat(bin, port = 0, settings = {}, args = []) {
  // A program with the race detector would otherwise linger for a second at its end.
  const env = { ...process.env, ...settings, PORT: String(port), GORACE: "atexit_sleep_ms=0" };
  const child = endWithUs(spawn(bin, args, { env }));
  const ended = new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal })));
  const chat = {
    url: "",
    port: 0,
    log: "",
    /**
     * Ends the program and returns its exit code: null if the signal ended it,
     * 66 if the race detector found something, which chat.log then tells.
     */
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      return (await ended).code;
    },
    ended,
    /** Sends the program a signal that does not end it. */
    signal: (name) => child.kill(name),
    /** Waits until the log has a line like this. */
    async logs(line) {
      while (!line.test(chat.log)) {
        if ((await Promise.race([once(child.stderr, "data"), ended])).code !== undefined && !line.test(chat.log)) {
          throw new Error(`the chat ended without ${line} in its log: ${chat.log}`);
        }
      }
    },
  };
  child.stderr.on("data", (data) => (chat.log += data));
  const line = await Promise.race([
    new Promise((resolve) => createInterface({ input: child.stdout }).once("line", resolve)),
    ended.then(({ code }) => Promise.reject(new Error(`the chat ended with ${code}: ${chat.log}`))),
  ]);
  chat.url = line.trim();
  chat.port = Number(new URL(chat.url).port);
  return chat;
}

/** Starts the Chromium of the system, or the one CHROMIUM names. */
export function startBrowser({ quic = false } = {}) {
  return chromium.launch({
    timeout: PATIENCE,
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"].concat(quic ? [] : "--disable-quic"),
  });
}

/**
 * Opens the chat in a browser context of its own. `bundle` is the text of a
 * client to serve in place of the server's; `complaints` gathers everything a
 * page without faults does not have, `sockets` the WebSockets it opened.
 */
export async function openPage(browser, url, { bundle, nickname, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.complaints = [];
  page.sockets = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) page.complaints.push(message.text());
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("filechooser", () => {}); // so that no dialog of the system ever opens
  page.on("websocket", (socket) => page.sockets.push(socket.url()));
  if (bundle) {
    await page.route("**/socket.io/socket.io.js", (route) => {
      page.replaced = true;
      return route.fulfill({ contentType: "text/javascript", body: bundle });
    });
  }
  if (nickname) await context.addInitScript((name) => sessionStorage.setItem("nickname", name), nickname);
  await page.goto(url);
  await connected(page);
  await page.evaluate(() => {
    const line = document.getElementById("typing");
    window.typingLines = [];
    new MutationObserver(() => window.typingLines.push(line.textContent)).observe(line, { childList: true });
  });
  return page;
}

/** Does something and waits until the page has shown since that someone is typing, even if it has faded again. */
export async function typing(page, text, act) {
  await page.evaluate(() => (window.typingLines.length = 0));
  await act();
  await page.waitForFunction((text) => window.typingLines.some((line) => line.includes(text)), text, { polling: 50 });
}

export const connected = (page) => page.locator("#state[data-state=connected]").waitFor();
export const reconnecting = (page) => page.locator("#state[data-state=reconnecting]").waitFor();

/** Waits until the page shows a line with this very text from someone, or from `name`. */
export function heard(page, text, name) {
  let line = page.locator(".message").filter({ hasText: text });
  if (name) line = line.filter({ has: page.locator(".by b", { hasText: name }) });
  return line.first().waitFor();
}

/** Waits until the page shows a note with this text. */
export const noted = (page, text) => page.locator(".note", { hasText: text }).first().waitFor();

/** Writes a message as a person does. */
export async function say(page, text) {
  await page.locator("#input").fill(text);
  await page.keyboard.press("Enter");
}

/** Connects a plain client of the kind any program may use, without a page, and waits for its upgrade. */
export async function plainClient(url, nickname) {
  const socket = io(url, { forceNew: true, auth: { nickname }, timeout: PATIENCE });
  const heard = [];
  const waiting = new Set();
  socket.onAny((...event) => {
    heard.push(event);
    for (const look of waiting) look();
  });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("connect_error", reject));
  const { engine } = socket.io;
  if (engine.transport.name !== "websocket") await new Promise((resolve) => engine.once("upgrade", resolve).once("upgradeError", resolve));
  return {
    socket,
    heard,
    /** Resolves with the first event that has this name and passes the test. */
    hears(name, test = () => true) {
      return new Promise((resolve) => {
        const look = () => {
          const event = heard.find((e) => e[0] === name && test(...e.slice(1)));
          if (!event) return;
          waiting.delete(look);
          resolve(event.slice(1));
        };
        waiting.add(look);
        look();
      });
    },
  };
}
