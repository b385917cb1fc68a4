// SPDX-License-Identifier: MIT
// Ports for servers that must restart on the same port, or that can't choose a free one.
import { createServer } from "node:net";

// Below what systems give out by themselves: nobody gets one of these by chance while it is free for a moment. And
// above 10080, which browsers do not open.
const FIRST = 10100;
const SPAN = 22000;
const EACH = 40; // the ports of one process; its neighbours have others
let next = 0;

// A port of 127.0.0.1 that is free and that no other process of these suites asks for.
export async function freePort() {
  for (let tries = 0; tries < EACH; tries++) {
    const port = FIRST + ((process.pid * EACH + (next++ % EACH)) % SPAN);
    if (await isFree(port)) return port;
  }
  throw new Error("every port of this process is taken");
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer().once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
