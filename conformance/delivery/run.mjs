// SPDX-License-Identifier: MIT
// The delivery suite: clients and a server that record what they send and what arrives, while
// their connections are cut, and the checker, which says whether that was as promised.
//
//   node delivery/run.mjs                       300 upgrades and 300 recoveries
//   UPGRADES=20000 RECOVERIES=5000 node ...     more, in rounds
//   SEED=123 node ...                           the same faults at the same places again
//   CLIENT=ours SERVER=npm node ...             another client, another server (default: npm, ours)
//   KILLS=5 COMMAND=program node ...            only restarts, by SIGKILL, of a server with a store
//   RESTARTS=5 COMMAND=program node ...         the same by SIGTERM
//   TIME=600 node ...                           begins nothing new after 600 s
//   KEEP=folder node ...                        keeps the logs there
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { io as official } from "socket.io-client";
import { builtProgram } from "../lib/build.mjs";
import { Campaign, recoveryRound, restartRound, tenInARow, upgradeRound } from "./campaign.mjs";
import { killed } from "./killed.mjs";
import { Proxies } from "./links.mjs";

const folder = dirname(fileURLToPath(import.meta.url));
const root = join(folder, "..", "..");
const env = process.env;
const seed = env.SEED ?? String(Math.floor(Math.random() * 1e9));
const upgrades = Number(env.UPGRADES ?? 300);
const recoveries = Number(env.RECOVERIES ?? 300);
const ROUND = 600; // as many of each kind against one server
const keep = env.KEEP ?? mkdtempSync(join(tmpdir(), "socketio-delivery-"));

const program = builtProgram("delivery");
const open = env.CLIENT === "ours" ? (await import(join(root, "web/client/dist/socket.io.node.mjs"))).io : official;
const command = env.COMMAND ? [env.COMMAND] : env.SERVER === "npm" ? [process.execPath, join(folder, "server.mjs")] : [program, "server"];

// One campaign with its check. Returns whether it passed.
async function campaign(name, number, recovery, work) {
  const dir = join(keep, `${name}-${number}`);
  mkdirSync(dir, { recursive: true });
  const proxies = new Proxies(program);
  const run = new Campaign({ name, seed: `${seed} ${number}`, dir, command, opens: [open], proxies, recovery });
  try {
    await run.start();
    const plan = await work(run);
    await run.stop(plan);
    await proxies.close();
  } catch (error) {
    run.abort();
    proxies.abort();
    console.log(`${name} ${number}: ${error.stack}`);
    return again(dir);
  }
  // Not at once and for all: the clients of the other campaign go on in this process.
  const { status, stdout, stderr } = await new Promise((resolve) => {
    execFile(program, ["check", dir], { maxBuffer: 1 << 28 }, (error, stdout, stderr) => resolve({ status: error ? 1 : 0, stdout, stderr }));
  });
  const [line, ...text] = stdout.split("\n");
  console.log(`${name} ${number}: ${text.join("\n")}${stderr}`);
  const { counts } = JSON.parse(line);
  let passed = status === 0;
  if (counts.wanted > 0 && counts["wanted and recovered"] < 0.99 * counts.wanted) {
    console.log(`${name} ${number}: ${counts["wanted and recovered"]} of ${counts.wanted} were recovered`);
    passed = false;
  }
  if (env.CLIENT === "ours" && counts.stuck > 0) {
    console.log(`${name} ${number}: ${counts.stuck} clients were stuck`);
    passed = false;
  }
  return passed || again(dir);
}

// Says how to repeat a failure.
function again(dir) {
  console.log(`again: SEED=${seed} UPGRADES=${upgrades} RECOVERIES=${recoveries} make delivery; logs: ${dir}`);
  return false;
}

async function upgradesOf(n, number) {
  return campaign("upgrades", number, false, async (run) => {
    await run.rounds(n, upgradeRound, () => run.upgrades);
    return { "upgrades tried": n, "sent by servers": n, "sent by clients": n };
  });
}

async function recoveriesOf(n, number) {
  return campaign("recoveries", number, true, async (run) => {
    await tenInARow(run.peers[0]);
    await run.rounds(n, recoveryRound(run), () => run.returns);
    return { wanted: n, "sent by servers": n, "sent by clients": n };
  });
}

// Only these: a program with a durable store is restarted under its clients.
async function restarts() {
  const how = env.KILLS ? "SIGKILL" : "SIGTERM";
  const n = Number(env.KILLS || env.RESTARTS);
  return campaign("restarts", 0, true, async (run) => {
    for (let i = 0; i < n; i++) await restartRound(run, how);
    for (const peer of run.peers) await peer.connected();
    return { [how === "SIGKILL" ? "killed" : "restarted"]: n, wanted: 2 * n, "sent by servers": 50 * n, "sent by clients": 50 * n };
  });
}

console.log(`delivery: SEED=${seed}`);
if (env.KILLS || env.RESTARTS) {
  const ok = await restarts();
  if (ok && !env.KEEP) rmSync(keep, { recursive: true, force: true });
  console.log(ok ? "1 passed, 0 failed" : "0 passed, 1 failed");
  process.exit(ok ? 0 : 1);
}
let passed = 0;
let failed = 0;
await killed();
passed++;
const end = Date.now() + Number(env.TIME ?? 86400) * 1000;
for (let i = 0, up = upgrades, back = recoveries; up > 0 || back > 0; i++, up -= ROUND, back -= ROUND) {
  if (Date.now() > end) {
    console.log(`out of time: ${Math.max(up, 0)} upgrades and ${Math.max(back, 0)} recoveries are left`);
    break;
  }
  const both = [];
  if (up > 0) both.push(upgradesOf(Math.min(up, ROUND), i));
  if (back > 0) both.push(recoveriesOf(Math.min(back, ROUND), i));
  for (const ok of await Promise.all(both)) {
    if (ok) passed++;
    else failed++;
  }
}
if (failed === 0 && !env.KEEP) rmSync(keep, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
