// SPDX-License-Identifier: MIT
// A node:test reporter: failures as they come, and at the end one table of scenario by transport.
import { inspect } from "node:util";
import { TRANSPORTS } from "./transports.mjs";

const MARKS = { pass: "ok", fail: "FAIL" };

export default async function* table(source) {
  const rows = new Map();
  let passed = 0;
  let failed = 0;
  for await (const { type, data } of source) {
    if (type === "test:stdout" || type === "test:stderr") {
      yield data.message;
      continue;
    }
    if (type !== "test:pass" && type !== "test:fail") continue;
    const cut = data.name.lastIndexOf(" | ");
    const isFile = cut < 0;
    // A file that passes repeats what its scenarios said; one that fails may have died before any ran.
    if (isFile && (type === "test:pass" || data.details.error?.failureType === "subtestsFailed")) continue;
    const name = isFile ? data.name : data.name.slice(0, cut);
    const transport = isFile ? "" : data.name.slice(cut + 3);
    const mark = type === "test:pass" ? MARKS.pass : MARKS.fail;
    if (type === "test:pass") passed++;
    else {
      failed++;
      yield `FAIL ${data.name}\n${indent(describe(data.details.error))}\n`;
    }
    if (!rows.has(name)) rows.set(name, {});
    rows.get(name)[transport] = { mark, ms: Math.round(data.details.duration_ms) };
  }
  yield render(rows);
  yield `${passed} passed, ${failed} failed\n`;
}

function describe(error) {
  const cause = error?.cause ?? error;
  return cause?.stack ?? inspect(cause);
}

function indent(text) {
  return text.split("\n").map((line) => `  ${line}`).join("\n");
}

function render(rows) {
  const width = Math.max(10, ...[...rows.keys()].map((name) => name.length));
  const cell = (result) => (result ? `${result.mark} ${String(result.ms).padStart(5)} ms` : "-").padEnd(15);
  const head = `\n${"scenario".padEnd(width)}  ${TRANSPORTS.map((t) => t.padEnd(15)).join("")}\n`;
  let body = "";
  for (const [name, results] of rows) {
    const stray = results[""] ? `${results[""].mark}` : "";
    body += `${name.padEnd(width)}  ${TRANSPORTS.map((t) => cell(results[t])).join("")}${stray}\n`;
  }
  return head + body + "\n";
}
