// SPDX-License-Identifier: MIT
// The workload of the delivery suite for each pair of client and server, as a table: what the
// checker found of each. The rules are those of docs/guarantees.md, so npm socket.io breaks some
// that it has never promised; that document says why.
//
//   UPGRADES=300 RECOVERIES=300 SEED=1 node delivery/pairs.mjs
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = dirname(fileURLToPath(import.meta.url));
const program = join(folder, "..", "..", "bin", "delivery");
const env = { UPGRADES: "300", RECOVERIES: "300", SEED: "1", ...process.env };
const PAIRS = [["npm", "ours"], ["ours", "ours"], ["npm", "npm"], ["ours", "npm"]];
const rows = [];
let failed = 0;

for (const [client, server] of PAIRS) {
  const keep = mkdtempSync(join(tmpdir(), "socketio-pairs-"));
  const run = spawnSync(process.execPath, [join(folder, "run.mjs")], {
    env: { ...env, CLIENT: client, SERVER: server, KEEP: keep },
    encoding: "utf8",
    maxBuffer: 1 << 28,
  });
  for (const name of ["upgrades", "recoveries"]) {
    const dir = join(keep, `${name}-0`);
    if (!existsSync(dir)) continue;
    const { stdout } = spawnSync(program, ["check", dir], { encoding: "utf8", maxBuffer: 1 << 28 });
    const { counts, causes, invalid, reasons } = JSON.parse(stdout.split("\n")[0]);
    const recovered = counts.wanted ? `${counts["wanted and recovered"] ?? 0} of ${counts.wanted}` : "";
    const found = [...Object.entries(causes).sort(), ...Object.entries(reasons).map(([why, n]) => [`not recovered: ${why}`, n])];
    const said = found.map(([what, n]) => `${n} ${what}`).concat(invalid).join("; ") || "0";
    const moved = (counts["received by clients"] ?? 0) + (counts["received by servers"] ?? 0);
    rows.push([client, server, `${counts["upgrades tried"] ?? counts.wanted ?? 0} ${name}`, moved, recovered, counts.stuck ?? 0, said]);
  }
  if (server === "ours" && run.status !== 0) failed++;
  if (server === "ours" && run.status !== 0) console.error(run.stdout + run.stderr);
  rmSync(keep, { recursive: true, force: true });
}
console.log(`SEED=${env.SEED}\n`);
console.log("| client | server | cut | events arrived | recovered | clients stuck | faults |\n|---|---|---|---|---|---|---|");
for (const row of rows) console.log(`| ${row.join(" | ")} |`);
process.exit(failed === 0 ? 0 : 1);
