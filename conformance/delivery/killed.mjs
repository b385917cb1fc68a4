// SPDX-License-Identifier: MIT
// A runner that is killed leaves no server behind.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { within } from "../lib/wait.mjs";

const SERVER = `
const server = require("node:net").createServer((socket) => socket.write("here"));
server.listen(0, "127.0.0.1", () => console.log("listening " + server.address().port));
`;
const RUNNER = `
import { Program } from ${JSON.stringify(new URL("../lib/program.mjs", import.meta.url))};
const first = await Program.start({}, [process.execPath, "-e", process.argv[1]]);
await first.kill();
const { port } = await Program.start({}, [process.execPath, "-e", process.argv[1]]);
console.log(port);
`;

// Kills a runner, and waits until its server has gone too.
export async function killed() {
  const runner = spawn(process.execPath, ["--input-type=module", "-e", RUNNER, SERVER], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = await within(once(createInterface(runner.stdout), "line"), "the server of a runner");
  const socket = connect(Number(port), "127.0.0.1");
  const end = once(socket, "close");
  socket.on("error", () => {});
  await within(once(socket, "data"), "the server's first word");
  runner.kill("SIGKILL");
  await within(end, "the end of a server whose runner was killed");
}
