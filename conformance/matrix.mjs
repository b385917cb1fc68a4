// SPDX-License-Identifier: MIT
// The whole suite with each client version, as one table of scenario by version and transport. Arguments and
// environment are those of run.mjs. --short takes three versions: 2.5 without WebSockets that are there from the start,
// since upgrades end on the same, 4.0 over upgrades alone; and fewer rounds of the scenarios that repeat.
// VERSIONS=1.7.4,2.5.0 takes these versions only.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { folder, serverProgram, suiteFiles, testArguments, testEnvironment } from "./lib/build.mjs";
import { NEWEST, SHORT_LIST, VERSIONS } from "./lib/clients.mjs";
import { endWithUs } from "./lib/orphans.mjs";
import { NONE } from "./lib/table.mjs";
import { TRANSPORTS } from "./lib/transports.mjs";

const SHORT = { polling: "poll", websocket: "ws", upgrade: "up" };
const LEAST = 40; // scenarios on each transport of each version

const args = process.argv.slice(2);
const named = args.filter((arg) => !arg.startsWith("--"));
const versions = process.env.VERSIONS?.split(",") ?? (args.includes("--short") ? SHORT_LIST : VERSIONS);
const command = serverProgram({ reference: args.includes("--reference") });
const brief = args.includes("--short");
const started = Date.now();
const rows = new Map();
const counts = { ok: 0, FAIL: 0, "-": 0 };
let running;
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    running?.kill(signal);
    process.exit(1);
  });
}

for (const version of versions) {
  const begun = Date.now();
  const status = await run(version);
  console.log(`socket.io-client ${version}: ${((Date.now() - begun) / 1000).toFixed(1)} s`);
  if (status !== 0 && counts.FAIL === 0) fail(`the runner of ${version}`, `ended with status ${status}`);
}
if (rows.size === 0) fail("the matrix", NONE);
console.log(render());
if (named.length === 0 && !process.env.ONLY) checkWidth();
console.log(`server: ${command}\ntook ${((Date.now() - started) / 1000).toFixed(1)} s`);
console.log(`${counts.ok} passed, ${counts.FAIL} failed`);
process.exit(counts.FAIL === 0 ? 0 : 1);

async function run(version) {
  running = spawn(process.execPath, testArguments("events.mjs", named.length > 0 ? named : suiteFiles()), {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...testEnvironment(command), ...(brief ? { SHORT: "1" } : {}), CLIENT: version, TRANSPORTS: transportsFor(version).join() },
  });
  endWithUs(running);
  const ended = new Promise((resolve) => running.once("exit", (code) => resolve(code ?? 1)));
  for await (const line of createInterface({ input: running.stdout })) note(version, JSON.parse(line));
  return ended;
}

function transportsFor(version) {
  if (process.env.TRANSPORTS) return process.env.TRANSPORTS.split(",");
  if (!brief || version === NEWEST) return TRANSPORTS;
  return version.startsWith("2.") ? ["polling", "upgrade"] : ["upgrade"];
}

function note(version, outcome) {
  if (outcome.said !== undefined) {
    process.stdout.write(outcome.said);
    return;
  }
  const { name, transport, mark, why } = outcome;
  if (mark === "FAIL") console.log(`FAIL ${name} | ${version} ${transport}\n${why}`);
  counts[mark]++;
  if (!rows.has(name)) rows.set(name, { cells: {}, reasons: new Set() });
  const row = rows.get(name);
  row.cells[`${version} ${transport}`] = mark;
  if (mark === "-") row.reasons.add(why);
}

function fail(what, why) {
  counts.FAIL++;
  console.log(`FAIL ${what}: ${why}`);
}

// A column for each version and transport; at the end of a line, why a version was left out.
function render() {
  const width = Math.max(10, ...[...rows.keys()].map((name) => name.length));
  const size = TRANSPORTS.length * 5;
  let text = `\n${"scenario".padEnd(width)}  ${versions.map((version) => version.padEnd(size)).join("")}\n`;
  text += `${" ".repeat(width)}  ${versions.map(() => TRANSPORTS.map((t) => SHORT[t].padEnd(5)).join("")).join("")}\n`;
  for (const [name, { cells, reasons }] of rows) {
    const marks = versions.flatMap((version) => TRANSPORTS.map((t) => (cells[`${version} ${t}`] ?? "-").padEnd(5)));
    text += `${`${name.padEnd(width)}  ${marks.join("")}${[...reasons].join("; ")}`.trimEnd()}\n`;
  }
  return text;
}

// Otherwise a matrix with unnoticed gaps would pass.
function checkWidth() {
  for (const version of versions) {
    for (const transport of transportsFor(version)) {
      const ran = [...rows.values()].filter(({ cells }) => /^(ok|FAIL)$/.test(cells[`${version} ${transport}`])).length;
      if (ran < LEAST) fail(`${version} ${transport}`, `${ran} scenarios ran, at least ${LEAST} must`);
    }
  }
}
