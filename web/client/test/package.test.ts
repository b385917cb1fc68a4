// SPDX-License-Identifier: MIT

// This file tests the package as it is in a checkout, nothing built: its contents, and that programs which have
// installed it compile and run.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { admit, FakeServer } from "./fake-server.ts";

const PROGRAM = `
import io, { connect, Manager, protocol, TransportError, type ManagerOptions, type Socket, type SocketOptions } from "socketio-client";
import type { DisconnectDescription, ExtendedError } from "socketio-client";

interface FromServer { tick: (n: number, at: string) => void }
interface ToServer {
  say: (text: string) => void;
  sum: (a: number, b: number, reply: (total: number) => void) => void;
  done: (reply: () => void) => void;
}

const options: Partial<ManagerOptions & SocketOptions> = { transports: ["websocket"], auth: { token: "x" } };
export const socket: Socket<FromServer, ToServer> = io("http://127.0.0.1:1", { ...options, autoConnect: false });
socket.on("connect", () => console.log(socket.id?.length));
socket.on("connect_error", (err) => console.log(err.message, err.data, err.description, err.context?.status));
socket.on("connect_error", (err: Error) => console.log(err));
socket.on("connect_error", (err: ExtendedError) => console.log(err));
socket.on("disconnect", (reason: Socket.DisconnectReason, details?: DisconnectDescription) => console.log(reason, details));
socket.on("tick", (n, at) => console.log(n.toFixed(), at.length));
socket.emit("sum", 1, 2, (total) => console.log(total.toFixed()));
socket.timeout(10).emit("sum", 1, 2, (err: Error, total: number) => console.log(err.message, total.toFixed()));
socket.timeout(10).emit("sum", 1, 2, (err: Error | null, total) => console.log(err?.message, total.toFixed()));
socket.timeout(10).emit("sum", 1, 2, (err) => console.log(err?.message));
socket.timeout(10).emit("done", (err: Error) => console.log(err));
socket.volatile.timeout(10).emit("done", (err: Error) => console.log(err));
socket.sendBuffer = socket.sendBuffer.filter((packet) => packet.data[0] !== "say");
socket.receiveBuffer = [];
socket.sendBuffer.length = 0;
socket.io.uri = "http://127.0.0.1:2";
socket.io.opts.query = { a: "b" };
socket.io._close();
socket.io.on("reconnect_attempt", (n) => n.toFixed());
socket.emitWithAck("sum", 1, 2).then((total) => total.toFixed(), (err: unknown) => err instanceof TransportError);
// @ts-expect-error -- a number is no text
socket.emit("say", 1);
// @ts-expect-error -- nor is it here
socket.timeout(10).emit("sum", 1, 2, (err: Error, total: string) => console.log(err, total));
const plain = connect("http://127.0.0.1:1", options);
plain.timeout(10).emit("any", {}, (err: Error, answer: { a: 1 }) => console.log(err, answer));
plain.disconnect();
export const manager = new Manager("http://127.0.0.1:1", { autoConnect: false, timeout: 10 * protocol });
`;

const RUN = `
assert.equal(typeof client.io, "function");
assert.equal(client.default, client.io);
assert.equal(client.io("http://127.0.0.1:1", { autoConnect: false }).connected, false);
console.log("ran");
`;

let dir: string;
let files: string[];

before(() => {
  dir = mkdtempSync(join(tmpdir(), "socketio-package-"));
  // A checkout has neither node_modules nor anything that was built beside dist/ and types/.
  const checkout = join(dir, "checkout");
  for (const name of ["package.json", "src", "dist", "types", "README.md"]) cpSync(name, join(checkout, name), { recursive: true });
  const [packed] = JSON.parse(npm(checkout, "pack", "--json", "--pack-destination", dir));
  files = packed.files.map(({ path }: { path: string }) => path);
  const installed = join(dir, "node_modules/socketio-client");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(dir, packed.filename), "--strip-components=1", "-C", installed]);
});

after(() => rmSync(dir, { recursive: true, force: true }));

