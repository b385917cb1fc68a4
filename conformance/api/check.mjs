// SPDX-License-Identifier: MIT
// Checks docs/from-node-to-go.md against the declarations of npm socket.io and docs/api.txt. The tests of its rows
// are in docs/tests.md, which internal/archtest reads. The last line is the sum: "N passed, N failed".
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { members, version } from "./members.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const table = join(root, "docs/from-node-to-go.md");
const NONE = "None: ";

const text = readFileSync(table, "utf8");
const rows = parse(text);
const exported = goNames(readFileSync(join(root, "docs/api.txt"), "utf8"));

let failed = 0;
let passed = 0;
function check(name, problems) {
  if (problems.length === 0) passed++;
  else failed++;
  for (const problem of problems) console.log(`FAIL ${name}: ${problem}`);
}

check("the version", text.includes(`\`socket.io\` ${version()}`) ? [] : [`the text is not about socket.io ${version()}`]);
const wanted = new Set();
for (const { group, name } of members()) {
  const key = `${group}: ${name}`;
  wanted.add(key);
  const found = rows.filter((row) => row.key === key);
  check(key, found.length === 1 ? problemsOf(found[0]) : [`${found.length} rows in docs/from-node-to-go.md, want one`]);
}
for (const row of rows) if (!wanted.has(row.key)) check(row.key, ["a row for what npm socket.io does not have"]);

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function problemsOf({ go }) {
  const problems = [];
  const named = ticked(go);
  if (go.startsWith(NONE)) {
    if (go.length < NONE.length + 3) problems.push("no reason");
  } else if (named.length === 0) {
    problems.push(`want a Go name in backquotes, or "${NONE}" and the reason`);
  }
  for (const name of named.filter((each) => /^(\w+\.)?[A-Z]\w*(\.[A-Z]\w*)?$/.test(each))) {
    if (!name.startsWith("http.") && !exported.has(declared(name))) problems.push(`${name} is not in docs/api.txt`);
  }
  return problems;
}

// The name under which docs/api.txt lists a field that programs reach through Options.
function declared(name) {
  return name.replace(/^Options\.Engine\.(?=.)/, "engineio.Options.").replace(/^Options\.Limits\.(?=.)/, "SocketLimits.");
}

function parse(markdown) {
  const found = [];
  let group = "";
  for (const line of markdown.split("\n")) {
    if (line.startsWith("## ")) group = line.slice(3).trim();
    const cells = line.split("|").map((cell) => cell.trim());
    if (cells.length !== 4 || group === "Expressions" || !cells[1].startsWith("`")) continue;
    found.push({ key: `${group}: ${cells[1].slice(1, -1)}`, go: cells[2] });
  }
  return found;
}

function ticked(cell) {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
}

// What docs/api.txt lists, as Type.Member, Type or Name; with the package in front outside the root package.
function goNames(api) {
  const names = new Set();
  let prefix = "";
  for (const line of api.split("\n")) {
    const [, imported] = line.match(/^package (.*)/) ?? [];
    if (imported) prefix = imported === "socketio" ? "" : `${imported.split("/").at(-1)}.`;
    const [, , receiver, method] = line.match(/^\tmethod \((\*?)(\w+)\) (\w+)/) ?? [];
    if (receiver) names.add(`${prefix}${receiver}.${method}`);
    const [, name] = line.match(/^\t(?:const|var|func|type|field) ([\w.]+)/) ?? [];
    if (name) names.add(prefix + name);
  }
  return names;
}
