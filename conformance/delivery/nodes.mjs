// SPDX-License-Identifier: MIT
// The delivery suite over several servers at once, without sticky sessions: each connection of a client
// goes to the next server. They are killed, frozen and drained, and what connects them fails, while
// clients of npm and of this project talk and lose their connections; then the checker reads all logs.
// Or nothing fails, and the servers send clients away. Tests of engines in Go
// run it (internal/histserver), and say by the environment
//
//   COMMAND         the program of a server
//   ENGINE          its name, for people
//   ORDER           all or room: within what the events of one server are in order
//   LOGGED=1        the engine has a log: clients are recovered on other servers
//   BROKER, FAULTS  a URL that does a fault to the broker, and the names of these faults
//   REBALANCE=1     nothing fails; the engine must have a log
//   NODE_FAULTS=8   how many faults there are, and with KINDS=kill,pause, DELIVERY_SEED, DELIVERY_KEEP
//                   of which kinds, which, and where logs are kept
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { io as official } from "socket.io-client";
import { builtProgram } from "../lib/build.mjs";
import { Program } from "../lib/program.mjs";
import { within } from "../lib/wait.mjs";
import { Campaign, TRANSPORTS, recoveryRound, upgradeRound } from "./campaign.mjs";
import { Proxies } from "./links.mjs";
import { pause } from "./peer.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const env = process.env;
const seed = env.DELIVERY_SEED || String(Math.floor(Math.random() * 1e9));
const faults = Number(env.NODE_FAULTS || 4);
const logged = env.LOGGED === "1";
const rebalance = env.REBALANCE === "1";
const NODES = 3;
const LONG = 12; // faults of a campaign in which a server is also frozen for 20 s
const STILL = 2000; // milliseconds; see still
const MARKS = 20000; // how long marks may take, before they are sent again

class Nodes extends Campaign {
  nodes = [];
  moved = 0; // clients that servers have sent away

  // Starts all servers; afterwards it starts one.
  async serve() {
    do this.nodes.push(await this.#node());
    while (this.nodes.length < NODES);
  }

  async #node() {
    const name = `server#${++this.servers}`;
    const program = await Program.start(
      {
        NAME: name,
        LOG: join(this.dir, `server-${this.servers}.jsonl`),
        SEED: String(this.random.below(1e9)),
        RECOVERY: "10m",
        LOCAL_ONLY: logged ? "" : "1",
        CALM: env.REBALANCE ?? "", // a client that leaves a room and loses its connection at once may not be recovered
      },
      this.command,
    );
    return { name, program };
  }

  // Without faults, each kind of client over each transport.
  transports(i, random) {
    return rebalance ? TRANSPORTS[Math.floor(i / 2) % TRANSPORTS.length] : super.transports(i, random);
  }

  // Of the servers that clients should reach.
  get ports() {
    return this.nodes.filter(({ away }) => !away).map(({ program }) => program.port);
  }

  async aim() {
    await Promise.all(this.peers.map(({ link }) => link.aim(...this.ports)));
  }

  async traffic(state) {
    await Promise.all(this.nodes.map(({ program }) => post(`${program.url}/traffic/${state}`)));
  }

  // Lets clients lose their connections, while one fault follows the other.
  async trouble(kinds) {
    let over = false;
    const restless = this.peers.map(async (peer) => {
      const { random } = peer;
      for (; !over; await pause(100 + random.below(600))) {
        await (random.chance(50) ? upgradeRound(peer) : recoveryRound(this)(peer));
      }
    });
    const all = (async () => {
      for (const kind of kinds) {
        await pause(800 + this.random.below(800));
        console.log(`${this.name}: ${kind}`);
        await this.#fault(kind);
      }
      await pause(1000);
      over = true;
    })();
    await Promise.race([all, ...restless]);
    await Promise.all([all, ...restless]);
    for (const peer of this.peers) await peer.connected();
  }

