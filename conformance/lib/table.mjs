// SPDX-License-Identifier: MIT
// A node:test reporter: failures as they come, and at the end one table of scenario by transport.
import { inspect } from "node:util";
import { TRANSPORTS } from "./transports.mjs";

// The message for a run without any scenario.
export const NONE = `no scenario ran: ONLY=${process.env.ONLY ?? ""} is part of no name`;

export default async function* table(source) {
  const rows = new Map();
  const counts = { ok: 0, FAIL: 0, "-": 0 };
  for await (const event of source) {
    if (event.type === "test:stdout" || event.type === "test:stderr") {
      yield event.data.message;
      continue;
    }
    const outcome = outcomeOf(event);
    if (!outcome) continue;
    counts[outcome.mark]++;
    if (outcome.mark === "FAIL") yield `FAIL ${event.data.name}\n${outcome.why}\n`;
    if (!rows.has(outcome.name)) rows.set(outcome.name, {});
    rows.get(outcome.name)[outcome.transport] = outcome;
  }
  if (rows.size === 0) {
    counts.FAIL++;
    process.exitCode = 1;
    yield `FAIL ${NONE}\n`;
  }
  yield render(rows);
  yield `${counts.ok} passed, ${counts.FAIL} failed\n`;
}

// How a scenario ended: {name, transport, mark, ms, why}, mark "ok", "FAIL" or "-" for one that was left out.
// A file that failed as a whole has no transport. Undefined for what is no end of a scenario.
export function outcomeOf({ type, data }) {
  if (type !== "test:pass" && type !== "test:fail") return undefined;
  const cut = data.name.lastIndexOf(" | ");
  const isFile = cut < 0;
  // A file that passes repeats what its scenarios said; one that fails may have died before any ran.
  if (isFile && (type === "test:pass" || data.details.error?.failureType === "subtestsFailed")) return undefined;
  const outcome = {
    name: isFile ? data.name : data.name.slice(0, cut),
    transport: isFile ? "" : data.name.slice(cut + 3),
    mark: type === "test:pass" ? "ok" : "FAIL",
    ms: Math.round(data.details.duration_ms),
  };
  if (data.skip) return { ...outcome, mark: "-", why: data.skip };
  if (type === "test:fail") outcome.why = indent(describe(data.details.error));
  return outcome;
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
  const cell = (outcome) => show(outcome).padEnd(15);
  const head = `\n${"scenario".padEnd(width)}  ${TRANSPORTS.map((t) => t.padEnd(15)).join("")}\n`;
  let body = "";
  for (const [name, results] of rows) {
    const left = TRANSPORTS.find((t) => results[t]?.mark === "-");
    const stray = results[""]?.mark ?? (left ? results[left].why : "");
    body += `${`${name.padEnd(width)}  ${TRANSPORTS.map((t) => cell(results[t])).join("")}${stray}`.trimEnd()}\n`;
  }
  return head + body + "\n";
}

function show(outcome) {
  if (!outcome || outcome.mark === "-") return "-";
  return `${outcome.mark} ${String(outcome.ms).padStart(5)} ms`;
}