function npm(cwd: string, ...args: string[]): string {
  return execFileSync("npm", [...args, "--offline", "--no-audit", "--no-fund"], { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** A program of its own in a folder, of one kind of module, with the package as it was packed or as a link to a checkout. */
function program(name: string, type: "module" | "commonjs", linked: boolean): string {
  const cwd = join(dir, name);
  mkdirSync(join(cwd, "node_modules"), { recursive: true });
  const source = join(dir, linked ? "checkout" : "node_modules/socketio-client");
  symlinkSync(source, join(cwd, "node_modules/socketio-client"));
  writeFileSync(join(cwd, "package.json"), JSON.stringify({ type }));
  return cwd;
}

test("the package has what it names, and no tests", () => {
  for (const file of ["dist/socket.io.node.mjs", "dist/socket.io.esm.min.js", "dist/socket.io.js", "types/index.d.ts", "types/cjs/index.d.ts"]) {
    assert.ok(files.includes(file), file);
  }
  assert.deepEqual(files.filter((file) => /\.test\.|^test\/|\.go$|\.gz$|\.br$|node_modules/.test(file)), []);
});

describe("a program in TypeScript compiles", () => {
  const settings: [string, string, "module" | "commonjs", string][] = [
    ["nodenext", "nodenext", "module", "ES2022"],
    ["nodenext", "nodenext", "commonjs", "ES2022"],
    ["node16", "node16", "module", "ES2022"],
    ["node16", "node16", "commonjs", "ES2022"],
    ["esnext", "bundler", "module", "ES2022,DOM"],
    ["preserve", "bundler", "commonjs", "ES2020,DOM"],
  ];
  for (const linked of [false, true]) {
    for (const [module, moduleResolution, type, lib] of linked ? settings.slice(0, 2) : settings) {
      const name = `${moduleResolution}-${type}${linked ? "-linked" : ""}`;
      test(name, () => {
        const cwd = program(name, type, linked);
        writeFileSync(join(cwd, "main.ts"), PROGRAM);
        const types = ["--types", "node", "--typeRoots", resolve("node_modules/@types")];
        const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--noEmit", "--target", "ES2022"];
        const how = ["--module", module, "--moduleResolution", moduleResolution, "--lib", lib, "--esModuleInterop"];
        const tsc = resolve("node_modules/typescript/bin/tsc");
        const args = [tsc, ...strict, ...how, ...types, "main.ts"];
        try {
          execFileSync(process.execPath, args, { cwd, encoding: "utf8" });
        } catch (err) {
          assert.fail((err as { stdout: string }).stdout);
        }
      });
    }
  }
});

test("a link to a checkout finds the ws package of the program, and without one says what is missing", async () => {
  const server = await new FakeServer().start();
  server.handshake = { upgrades: ["websocket"] };
  server.onSession = (session) => {
    admit(session);
    session.onProbe = (ws) => {
      ws.send("3probe");
      session.send("6"); // ends the poll, so that the client may switch
    };
  };
  try {
    for (const [name, packages] of [["with-ws", ["ws"]], ["without-ws", []]] as const) {
      const cwd = program(name, "module", true);
      for (const name of packages) symlinkSync(resolve("node_modules", name), join(cwd, "node_modules", name));
      writeFileSync(
        join(cwd, "main.js"),
        `import io from "socketio-client";
         delete globalThis.WebSocket;
         const socket = io(${JSON.stringify(server.url)}, { forceNew: true });
         const done = (text) => { console.log(text); socket.disconnect(); };
         socket.io.engine.on("upgrade", (transport) => done(transport.name));
         socket.io.engine.on("upgradeError", (err) => done(err.message + ": " + err.description.message));`,
      );
      const child = spawn(process.execPath, ["main.js"], { cwd, stdio: ["ignore", "pipe", "inherit"] });
      let output = "";
      for await (const chunk of child.stdout.setEncoding("utf8")) output += chunk;
      const missing = "there is no WebSocket class here: install ws, or give the webSocket option";
      assert.equal(output, packages.length ? "websocket\n" : `probe error: websocket error: ${missing}\n`);
    }
  } finally {
    await server.stop();
  }
});

test("it runs: import, require, and the script as a module of either kind", () => {
  const cwd = program("runs", "module", false);
  const loads = {
    "import.mjs": `import * as client from "socketio-client";`,
    "require.cjs": `const client = require("socketio-client");`,
    "browser.mjs": `import * as client from "socketio-client/dist/socket.io.esm.min.js";`,
  };
  for (const [file, load] of Object.entries(loads)) {
    const assertion = file.endsWith(".cjs") ? `const assert = require("node:assert");` : `import assert from "node:assert";`;
    writeFileSync(join(cwd, file), assertion + load + RUN);
    assert.equal(execFileSync(process.execPath, [file], { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }), "ran\n", file);
  }
});
