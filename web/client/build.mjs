// SPDX-License-Identifier: MIT

// This script builds dist/: the three files a page may load, and the one for Node, each with its source map. The output
// depends on the sources alone; it is committed, and the Go package beside it embeds it.

import { build } from "esbuild";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

/** socket.io.min.js must stay below this, in bytes after gzip -9. */
const BUDGET = 10 * 1024;

const root = fileURLToPath(new URL(".", import.meta.url));
const { version } = JSON.parse(await readFile(new URL("package.json", import.meta.url), "utf8"));

const common = {
  absWorkingDir: root,
  bundle: true,
  // 2018 has async functions and object spread as such, and is what the oldest web views in use understand. Newer
  // targets save a few dozen bytes.
  target: "es2018",
  charset: "utf8",
  sourcemap: true,
  sourcesContent: true,
  legalComments: "none",
  banner: { js: `/*! Socket.IO client ${version}. MIT licence, (c) the socketio authors */` },
  logLevel: "warning",
  // src/global.ts looks for a CommonJS loader on purpose.
  logOverride: { "commonjs-variable-in-esm": "silent" },
};

const minified = {
  minify: true,
  // Private members are ours alone. "_placeholder" is a word of the protocol.
  mangleProps: /^_/,
  reserveProps: /^_placeholder$/,
};

const outputs = {
  "socket.io.js": { entryPoints: ["src/global.ts"], format: "iife", platform: "browser" },
  "socket.io.min.js": { entryPoints: ["src/global.ts"], format: "iife", platform: "browser", ...minified },
  "socket.io.esm.min.js": { entryPoints: ["src/index.ts"], format: "esm", platform: "browser", ...minified },
  "socket.io.node.mjs": {
    entryPoints: ["src/index.ts"],
    format: "esm",
    platform: "node",
    target: "node20",
    external: ["ws"],
  },
};

console.log("file                     raw   gzip  brotli");
let failed = false;
for (const [name, options] of Object.entries(outputs)) {
  await build({ ...common, ...options, outfile: `dist/${name}` });
  const code = await readFile(new URL(`dist/${name}`, import.meta.url));
  const gzip = gzipSync(code, { level: 9 }).length;
  const brotli = brotliCompressSync(code, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
  console.log(name.padEnd(22), String(code.length).padStart(6), String(gzip).padStart(6), String(brotli).padStart(6));
  if (name === "socket.io.min.js" && gzip > BUDGET) failed = true;
}
if (failed) {
  console.error(`socket.io.min.js is over its budget of ${BUDGET} bytes`);
  process.exitCode = 1;
}
