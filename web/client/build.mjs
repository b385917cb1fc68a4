// SPDX-License-Identifier: MIT

// This script builds dist/: the four files that a page may load, and the one for Node, each with its source map. Those
// for pages are also compressed, with Brotli and gzip. The output depends only on the sources; it is committed, and
// the Go package in dist/ embeds it.

import { build } from "esbuild";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from "node:zlib";

/** The maximum size of a file, in bytes after gzip -9. */
const BUDGETS = { "socket.io.min.js": 10_940, "socket.io.msgpack.min.js": 11_964 };

const root = fileURLToPath(new URL(".", import.meta.url));
const { version } = JSON.parse(await readFile(new URL("package.json", import.meta.url), "utf8"));

const common = {
  absWorkingDir: root,
  bundle: true,
  // 2018 has async functions and object spread natively, and the oldest web views in use understand it. Newer targets
  // save a few dozen bytes.
  target: "es2018",
  charset: "utf8",
  sourcemap: true,
  sourcesContent: true,
  legalComments: "none",
  banner: { js: `/*! Socket.IO client ${version}. MIT licence, (c) the socketio authors */` },
  logLevel: "warning",
  define: { DEBUG: "true" },
  // src/global.ts intentionally looks for a CommonJS loader.
  logOverride: { "commonjs-variable-in-esm": "silent" },
};

const minified = {
  minify: true,
  define: { DEBUG: "false" },
  // Private members are internal, and so are the names listed here, which no public API has. "_placeholder" is a word
  // of the protocol, and applications use the other reserved names on a Manager of the reference.
  mangleProps:
    /^(_.*|attachments|attempts?|count|decoder|errorFirst|exhausted|heartbeat|messages|newCookieJar|opened|received|spread|switching|timer|tries|waiter|(en|de)codeBase64)$/,
  reserveProps: /^_(autoConnect|close|destroy|packet|placeholder|readyState|reconnecting)$/,
};

const outputs = {
  "socket.io.js": { entryPoints: ["src/global.ts"], format: "iife", platform: "browser" },
  "socket.io.min.js": { entryPoints: ["src/global.ts"], format: "iife", platform: "browser", ...minified },
  "socket.io.esm.min.js": { entryPoints: ["src/index.ts"], format: "esm", platform: "browser", ...minified },
  "socket.io.msgpack.min.js": {
    entryPoints: ["src/global.ts"],
    format: "iife",
    platform: "browser",
    conditions: ["msgpack"],
    ...minified,
  },
  "socket.io.node.mjs": {
    entryPoints: ["src/index.ts"],
    format: "esm",
    platform: "node",
    target: "node20",
    external: ["ws"],
  },
};

const encodings = {
  ".gz": { compress: (data) => gzipSync(data, { level: 9 }), decompress: gunzipSync },
  ".br": {
    compress: (data) =>
      brotliCompressSync(data, {
        params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: data.length },
      }),
    decompress: brotliDecompressSync,
  },
};

console.log("file                       raw   gzip  brotli");
for (const [name, options] of Object.entries(outputs)) {
  await build({ ...common, ...options, outfile: `dist/${name}` });
  const code = await readFile(output(name));
  const sizes = [code.length];
  for (const [suffix, { compress }] of Object.entries(encodings)) {
    if (options.platform === "node") {
      sizes.push(compress(code).length); // only for the table; no page loads it
      continue;
    }
    sizes.push(await compressed(name, suffix));
    await compressed(`${name}.map`, suffix);
  }
  console.log(name.padEnd(24), ...sizes.map((n) => String(n).padStart(6)));
  if (sizes[1] > BUDGETS[name]) {
    console.error(`${name} is over its budget of ${BUDGETS[name]} bytes`);
    process.exitCode = 1;
  }
}

function output(name) {
  return new URL(`dist/${name}`, import.meta.url);
}

/**
 * Updates the compressed form of a file and returns its size. A form that decompresses to the file is kept unless it
 * is 1 % larger than the new one: compressors of other machines and versions of Node produce other bytes for the same
 * text.
 */
async function compressed(name, suffix) {
  const { compress, decompress } = encodings[suffix];
  const plain = await readFile(output(name));
  const packed = compress(plain);
  const old = await readFile(output(name + suffix)).catch(() => null);
  if (old && old.length <= packed.length * 1.01 && unpacks(old)) return old.length;
  await writeFile(output(name + suffix), packed);
  return packed.length;

  function unpacks(data) {
    try {
      return decompress(data).equals(plain);
    } catch {
      return false;
    }
  }
}
