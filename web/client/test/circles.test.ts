// SPDX-License-Identifier: MIT

// This file tests that no files of src/ import each other in a circle, types included.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const VARIANTS: Record<string, string[]> = {
  "#platform": ["src/platform/browser.ts", "src/platform/node.ts"],
  "#parser": ["src/parser/default.ts", "src/parser/msgpack.ts"],
};

function imports(file: string): string[] {
  const found = readFileSync(file, "utf8").matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)";/gm);
  return [...found].flatMap(([, name]) => VARIANTS[name!] ?? (name!.startsWith(".") ? [join(dirname(file), name!)] : []));
}

function circles(graph: ReadonlyMap<string, string[]>): string[][] {
  const reach = (from: string, seen = new Set<string>()): Set<string> => {
    for (const to of graph.get(from) ?? []) if (!seen.has(to)) reach(to, seen.add(to));
    return seen;
  };
  return [...graph.keys()].filter((file) => reach(file).has(file)).map((file) => [file, ...graph.get(file)!]);
}

test("no files of src/ import each other in a circle", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  const graph = new Map(files.map((name) => [join("src", name), imports(join("src", name))]));
  assert.ok(graph.size > 25, `${graph.size} files were found`);
  assert.ok(graph.get("src/manager.ts")!.includes("src/socket.ts"), "imports are read");
  assert.deepEqual(circles(graph), []);
});

test("a circle is seen", () => {
  const graph = new Map([
    ["a", ["b"]],
    ["b", ["c"]],
    ["c", ["a"]],
    ["d", ["a"]],
  ]);
  assert.deepEqual(circles(graph).map(([file]) => file), ["a", "b", "c"]);
});
