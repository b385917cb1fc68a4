// SPDX-License-Identifier: MIT
// Two campaigns against one server each: upgrades, and recoveries.
import { join } from "node:path";
import { Program } from "../lib/program.mjs";
import { RECOVERY_STEPS, UPGRADE_STEPS, pointOf } from "./cuts.mjs";
import { Log } from "./log.mjs";
import { Peer, pause } from "./peer.mjs";
import { Random } from "./random.mjs";

const UPGRADE = ["polling", "websocket"];
export const TRANSPORTS = [["polling"], ["websocket"], UPGRADE];
const PEERS = 10;

// A run: the server program, its clients, their logs.
export class Campaign {
  peers = [];
  clones = 0;
  servers = 0;

  // opens are the functions io of client packages. The clients take them in turns.
  constructor({ name, seed, dir, command, opens, proxies, recovery }) {
    Object.assign(this, { name, seed, dir, command, opens, proxies, recovery });
    this.log = new Log(join(dir, "clients.jsonl"));
    this.random = new Random(`${seed} ${name}`);
  }

  async start() {
    await this.serve();
    for (let i = 0; i < PEERS; i++) {
      const link = await this.proxies.link(...this.ports);
      const random = new Random(`${this.seed} ${this.name} ${i}`);
      const transports = this.recovery ? this.transports(i, random) : UPGRADE;
      const { opens, log, recovery } = this;
      const open = opens[i % opens.length];
      this.peers.push(new Peer({ open, name: `c${i}`, link, log, random, transports, recovery, room: `group ${i % 4}` }));
    }
    for (const peer of this.peers) peer.socket.connect();
    for (const peer of this.peers) await peer.connected();
    await this.traffic("on");
    this.talks = this.peers.map((peer) => peer.talk());
  }

  // Of a client of a server with recovery.
  transports(_i, random) {
    return random.pick(TRANSPORTS);
  }

  // Where clients reach the server.
  get ports() {
    return [this.server.port];
  }

  // Starts a server: the first, or the next one with the same store.
  async serve() {
    const number = ++this.servers;
    this.server = await Program.start({
      NAME: `server#${number}`,
      LOG: join(this.dir, `server-${number}.jsonl`),
      SEED: String(this.random.below(1e9)),
      ...(this.recovery ? { RECOVERY: "10m" } : {}),
    }, this.command);
  }

  // Ends the server, by SIGKILL or in order, and starts the next one. The clients find it where the
  // old one was.
  async restart(how) {
    if (how === "SIGKILL") {
      await this.server.kill();
      this.log.record("runner", { kind: "kill", target: `server#${this.servers}` });
    } else {
      await this.server.stop();
    }
    await this.serve();
    await Promise.all(this.peers.map(({ link }) => link.aim(this.server.port)));
    await this.traffic("on");
  }

  async traffic(state) {
    const response = await fetch(`${this.server.url}/traffic/${state}`, { method: "POST" });
    if (response.status !== 204) throw new Error(`traffic ${state}: ${response.status}`);
  }

  // Lets the peers do rounds until enough of them have counted, as counted() says.
  async rounds(enough, round, counted) {
    const work = async (peer) => {
      while (counted() < enough) await round(peer);
    };
    await Promise.all(this.peers.map(work));
  }

  // How many clients have come back that should be recovered; how many upgrades were tried.
  get returns() {
    return this.peers.reduce((sum, peer) => sum + peer.returns, 0);
  }

  get upgrades() {
    return this.peers.reduce((sum, peer) => sum + peer.upgrades, 0);
  }

  // Ends the run when everything has arrived.
  async stop(plan) {
    this.log.record("runner", { kind: "plan", ops: plan });
    for (const peer of this.peers) peer.quiet();
    await Promise.all(this.talks);
    await this.traffic("off");
    await Promise.all(this.peers.map((peer) => peer.end()));
    await this.server.stop();
    this.log.close();
  }

  // Ends a run that failed.
  abort() {
    for (const peer of this.peers) peer.stop();
    this.server?.signal("SIGKILL");
  }
}

// Ends all faults, and the connections that have swallowed something: nobody else does before
// the heartbeat, which has time.
async function heal({ link }, point) {
  await link.heal();
  if (point?.how === "swallow") await link.cut("reset");
}

