// SPDX-License-Identifier: MIT
// Runs the npm client through nginx, Caddy, Apache and HAProxy, with the files of
// deploy/ and two servers behind. The last line is the sum: "N passed, N failed".
//
//   node proxies/run.mjs           all proxies
//   node proxies/run.mjs caddy     one of them
//   ONLY=origin node proxies/run.mjs   the scenarios whose name contains that text
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { builtServer } from "../lib/build.mjs";
import { Clients } from "./clients.mjs";
import { Site, certificate, isBasic, kinds, version } from "./proxy.mjs";
import { scenarios } from "./scenarios.mjs";

const PATIENCE = 300000; // more than the deadlines within a scenario, which say what did not come
const only = process.env.ONLY ?? "";
const named = process.argv.slice(2);

const dir = mkdtempSync(join(tmpdir(), "socketio-proxies-"));
let passed = 0;
let failed = 0;
try {
  process.env.GORACE ??= "atexit_sleep_ms=10";
  process.env.SERVER_CMD ??= builtServer();
  const tls = certificate(dir);
  await Promise.all((named.length > 0 ? named : kinds).map((kind) => runAll(kind, tls)));
} catch (error) {
  report("FAIL", "the preparation", error);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

async function runAll(kind, tls) {
  try {
    console.log(version(kind).replace(/^(?!.*nginx)/, `${kind} `));
  } catch (error) {
    report("FAIL", kind, error);
    return;
  }
  const meant = (each) => (each.only ? [each.only].flat().includes(kind) : each.basic || !isBasic(kind));
  const mine = scenarios.filter((each) => each.name.includes(only) && meant(each));
  // The slow ones wait; the others run meanwhile, one by one.
  const slow = mine.filter((each) => each.slow).map((each) => run(kind, tls, each));
  for (const each of mine.filter((one) => !one.slow)) await run(kind, tls, each);
  await Promise.all(slow);
}

// Each scenario has a site of its own: it may take servers away, and nothing of one is seen by the next.
async function run(kind, tls, { name, body, slow, ...options }) {
  const started = Date.now();
  let site;
  let clients;
  let timer;
  let problem;
  try {
    site = await Site.start(kind, tls, options);
    clients = new Clients(site, tls.ca);
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("the scenario takes too long")), PATIENCE);
    });
    await Promise.race([body({ site, clients }), late]);
  } catch (error) {
    problem = error;
  }
  clearTimeout(timer);
  try {
    clients?.end();
    await site?.stop();
  } catch (error) {
    problem ??= error;
  }
  report(problem ? "FAIL" : "ok  ", `${kind}: ${name} (${Date.now() - started} ms)`, problem, site?.log);
}

function report(mark, name, error, log) {
  if (error) failed++;
  else passed++;
  console.log(`${mark} ${name}`);
  if (error) console.log(`${error.stack}${error.cause ? `\ncause: ${inspect(error.cause, { depth: 2 })}` : ""}\n${log ?? ""}`.replaceAll(/^/gm, "     "));
}
