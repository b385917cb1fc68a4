// SPDX-License-Identifier: MIT
// Checks docs/from-node-to-go.md against the declarations of npm socket.io, the tests of this repository and
// docs/api.txt. The last line is the sum: "N passed, N failed".
//
//   node api/check.mjs         checks
//   node api/check.mjs --fix   takes the mark "missing:" off tests that are there by now
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { members, version } from "./members.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const table = join(root, "docs/from-node-to-go.md");
const NONE = "none: ";
const MISSING = "missing: ";

const tests = testNames();
if (process.argv.includes("--fix")) fix();
const text = readFileSync(table, "utf8");
const rows = parse(text);
const exported = goNames(readFileSync(join(root, "docs/api.txt"), "utf8"));

let failed = 0;
let passed = 0;
const missing = [];
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

if (missing.length > 0) console.log(`${missing.length} rows wait for a test: ${[...new Set(missing)].sort().join(", ")}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

function problemsOf({ go, test }) {
  const problems = [];
  const named = ticked(test);
  const waits = test.startsWith(MISSING);
  if (test.startsWith(NONE)) {
    if (test.length < NONE.length + 3) problems.push("no reason");
  } else if (named.length === 0) {
    problems.push(`want a test in backquotes, or "${NONE}" and the reason`);
  }
  for (const name of named.filter((each) => /^(Test|Example)/.test(each))) {
    if (waits && !tests.has(name)) missing.push(name);
    if (waits && tests.has(name)) problems.push(`${name} is there by now: node conformance/api/check.mjs --fix`);
    if (!waits && !tests.has(name)) problems.push(`the test ${name} does not exist`);
  }
  // Until its test is there, the name may be missing as well.
  for (const name of ticked(go).filter((each) => /^(\w+\.)?[A-Z]\w*(\.[A-Z]\w*)?$/.test(each))) {
    if (!exported.has(name) && !waits && !pending(name)) problems.push(`${name} is not in docs/api.txt`);
  }
  if (go === "-" && !test.startsWith(NONE)) problems.push("no Go name");
  return problems;
}

// A name of a row without a test may come later too, if another row waits for it.
function pending(name) {
  return rows.some((row) => row.test.startsWith(MISSING) && ticked(row.go).includes(name));
}

function parse(markdown) {
  const found = [];
  let group = "";
  for (const line of markdown.split("\n")) {
    if (line.startsWith("## ")) group = line.slice(3).trim();
    const cells = line.split("|").map((cell) => cell.trim());
    if (cells.length !== 5 || !cells[1].startsWith("`")) continue;
    found.push({ key: `${group}: ${cells[1].slice(1, -1)}`, go: cells[2], test: cells[3] });
  }
  return found;
}

function ticked(cell) {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name);
}

// The Go tests and examples of the repository.
function testNames() {
  const names = new Set();
  const skipped = new Set(["node_modules", ".git", "testdata", "tmp", "bin"]);
  const walk = (dir) => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      const path = join(dir, entry.name);
      if (entry.isDirectory() && !skipped.has(entry.name)) walk(path);
      if (!entry.isFile() || !entry.name.endsWith("_test.go")) continue;
      for (const [, name] of readFileSync(path, "utf8").matchAll(/^func ((?:Test|Example)\w*)\(/gm)) names.add(name);
    }
  };
  walk(root);
  return names;
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

function fix() {
  const lines = readFileSync(table, "utf8").split("\n");
  const there = (line) => ticked(line.split(MISSING)[1]).every((name) => tests.has(name));
  writeFileSync(table, lines.map((line) => (line.includes(`| ${MISSING}`) && there(line) ? line.replace(MISSING, "") : line)).join("\n"));
}