// Makes a connection worse in ways that lose nothing.
async function impede(peer) {
  const { link, random } = peer;
  if (random.chance(15)) await link.delay(random.pick(["up", "down", "both"]), 1 + random.below(10));
  if (random.chance(8)) await link.split(random.pick(["up", "down"]), 1 + random.below(5));
}

// Begins a new turn of the event loop. The npm client passes a packet on a moment after it has
// arrived; if its application ends the connection in that moment, the next session gets it.
const turn = () => new Promise(setImmediate);

// For the same reason: that client waits until an upgrade is done, or all is written, and then ends
// the connection in such a moment itself.
const endsAtOnce = ({ upgrading, writeBuffer }) => !upgrading && !writeBuffer?.length;

// Ends the connection of a peer in some way, and waits until the peer has noticed.
async function lose(peer) {
  const { link, random } = peer;
  await turn();
  if (random.chance(30) && endsAtOnce(peer.socket.io.engine)) peer.socket.io.engine.close();
  const gone = peer.disconnected();
  for (let lost = false; !lost; ) {
    await link.cut(random.pick(["fin", "reset"])); // between two polls there is nothing to cut
    lost = await Promise.race([gone.then(() => true), pause(20)]);
  }
}

// An upgrade with traffic: mostly it is cut at one of its steps.
export async function upgradeRound(peer) {
  const { link, random, socket } = peer;
  await peer.connected();
  if (random.chance(3)) {
    await turn();
    socket.disconnect();
    socket.connect();
  } else {
    await lose(peer);
  }
  await impede(peer);
  const step = random.chance(85) ? random.pick(UPGRADE_STEPS) : undefined;
  const point = step && pointOf(step, random);
  const cut = step ? (await link.at(point)).reached.then(() => step.step) : new Promise(() => {});
  peer.reject = random.chance(3);
  // A point that is never passed, since this connection has no such step, would be awaited for ever.
  const end = new AbortController();
  const outcome = await Promise.race([cut, upgraded(socket, end.signal), pause(2000).then(() => "no upgrade")]);
  end.abort();
  peer.upgradeTried(outcome || undefined);
  await pause(random.below(40)); // traffic at the place where it was cut, or on the WebSocket
  await heal(peer, point);
  await peer.connected();
  if (random.chance(2)) peer.kick();
}

async function upgraded(socket, signal) {
  while (!signal.aborted && socket.io.engine?.transport?.name !== "websocket") await pause(3);
  return "";
}

// A loss of the connection from which the client recovers: at a random phase of the events,
// during a slow middleware, with the answer lost, or with others that have its secrets.
export function recoveryRound(campaign) {
  return async (peer) => {
    const { link, random } = peer;
    await peer.connected();
    await impede(peer);
    peer.slow = random.chance(25) ? random.below(40) : 0;
    peer.reject = random.chance(3);
    let point;
    if (random.chance(60)) {
      point = pointOf(random.pick(RECOVERY_STEPS), random);
      const { reached } = await link.at(point);
      if (random.chance(50)) await lose(peer);
      const cut = await Promise.race([reached.then(() => true), pause(500)]);
      if (!cut && peer.socket.connected) await lose(peer);
    } else {
      await lose(peer);
    }
    if (random.chance(4)) await race(campaign, peer);
    await pause(random.below(30));
    await heal(peer, point);
    await peer.connected();
    if (random.chance(2)) peer.kick();
  };
}

// A restart of the server while clients talk, come and go.
export async function restartRound(campaign, how) {
  const { peers, random } = campaign;
  await pause(random.below(300));
  const restarted = campaign.restart(how);
  const away = peers.filter(() => random.chance(20)); // these come back at the same time
  await Promise.all([restarted, ...away.map(({ link }) => link.cut("fin"))]);
  if (random.chance(50)) return; // the next one while they come back
  for (const peer of peers) await peer.connected();
}

// Two more clients come with the secrets of a peer, which is on its way back itself.
async function race(campaign, peer) {
  if (peer.socket.connected) return;
  peer.wanted = false; // one of them wins
  const others = [0, 1].map(() => peer.fork(`clone${campaign.clones++}`, peer.socket.io.opts.transports));
  for (const other of others) other.socket.connect();
  await Promise.race([peer.connected(), pause(20)]);
  for (const other of others) other.leave();
}

// Ten losses in a row, at once after each recovery.
export async function tenInARow(peer) {
  await peer.link.heal();
  for (let i = 0; i < 10; i++) {
    await peer.connected();
    await lose(peer);
  }
  await peer.connected();
}