  async #fault(kind) {
    const node = this.random.pick(this.nodes);
    if (kind === "kill") await this.#kill(node);
    else if (kind === "freeze") await this.#freeze(node, 7500 + this.random.below(2000));
    else if (kind === "long freeze") await this.#freeze(node, 20000);
    else if (kind === "blink") await this.#freeze(node, 500 + this.random.below(2000));
    else if (kind === "drain") await this.#drain(node);
    else if (kind === "move") await this.#move(node, 0.5);
    else await this.#broker(kind);
  }

  #record(kind, rest) {
    this.log.record("runner", { kind, ...rest });
    this.log.flush();
  }

  async #replace(node) {
    this.nodes = this.nodes.filter((other) => other !== node);
    await this.aim();
    if (this.random.chance(50)) await pause(this.random.below(2000)); // two do the work of three
    await this.serve();
    await post(`${this.nodes.at(-1).program.url}/traffic/on`);
    await this.aim();
  }

  async #kill(node) {
    this.#record("kill", { target: node.name });
    await node.program.kill();
    await this.#replace(node);
  }

  // Freezes a server for longer than its lease, or not as long. Clients do not wait for it.
  async #freeze(node, time) {
    this.#record("freeze", { target: node.name });
    node.program.signal("SIGSTOP");
    node.away = true;
    await this.aim();
    await pause(time);
    this.#record("thaw", { target: node.name });
    node.program.signal("SIGCONT");
    node.away = false;
    await this.aim();
  }

  async #drain(node) {
    node.away = true;
    await this.aim();
    await node.program.stop();
    await this.#replace(node);
  }

  // A share of the clients goes to the other servers.
  async #move(node, share) {
    node.away = true;
    await this.aim();
    this.moved += Number(await post(`${node.program.url}/move/${share}`));
    if (rebalance) await within(this.#back(), `${this.moved - this.returns} clients to come back`);
    node.away = false;
    await this.aim();
  }

  // Each server sends half of its clients away, and then all that it has. They come back each time before the next.
  async rebalance() {
    for (const share of [0.5, 1]) {
      for (const node of this.nodes) {
        await pause(50 + this.random.below(300));
        await this.#move(node, share);
      }
    }
    const stayed = this.peers.filter(({ returns }) => returns === 0);
    if (stayed.length > 0) throw new Error(`${stayed.map(({ name }) => name)} did not move`);
  }

  async #back() {
    while (this.returns < this.moved) await pause(5);
    for (const peer of this.peers) await peer.connected();
  }

  async #broker(kind) {
    for (const peer of this.peers) peer.spoil(true);
    this.#record("outage", { reason: kind });
    await post(`${env.BROKER}/${kind}`);
    this.#record("over");
    await this.#healthy();
    for (const peer of this.peers) peer.spoil(false);
  }

  // The servers notice a moment later that the broker is back. What they send until then has no position.
  async #healthy() {
    for (let end = Date.now() + MARKS, why = "?"; why; await pause(50)) {
      if (Date.now() > end) throw new Error(`a server is degraded ${MARKS} ms after the fault: ${why}`);
      why = (await Promise.all(this.nodes.map(({ program }) => post(`${program.url}/health`)))).find((text) => text);
    }
  }

  // Ends the run when everything has arrived.
  async stop(plan) {
    this.log.record("runner", { kind: "plan", ops: plan, order: env.ORDER, logged: logged || undefined });
    for (const peer of this.peers) peer.quiet();
    await Promise.all(this.talks);
    await this.traffic("off");
    for (const { link } of this.peers) await link.heal();
    for (let i = 0; !(await this.#marked(`mark ${i}`)); i++) if (i === 5) throw new Error(`marks of the servers do not arrive: ${this.#missing(`mark ${i}`).join(", ")}`);
    await Promise.all(this.peers.map((peer) => peer.end()));
    await Promise.all(this.nodes.map(({ program }) => program.stop()));
    this.log.close();
  }

  // Lets each server send a mark, and waits until every client has all of them.
  async #marked(mark) {
    for (const peer of this.peers) await peer.connected();
    await Promise.all(this.nodes.map(({ program }) => post(`${program.url}/mark/${encodeURIComponent(mark)}`)));
    for (const end = Date.now() + MARKS; Date.now() < end; await pause(20)) if (this.#missing(mark).length === 0) return true;
    return false;
  }

  // Which clients lack which marks.
  #missing(mark) {
    const all = [];
    for (const peer of this.peers)
      for (const { name } of this.nodes)
        for (const room of ["all", peer.room])
          if (!peer.marks.has(`${name} ${mark} ${room}`)) all.push(`${peer.name} (${peer.epoch}): ${room} of ${name}`);
    return all;
  }

  abort() {
    this.log.flush();
    for (const peer of this.peers) peer.stop();
    for (const { program } of this.nodes) program.signal("SIGKILL");
  }
}

