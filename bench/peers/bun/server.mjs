// SPDX-License-Identifier: MIT

// The npm Socket.IO server on Bun's engine and Bun's HTTP server, with the events and the
// commands of the benchmark (see ../../internal/control).
//
//     bun server.mjs [-handlers 0|6] [-ping MILLISECONDS]

import { createInterface } from "node:readline";
import { Server as Engine } from "@socket.io/bun-engine";
import { Server } from "socket.io";
import { events, flags } from "../events.mjs";

const { handlers, ping } = flags();
const io = new Server();
const engine = new Engine({
	path: "/socket.io/",
	pingInterval: ping,
	maxHttpBufferSize: 2_000_000, // the row of 1 MB
});
io.bind(engine);
if (handlers) io.on("connection", (socket) => events(io, socket));

const server = Bun.serve({
	...engine.handler(),
	hostname: "127.0.0.1",
	port: 0,
});

const commands = {
	stat() {
		const { user, system } = process.cpuUsage();
		return `${user} ${system}`;
	},
	gc() {
		Bun.gc(true);
		return "ok";
	},
};

console.log(`listening 127.0.0.1:${server.port}`);
const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
	const command = commands[line];
	console.log(command ? command() : `error unknown command ${line}`);
});
input.on("close", () => process.exit(0));
