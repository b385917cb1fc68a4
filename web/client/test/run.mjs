// SPDX-License-Identifier: MIT

// This script bundles the tests, which are TypeScript, and runs them with node:test. Arguments are parts of file names;
// only those tests run that contain one.

import { build } from "esbuild";
import { spawn } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { endWithUs } from "../../../conformance/lib/orphans.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const outdir = `${root}node_modules/.socketio-tests-${process.pid}`; // runs may be side by side
const wanted = process.argv.slice(2);
const tests = [...find("src"), ...find("test")].filter((f) => !wanted.length || wanted.some((w) => f.includes(w)));

process.on("exit", () => rmSync(outdir, { recursive: true, force: true }));
await build({
  absWorkingDir: root,
  entryPoints: tests,
  outdir,
  outbase: ".",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: "inline",
  packages: "external",
  logLevel: "warning",
  define: { DEBUG: "true" },
});

const files = tests.map((f) => `${outdir}/${f.replace(/\.ts$/, ".mjs")}`);
const child = spawn(process.execPath, ["--enable-source-maps", "--test", "--test-timeout=900000", "--test-reporter=spec", ...files], {
  cwd: root,
  stdio: "inherit",
});
endWithUs(child);
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});

function find(dir) {
  return readdirSync(`${root}${dir}`, { recursive: true })
    .filter((f) => f.endsWith(".test.ts"))
    .map((f) => `${dir}/${f}`)
    .sort();
}
