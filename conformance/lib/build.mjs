// SPDX-License-Identifier: MIT
// The server program under test: named by the environment, the npm one, or built from this repository.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const folder = dirname(dirname(fileURLToPath(import.meta.url)));

// {command, remove}: the command to run, and what to do when all is over.
export function serverProgram({ reference }) {
  if (reference) return { command: `${process.execPath} ${join(folder, "server.mjs")}`, remove() {} };
  if (process.env.SERVER_CMD) return { command: process.env.SERVER_CMD, remove() {} };
  const built = mkdtempSync(join(tmpdir(), "conformance-"));
  const remove = () => rmSync(built, { recursive: true, force: true });
  const command = join(built, "testserver");
  const build = spawnSync("go", ["build", "-race", "-o", command, "./conformance/cmd/testserver"], {
    cwd: dirname(folder),
    stdio: "inherit",
  });
  if (build.status !== 0) {
    remove();
    process.exit(build.status ?? 1);
  }
  return { command, remove };
}

export const suiteFiles = () => filesOf("suite");

function filesOf(directory) {
  return readdirSync(join(folder, directory))
    .filter((name) => name.endsWith(".test.mjs"))
    .map((name) => join(directory, name));
}

// What belongs to the suite of the newest client only: these open servers and clients of their own kind.
export const newestFiles = [join("msgpack", "live.test.mjs"), ...filesOf("official")];

// The arguments of node that run `files` with a reporter of lib/.
export function testArguments(reporter, files) {
  return ["--test", "--test-concurrency=2", `--test-reporter=${join(folder, "lib", reporter)}`, "--test-reporter-destination=stdout", ...files];
}

// A program built with the race detector sleeps a second before it exits unless told otherwise.
export function testEnvironment(command) {
  return { GORACE: "atexit_sleep_ms=10", ...process.env, SERVER_CMD: command };
}
