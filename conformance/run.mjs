// SPDX-License-Identifier: MIT
// Entry point: finds or builds the server program, then runs the suite with the table reporter.
//
//   node run.mjs                 builds ./cmd/testserver with the race detector and runs it
//   node run.mjs --reference     runs server.mjs, the npm server, instead
//   SERVER_CMD="..." node run.mjs   runs that command (split at spaces)
//
// Further arguments name suite files, e.g. `node run.mjs suite/acks.test.mjs`;
// ONLY=text keeps the scenarios whose name contains that text.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const args = process.argv.slice(2);
const reference = args.includes("--reference");
const named = args.filter((arg) => !arg.startsWith("--"));
const files = named.length > 0 ? named : suiteFiles();

let buildDir;
const command = serverCommand();
const started = Date.now();
const child = spawn(
  process.execPath,
  ["--test", "--test-concurrency=2", `--test-reporter=${join(here, "lib/table.mjs")}`, "--test-reporter-destination=stdout", ...files],
  { cwd: here, stdio: "inherit", env: environment() },
);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => {
  if (buildDir) rmSync(buildDir, { recursive: true, force: true });
  console.log(`server: ${command}\ntook ${((Date.now() - started) / 1000).toFixed(1)} s`);
  process.exit(code ?? 1);
});

function suiteFiles() {
  return readdirSync(join(here, "suite"))
    .filter((name) => name.endsWith(".test.mjs"))
    .map((name) => join("suite", name));
}

// A program built with the race detector sleeps a second before it exits unless told otherwise.
function environment() {
  return { GORACE: "atexit_sleep_ms=10", ...process.env, SERVER_CMD: command };
}

function serverCommand() {
  if (reference) return `${process.execPath} ${join(here, "server.mjs")}`;
  if (process.env.SERVER_CMD) return process.env.SERVER_CMD;
  buildDir = mkdtempSync(join(tmpdir(), "conformance-"));
  const binary = join(buildDir, "testserver");
  const build = spawnSync("go", ["build", "-race", "-o", binary, "./conformance/cmd/testserver"], {
    cwd: dirname(here),
    stdio: "inherit",
  });
  if (build.status !== 0) {
    rmSync(buildDir, { recursive: true, force: true });
    process.exit(build.status ?? 1);
  }
  return binary;
}
