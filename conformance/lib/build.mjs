// SPDX-License-Identifier: MIT
// The server program under test: named by the environment, the npm one, or built from this repository.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const folder = dirname(dirname(fileURLToPath(import.meta.url)));

// The command to run.
export function serverProgram({ reference }) {
  if (reference) return `${process.execPath} ${join(folder, "server.mjs")}`;
  return process.env.SERVER_CMD || builtServer();
}

// The path of ./cmd/testserver, built with the race detector.
export const builtServer = () => builtProgram("testserver");

// The path of ./cmd/NAME, built with the race detector. All suites share one program: if it is up to date, nothing is
// built, and with BUILT=1, which scripts/test.sh sets after it has built all, nothing is asked. Throws if it does not
// build.
export function builtProgram(name) {
  const program = join(dirname(folder), "bin", name);
  if (process.env.BUILT && existsSync(program)) return program;
  const { status, error } = spawnSync("go", ["build", "-race", "-o", program, `./conformance/cmd/${name}`], {
    cwd: dirname(folder),
    stdio: "inherit",
  });
  if (status !== 0) throw error ?? new Error(`conformance/cmd/${name} does not build`);
  return program;
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