async function post(url) {
  const response = await within(fetch(url, { method: "POST" }), `the answer of ${url}`);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
  return text;
}

// Each kind as often as any other, in some order.
function order(random) {
  const kinds = env.KINDS?.split(",") ?? ["kill", "freeze", "drain", "blink", ...(faults >= LONG ? ["long freeze"] : []), ...(logged ? ["move"] : []), ...(env.FAULTS ? env.FAULTS.split(",") : [])];
  const all = [];
  while (all.length < faults) {
    const rest = [...kinds];
    while (rest.length > 0) all.push(rest.splice(random.below(rest.length), 1)[0]);
  }
  return all.slice(0, faults);
}

// How long this program stood still at most, in milliseconds: then servers do so too, and a recovery takes longer than
// the 5 s and 10 s that it may.
let still = 0;
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  still = Math.max(still, Math.round(now - last));
  last = now;
}, 50).unref();

const keep = env.DELIVERY_KEEP || mkdtempSync(join(tmpdir(), "socketio-delivery-"));
const program = builtProgram("delivery");
const { io: ours } = await import(join(root, "web/client/dist/socket.io.node.mjs"));
const name = env.ENGINE;
const dir = join(keep, name);
mkdirSync(dir, { recursive: true });
console.log(`${name}: DELIVERY_SEED=${seed}`);
const proxies = new Proxies(program);
const run = new Nodes({ name, seed, dir, command: [env.COMMAND], opens: [official, ours], proxies, recovery: logged });
try {
  await run.start();
  if (rebalance) await run.rebalance();
  else await run.trouble(order(run.random));
  const each = 30 * faults;
  if (rebalance) await run.stop({ "sent by servers": each, "sent by clients": each, "received from elsewhere": each, connected: 20, "recovered elsewhere": 10 });
  else await run.stop({ "sent by servers": 20 * each, "sent by clients": each, "received from elsewhere": each, connected: 2 * faults, questions: faults });
  await proxies.close();
} catch (error) {
  run.abort();
  proxies.abort();
  for (const { name, program } of run.nodes) console.log(`${name}: ${program.log}`);
  console.log(`${error.stack}\nlogs: ${dir}`);
  process.exit(1);
}
const { ok, stdout } = await new Promise((resolve) => {
  execFile(program, ["check", dir], { maxBuffer: 1 << 28 }, (error, stdout, stderr) => resolve({ ok: !error, stdout: stdout + stderr }));
});
const [line, ...text] = stdout.split("\n");
console.log(text.join("\n"));
let passed = ok;
const { counts } = line.startsWith("{") ? JSON.parse(line) : { counts: {} }; // it has panicked
const busy = rebalance && still > STILL;
if (busy) console.log(`the machine was too busy: this program stood still for ${still} ms`);
const wanted = rebalance ? Math.max(counts.wanted ?? 0, run.moved) : counts.wanted ?? 0;
const elsewhere = counts["recovered elsewhere"] ?? 0;
if (rebalance && elsewhere < run.moved / 2) { // polling over a connection that is kept alive comes back to the same server
  console.log(`${elsewhere} of ${run.moved} have come to other servers`);
  passed = false;
}
const others = run.peers.flatMap(({ others }) => others);
if (others.length > 0) console.log(`of sessions during a fault of the broker: ${[...new Set(others)].sort().map((what) => `${others.filter((one) => one === what).length} ${what}`).join(", ")}`);
const least = (rebalance && !busy ? 1 : busy ? 0.8 : 0.99) * wanted;
if (rebalance) for (const peer of run.peers) console.log(`${peer.name}, ${peer.open === ours ? "ours" : "npm's"}, ${peer.socket.io.opts.transports}: moved ${peer.returns} times`);
if ((counts["wanted and recovered"] ?? 0) < least) {
  console.log(`${counts["wanted and recovered"] ?? 0} of ${wanted} were recovered`);
  passed = false;
}
if (!passed) {
  for (const { name, program } of run.nodes) console.log(`${name}: ${program.log}`);
  console.log(`logs: ${dir}`);
}
if (passed && !env.DELIVERY_KEEP) rmSync(keep, { recursive: true, force: true });
process.exit(passed ? 0 : 1);
