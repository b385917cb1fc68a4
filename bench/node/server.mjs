// SPDX-License-Identifier: MIT

// The npm Socket.IO server, default options, with the events and the commands of
// the benchmark (see ../internal/control). Run it with --expose-gc.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { serveClient: false });

io.on("connection", (socket) => {
	socket.on("echo", (msg) => socket.emit("echo", msg));
	socket.on("blob", (bytes) => socket.emit("blob", bytes));
	socket.on("ack", (msg, answer) => answer(msg));
	socket.on("bcast", (msg) => io.emit("bcast", msg));
});

const commands = {
	stat() {
		const { user, system } = process.cpuUsage();
		return `${user} ${system}`;
	},
	gc() {
		global.gc();
		return "ok";
	},
};

// A backlog like Go's: the default of 511 is shorter than what the kernel allows.
http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
	console.log(`listening 127.0.0.1:${http.address().port}`);
	const input = createInterface({ input: process.stdin });
	input.on("line", (line) => {
		const command = commands[line];
		console.log(command ? command() : `error unknown command ${line}`);
	});
	input.on("close", () => process.exit(0));
});
