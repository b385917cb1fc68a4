// SPDX-License-Identifier: MIT
// Networks with faults: proxies of internal/faultnet, which a program of ours runs.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { within } from "../lib/wait.mjs";

export class Proxies {
  #child;
  #exit;
  #asked = new Map();
  #links = new Map();
  #next = 1;

  constructor(program) {
    this.#child = spawn(program, ["proxy"], { stdio: ["pipe", "pipe", "inherit"] });
    this.#exit = new Promise((resolve) => this.#child.once("exit", (code, signal) => resolve(signal ?? code)));
    this.#child.stdin.on("error", () => {}); // after abort
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#line(JSON.parse(line)));
  }

  #line({ id, port, error, ...rest }) {
    if (id === undefined) {
      this.#links.get(port)?.reached(rest);
      return;
    }
    const { resolve, reject } = this.#asked.get(id);
    this.#asked.delete(id);
    if (error) reject(new Error(error));
    else resolve(port);
  }

  ask(command) {
    const id = this.#next++;
    const answer = new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject }));
    this.#child.stdin.write(JSON.stringify({ id, ...command }) + "\n");
    return within(answer, `the proxy's answer to ${command.op}`).catch((error) => {
      this.#child.kill("SIGQUIT"); // it says what it is doing
      throw error;
    });
  }

  // A network to ports of this machine: each connection goes to the next of them.
  async link(...ports) {
    const link = new Link(this, await this.ask({ op: "open", target: addresses(ports) }));
    this.#links.set(link.port, link);
    return link;
  }

  abort() {
    this.#child.kill("SIGKILL");
  }

  async close() {
    this.#child.stdin.end();
    let how;
    try {
      how = await within(this.#exit, "the end of the proxies");
    } catch (error) {
      this.#child.kill("SIGQUIT"); // it says what it is doing
      throw error;
    }
    if (how !== 0) throw new Error(`the proxies ended with ${how}`);
  }
}

// The network of one client.
class Link {
  #proxies;
  #watchers = [];

  constructor(proxies, port) {
    this.#proxies = proxies;
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
  }

  #ask(op, command = {}) {
    return this.#proxies.ask({ op, port: this.port, ...command });
  }

  // What happens at a point: { dir, pattern, skip, more, how }. The promise that is returned
  // has a promise of the moment when it is reached, as `reached`.
  async at(point) {
    const reached = new Promise((resolve) => this.#watchers.push(resolve));
    await this.#ask("at", point);
    return { reached };
  }

  reached(what) {
    for (const watcher of this.#watchers.splice(0)) watcher(what);
  }

  heal = () => this.#ask("heal");
  cut = (how) => this.#ask("cut", { how });
  split = (dir, n) => this.#ask("split", { dir, n });
  delay = (dir, ms) => this.#ask("delay", { dir, ms });
  aim = (...ports) => this.#ask("aim", { target: addresses(ports) });
}

const addresses = (ports) => ports.map((port) => `127.0.0.1:${port}`).join(",");
