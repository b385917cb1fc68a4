// SPDX-License-Identifier: MIT
// Entry point: finds or builds the server program, then runs the suite with the table reporter.
//
//   node run.mjs                 builds ./cmd/testserver with the race detector and runs it
//   node run.mjs --reference     runs server.mjs, the npm server, instead
//   node run.mjs --newest        only the files for the newest client: official/ and msgpack/
//   SERVER_CMD="..." node run.mjs   runs that command (split at spaces)
//   TRANSPORTS=upgrade node run.mjs   over that transport only; what is not for it, over its own
//   SHORT=1 node run.mjs         fewer rounds of the scenarios that repeat
//
// Further arguments name suite files, e.g. `node run.mjs suite/acks.test.mjs`; ONLY=text keeps the
// scenarios whose name contains that text; CLIENT=2.5.0 takes that version of the client.
import { spawn } from "node:child_process";
import { folder, newestFiles, serverProgram, suiteFiles, testArguments, testEnvironment } from "./lib/build.mjs";
import { endWithUs } from "./lib/orphans.mjs";

const args = process.argv.slice(2);
const named = args.filter((arg) => !arg.startsWith("--"));
const command = serverProgram({ reference: args.includes("--reference") });
const started = Date.now();
const all = [...(args.includes("--newest") ? [] : suiteFiles()), ...(process.env.CLIENT ? [] : newestFiles)];
if (all.length === 0) throw new Error("--newest has no other CLIENT than the newest");
const child = endWithUs(
  spawn(process.execPath, testArguments("table.mjs", named.length > 0 ? named : all), {
    cwd: folder,
    stdio: "inherit",
    env: testEnvironment(command),
  }),
);
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => {
  console.log(`server: ${command}\ntook ${((Date.now() - started) / 1000).toFixed(1)} s`);
  process.exit(code ?? 1);
});
