// SPDX-License-Identifier: MIT
// The npm client against each framework of examples/frameworks: over polling, over WebSocket, and over the
// upgrade from one to the other. The last line is the sum.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";

const FRAMEWORKS = ["net/http", "chi", "gin", "echo", "fiber"];
const WITH_LOGIN = ["chi", "fiber"];
const TRANSPORTS = [["polling"], ["websocket"], ["polling", "websocket"]];
const PATIENCE = 120000;

const dir = mkdtempSync(join(tmpdir(), "socketio-frameworks-"));
const program = join(dir, "serve");
let passed = 0;
let failed = 0;
try {
  const cwd = join(dirname(fileURLToPath(import.meta.url)), "../examples/frameworks");
  const built = spawnSync("go", ["build", "-race", "-ldflags=-s -w", "-o", program, "./cmd/serve"], {
    cwd,
    encoding: "utf8",
  });
  if (built.status !== 0) throw new Error(`go build: ${built.stderr}`);
  for (const framework of FRAMEWORKS) await runAll(framework);
} catch (error) {
  report("FAIL", "the preparation", error);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

async function runAll(framework) {
  const server = spawn(program, [framework], { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, GIN_MODE: "release" } });
  const ended = once(server, "exit");
  try {
    const [url] = await once(createInterface(server.stdout), "line");
    const extraHeaders = WITH_LOGIN.includes(framework) ? { cookie: await logIn(url) } : {};
    for (const transports of TRANSPORTS) {
      const name = `${framework} over ${transports.join(" then ")}`;
      await within(exchange(url, transports, extraHeaders)).then(
        () => report("ok", name),
        (error) => report("FAIL", name, error),
      );
    }
  } finally {
    server.stdin.end();
    const [code] = await ended;
    if (code !== 0) report("FAIL", `${framework}: the server`, new Error(`ended with ${code}`));
  }
}

async function logIn(url) {
  const response = await fetch(`${url}/login`, { method: "POST", body: new URLSearchParams({ name: "anna" }) });
  return response.headers.getSetCookie()[0].split(";")[0];
}

async function exchange(url, transports, extraHeaders) {
  const socket = io(url, { transports, extraHeaders, reconnection: false, forceNew: true });
  try {
    const upgraded = transports.length > 1 ? new Promise((resolve) => socket.io.engine.once("upgrade", resolve)) : undefined;
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("connect_error", reject));
    await upgraded;
    const carrier = socket.io.engine.transport.name;
    if (carrier !== transports.at(-1)) throw new Error(`carried by ${carrier}`);

    equal(await socket.emitWithAck("echo", { list: [1, "é"] }), { list: [1, "é"] });
    equal([...(await socket.emitWithAck("echo", Buffer.from([1, 2, 255])))], [1, 2, 255]);
    equal(await socket.emitWithAck("whoami"), extraHeaders.cookie ? "anna" : "");
    const heard = new Promise((resolve) => socket.once("shout", resolve));
    socket.emit("shout", "x".repeat(100_000));
    equal(await heard, "x".repeat(100_000));
  } finally {
    socket.disconnect();
  }
}

function equal(got, want) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
  if (a !== b) throw new Error(`got ${a.slice(0, 80)}, want ${b.slice(0, 80)}`);
}

function within(promise) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error("takes too long")), PATIENCE)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function report(status, name, error) {
  if (error) failed++;
  else passed++;
  console.log(`${status.padEnd(4)} ${name}${error ? `: ${error.message}` : ""}`);
}
