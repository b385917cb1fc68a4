// SPDX-License-Identifier: MIT

// The npm Socket.IO server with ws, with the events and the commands of the benchmark
// (see ../internal/control). Run it with --expose-gc.
//
//     node --expose-gc server.mjs [-handlers 0|6] [-ping MILLISECONDS] [-tls FILE] [-deflate 1]

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { createInterface } from "node:readline";
import { Server } from "socket.io";
import { events, flags } from "../peers/events.mjs";

const { handlers, ping, tls, deflate } = flags();
const pem = tls && readFileSync(tls);
const http = tls ? createSecureServer({ cert: pem, key: pem }) : createServer();
const io = new Server(http, {
	serveClient: false,
	pingInterval: ping,
	maxHttpBufferSize: 2_000_000, // the row of 1 MB
	perMessageDeflate: deflate,
});
if (handlers) io.on("connection", (socket) => events(io, socket));

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
