// SPDX-License-Identifier: MIT
// Entry point: runs every sequence with the npm server and with ours at the same time and compares.
//
//   node dialogues/run.mjs            all sequences
//   node dialogues/run.mjs upgrade    those whose name contains the text, with every difference
//   DIALOGUES_SHOW=1                  with the records of both servers
//
// Without a filter, a row of differences.md that explains nothing is a failure too.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { builtServer } from "../lib/build.mjs";
import { Program } from "../lib/program.mjs";
import { differences, Rows } from "./lib/compare.mjs";
import { farewell } from "./lib/steps.mjs";
import { Talk } from "./lib/talk.mjs";

const AT_ONCE = 10;
// Sequences with these settings mostly wait, so all of them begin at once, beside the others.
const PATIENT = new Set(["slowBody", "beat", "hasty", "eio3beat"]);
const here = dirname(fileURLToPath(import.meta.url));
const filter = process.argv[2] ?? "";
const show = Boolean(process.env.DIALOGUES_SHOW);
process.env.GORACE ??= "atexit_sleep_ms=10";

// The options of both servers for each setting of a sequence.
const SETTINGS = {
  plain: {},
  alone: {},
  slowBody: { BODY_TIMEOUT: "12s" },
  deflate: { COMPRESSION: "1" },
  small: { MAX_HTTP_BUFFER_SIZE: "1000" },
  beat: { PING_INTERVAL: "10s", PING_TIMEOUT: "20s" },
  hasty: { CONNECT_TIMEOUT: "15s" },
  anyOrigin: { CORS_ORIGIN: "*" },
  eio3: { ALLOW_EIO3: "1" },
  eio3beat: { ALLOW_EIO3: "1", PING_INTERVAL: "10s", PING_TIMEOUT: "20s" },
  oneOrigin: { CORS_ORIGIN: "http://app.example" },
};

const started = Date.now();
const rows = new Rows(readFileSync(join(here, "differences.md"), "utf8"));
const sequences = await load();
const results = { ok: 0, differs: 0, failed: 0 };
const servers = [];
try {
  const commands = { theirs: `${process.execPath} ${join(here, "..", "server.mjs")}`, ours: builtServer() };
  const pairs = await startPairs(commands);
  const run = (sequence) => judge(sequence, pairs[sequence.settings]);
  const [patient, others] = [true, false].map((is) => sequences.filter(({ settings }) => PATIENT.has(settings) === is));
  await Promise.all([...patient.map(run), inParallel(others, run)]);
} catch (error) {
  fail(`the run: ${error.stack}`);
}
for (const server of servers) await server.stop().catch((error) => fail(`a server: ${error.message}`));
if (!filter) for (const idle of rows.unused()) fail(`${idle} explains no difference`);
console.log(
  `${sequences.length} sequences: ${results.ok} equal, ${results.differs} with explained differences (${rows.size} rows), ` +
    `${results.failed} failures, ${((Date.now() - started) / 1000).toFixed(1)} s`,
);
console.log(`${results.ok + results.differs} passed, ${results.failed} failed`);
process.exitCode = results.failed > 0 ? 1 : 0;

function fail(line) {
  results.failed++;
  console.log(`FAIL ${line}`);
}

async function load() {
  const all = [];
  for (const file of readdirSync(join(here, "sequences")).sort()) {
    all.push(...(await import(pathToFileURL(join(here, "sequences", file)))).default);
  }
  const names = new Set(all.map(({ name }) => name));
  if (names.size !== all.length) throw new Error("two sequences have one name");
  return all.filter(({ name }) => name.includes(filter));
}

// Starts the two servers for each of the settings in use.
async function startPairs(commands) {
  const pairs = {};
  for (const name of new Set(sequences.map(({ settings }) => settings))) {
    if (!SETTINGS[name]) throw new Error(`unknown settings: ${name}`);
    pairs[name] = {};
    for (const [side, command] of Object.entries(commands)) {
      process.env.SERVER_CMD = command; // Program reads it when it starts
      const server = await Program.start(SETTINGS[name]);
      servers.push(server);
      pairs[name][side] = server.port;
    }
  }
  return pairs;
}

async function inParallel(list, work) {
  const waiting = [...list];
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await work(next);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

// Runs a sequence with both servers and reports.
async function judge({ name, steps }, ports) {
  let theirs, ours;
  try {
    [theirs, ours] = await Promise.all([tell(steps, ports.theirs), tell(steps, ports.ours)]);
  } catch (error) {
    fail(`${name}: ${error.stack}`);
    return;
  }
  const found = differences(theirs, ours).map((difference) => ({ ...difference, row: rows.explain(name, difference) }));
  const unexplained = found.some(({ row }) => !row);
  const numbers = [...new Set(found.map(({ row }) => row).filter(Boolean))].sort((a, b) => a - b);
  if (unexplained) fail(name);
  else if (found.length === 0) results.ok++;
  else results.differs++;
  if (!unexplained) console.log(found.length === 0 ? `ok ${name}` : `differs (row ${numbers.join(", ")}) ${name}`);
  for (const { step, what, theirs: their, ours: our, row } of found) {
    if (row && !filter) continue;
    console.log(`    ${step} / ${what}${row ? ` (row ${row})` : ""}\n      theirs  ${their}\n      ours    ${our}`);
  }
  if (show) console.log(JSON.stringify({ theirs, ours }, null, 1));
}

// Runs a sequence with one server and returns the record.
async function tell(steps, port) {
  const talk = new Talk(port);
  try {
    for (const { label, run } of steps) {
      talk.begin(label);
      await run(talk);
    }
    for (const name of talk.openWires()) {
      const { label, run } = farewell(name);
      talk.begin(label);
      await run(talk);
    }
    return talk.record;
  } finally {
    talk.dispose();
  }
}
