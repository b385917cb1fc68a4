// SPDX-License-Identifier: MIT

// This script writes types/: what TypeScript reads of the package, once for `import` and once, under types/cjs, for
// `require`. It is committed, so that an install from a checkout compiles. `node types.mjs DIR` writes it elsewhere.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL(".", import.meta.url));
const out = resolve(process.argv[2] ?? join(root, "types"));
const temp = mkdtempSync(join(tmpdir(), "socketio-types-"));

try {
  execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.types.json", "--outDir", temp], {
    cwd: root,
    stdio: "inherit",
  });
  rmSync(out, { recursive: true, force: true });
  // The compiler writes all there is; only what index.d.ts leads to is of use.
  const seen = new Set();
  copy("index.d.ts");
  write("cjs/package.json", '{ "type": "commonjs" }\n');

  function copy(name) {
    if (seen.has(name)) return;
    seen.add(name);
    const imported = [];
    const text = readFileSync(join(temp, name), "utf8").replace(/(from |import\()"(\.[^"]*)\.ts"/g, (_, keyword, path) => {
      imported.push(posix.join(posix.dirname(name), `${path}.d.ts`));
      return `${keyword}"${path}.js"`;
    });
    write(name, text);
    write(`cjs/${name}`, text);
    imported.forEach(copy);
  }
} finally {
  rmSync(temp, { recursive: true, force: true });
}

function write(name, text) {
  const file = join(out, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
