// SPDX-License-Identifier: MIT
// nginx, Caddy, Apache and HAProxy as programs: the files of deploy/ with other
// addresses, started on free ports of 127.0.0.1 with everything they write in a temporary directory.
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endWithUs } from "../lib/orphans.mjs";
import { freePort } from "../lib/port.mjs";
import { Program } from "../lib/program.mjs";
import { within } from "../lib/wait.mjs";

const START_PATIENCE = 60000;
const HOST = "127.0.0.1";
const PATH = `${process.env.PATH}:/usr/sbin`; // where Debian keeps nginx

// What to replace in each file. A text that is not there fails: the file has changed.
const KINDS = {
  nginx: {
    file: "nginx.conf",
    replace: ({ port, cert, key }) => ({
      "listen 443": `listen ${HOST}:${port}`,
      "chat.example.com;": `${HOST};`,
      "/etc/ssl/chat.example.com.pem": cert,
      "/etc/ssl/private/chat.example.com.key": key,
    }),
    byCookie: "hash $remote_addr consistent;",
    changesHost: [/^ *proxy_set_header Host .*\n/m, ""],
    wrap: (dir, text) => {
      writeFileSync(join(dir, "site.conf"), text);
      const temp = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((what) => `${what}_temp_path ${dir}/${what};`);
      return [
        process.getuid() === 0 ? "user root;" : "", // the directory is ours alone
        "worker_processes 1;",
        `pid ${dir}/pid;`,
        "error_log stderr warn;",
        "events { worker_connections 1024; }",
        "http {",
        "access_log off;",
        ...temp,
        `include ${dir}/site.conf;`,
        "}",
      ].join("\n");
    },
    command: (dir, config) => ["nginx", "-p", dir, "-e", "stderr", "-c", config, "-g", "daemon off;"],
  },
  caddy: {
    file: "Caddyfile",
    replace: ({ port, cert, key }) => ({
      "chat.example.com {": `https://${HOST}:${port} {\n\tbind ${HOST}\n\ttls ${cert} ${key}`,
    }),
    byCookie: "lb_policy ip_hash",
    changesHost: ["lb_policy ip_hash", "lb_policy ip_hash\n\t\theader_up Host {upstream_hostport}"],
    wrap: (dir, text) =>
      [
        "{",
        "admin off",
        "auto_https disable_redirects",
        "grace_period 1s", // for connections of clients that are gone
        "skip_install_trust",
        `storage file_system ${dir}`,
        "servers {\nprotocols h1 h2\n}",
        "}",
        text,
      ].join("\n"),
    command: (dir, config) => ["caddy", "run", "--config", config, "--adapter", "caddyfile"],
  },
  apache: {
    file: "apache.conf",
    changesHost: [/^ *ProxyPreserveHost On\n/m, ""],
    basic: true,
    replace: ({ port, cert, key }) => ({
      "*:443": `${HOST}:${port}`,
      "chat.example.com\n": `${HOST}\n`,
      "/etc/ssl/chat.example.com.pem": cert,
      "/etc/ssl/private/chat.example.com.key": key,
    }),
    wrap: (dir, text, port) =>
      [
        ...APACHE_MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`),
        ...(process.getuid() === 0 ? ["User nobody", "Group nogroup"] : []), // it does not run as root
        `ServerRoot ${dir}`,
        `DefaultRuntimeDir ${dir}`,
        `PidFile ${dir}/pid`,
        `ServerName ${HOST}`,
        `Listen ${HOST}:${port}`,
        `ErrorLog ${dir}/log`,
        "LogLevel warn ssl:error",
        "ThreadLimit 128",
        "ThreadsPerChild 128",
        "MaxRequestWorkers 128",
        text,
      ].join("\n"),
    end: "SIGKILL", // one process; it would wait 10 s for threads of clients that are gone
    command: (dir, config) => ["apache2", "-X", "-f", config],
  },
  haproxy: {
    file: "haproxy.cfg",
    changesHost: ["balance source", "balance source\n    http-request set-header Host internal"],
    basic: true,
    replace: ({ port, both }) => ({
      "bind :443": `bind ${HOST}:${port}`,
      "/etc/ssl/chat.example.com.pem": both,
    }),
    wrap: (dir, text) => text,
    command: (dir, config) => ["haproxy", "-db", "-f", config],
  },
};

const APACHE_MODULES = ["mpm_event", "authz_core", "ssl", "http2", "headers", "rewrite", "slotmem_shm"]
  .concat(["proxy", "proxy_http", "proxy_balancer", "lbmethod_byrequests", "socache_shmcb"]);

export const kinds = Object.keys(KINDS);

// Whether a proxy is tried with the scenarios that are marked basic only.
export const isBasic = (kind) => KINDS[kind].basic === true;

// The file of a kind, changed so that the servers get another Host than the client sent.
export function changesHost(text, kind) {
  const changed = text.replace(...KINDS[kind].changesHost);
  if (changed === text) throw new Error(`deploy/${KINDS[kind].file} has changed`);
  return changed;
}

// The program's version, or an error that says what to install.
export function version(kind) {
  const [program] = KINDS[kind].command("", "");
  const { status, stdout, stderr, error } = spawnSync(program, kind === "caddy" ? ["version"] : ["-v"], { encoding: "utf8", env: { PATH } });
  if (error || status !== 0) throw new Error(`${kind} does not run (${error ?? stderr}): make setup installs it`);
  return (stdout + stderr).trim().split("\n")[0];
}

// A certificate for 127.0.0.1 that signs itself, as files in dir.
export function certificate(dir) {
  const cert = join(dir, "cert.pem");
  const key = join(dir, "key.pem");
  const made = spawnSync(
    "openssl",
    ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=socketio test"]
      .concat(["-addext", `subjectAltName=IP:${HOST}`, "-keyout", key, "-out", cert]),
    { encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(`openssl: ${made.error ?? made.stderr}`);
  const both = join(dir, "both.pem"); // as HAProxy has it
  writeFileSync(both, readFileSync(cert, "utf8") + readFileSync(key, "utf8"), { mode: 0o600 });
  return { cert, key, both, ca: readFileSync(cert) };
}

// A proxy with two servers behind it.
export class Site {
  #child;
  #exit;
  #dir;
  #log = "";
  #all = []; // the servers, those that have been lost too

  // Options: env of the servers; cookie, to stay by cookie; edit, a function of the file's text and kind.
  static async start(kind, tls, { env = {}, cookie = false, edit = (text) => text } = {}) {
    const site = new Site();
    site.kind = kind;
    // An answer says by which server it was given: maxPayload differs.
    site.servers = await Promise.all(
      [1000000, 1000001].map(async (size) => {
        const program = await Program.start({ MAX_HTTP_BUFFER_SIZE: String(size), ...env });
        return Object.assign(program, { maxPayload: size });
      }),
    );
    site.#all = site.servers;
    try {
      await site.#start(tls, cookie, edit);
      return site;
    } catch (error) {
      await site.stop();
      throw error;
    }
  }

  async #start(tls, cookie, edit) {
    const kind = KINDS[this.kind];
    const port = await freePort();
    let text = readFileSync(new URL(`../../deploy/${kind.file}`, import.meta.url), "utf8");
    const replace = (from, to) => {
      if (!text.includes(from)) throw new Error(`deploy/${kind.file} has no ${from}`);
      text = text.replaceAll(from, () => to);
    };
    for (const [from, to] of Object.entries(kind.replace({ port, ...tls }))) replace(from, to);
    this.servers.forEach((server, i) => replace(`127.0.0.1:${3001 + i}`, `127.0.0.1:${server.port}`));
    if (cookie) {
      replace(kind.byCookie, "");
      replace("#cookie ", "");
    }
    this.#dir = mkdtempSync(join(tmpdir(), `socketio-${this.kind}-`));
    chmodSync(this.#dir, 0o700);
    mkdirSync(join(this.#dir, "home"));
    const config = join(this.#dir, "config");
    writeFileSync(config, kind.wrap(this.#dir, edit(text, this.kind), port));
    const [command, ...args] = kind.command(this.#dir, config);
    const home = join(this.#dir, "home");
    this.#log = "";
    const env = { PATH, HOME: home, XDG_DATA_HOME: home, XDG_CONFIG_HOME: home };
    this.#child = endWithUs(spawn(command, args, { env, stdio: ["ignore", "ignore", "pipe"] }));
    this.#child.stderr.setEncoding("utf8").on("data", (more) => (this.#log += more));
    this.#exit = new Promise((resolve) => {
      this.#child.once("exit", (code, signal) => resolve(`code ${code}, ${signal}`));
      this.#child.once("error", (error) => resolve(String(error)));
    });
    const died = this.#exit.then((how) => Promise.reject(new Error(`${this.kind} ended early: ${how}\n${this.log}`)));
    await within(Promise.race([listening(port, died), died]), `${this.kind} to listen`, START_PATIENCE);
    this.port = port;
    this.origin = `https://${HOST}:${port}`;
  }

  // What the proxy has written, to stderr or its file, and then its servers.
  get log() {
    return [this.#proxyLog, ...this.#all.map((server) => server.log)].join("");
  }

  get #proxyLog() {
    const file = this.#dir && join(this.#dir, "log");
    return this.#log + (file && existsSync(file) ? readFileSync(file, "utf8") : "");
  }

  // The server an open packet came from.
  serverOf({ maxPayload }) {
    return this.servers.find((server) => server.maxPayload === maxPayload);
  }

  // Ends a server of this site: at once, or as an operator would.
  async lose(server, how = "kill") {
    this.servers = this.servers.filter((other) => other !== server);
    await server[how]();
  }

  async #end() {
    try {
      if (this.#child?.pid && this.#child.exitCode === null && this.#child.signalCode === null) {
        this.#child.kill(KINDS[this.kind].end ?? "SIGTERM");
        await within(this.#exit, `the end of ${this.kind}`);
      }
    } catch (error) {
      this.#child.kill("SIGKILL");
      await this.#exit;
      throw error;
    } finally {
      this.#log = this.#proxyLog;
      if (this.#dir) rmSync(this.#dir, { recursive: true, force: true });
    }
  }

  // Ends the proxy, then its servers, which must end well.
  async stop() {
    try {
      await this.#end();
    } finally {
      await Promise.all(this.servers.map((server) => server.stop()));
    }
  }
}

// Settles when someone listens, or fails when `died` does.
async function listening(port, died) {
  let over = false;
  died.catch(() => (over = true));
  while (!over) {
    const ok = await new Promise((resolve) => {
      const socket = connect(port, HOST)
        .once("connect", () => resolve(true))
        .once("error", () => resolve(false))
        .once("close", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
