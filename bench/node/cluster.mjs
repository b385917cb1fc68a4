// SPDX-License-Identifier: MIT

// The npm Socket.IO server in a cluster on Redis or PostgreSQL, as ../cmd/clusternode is: the same events and the same commands.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { createAdapter as createPostgresAdapter } from "@socket.io/postgres-adapter";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createAdapter as createStreamsAdapter } from "@socket.io/redis-streams-adapter";
import pg from "pg";
import { createClient } from "redis";
import { Server } from "socket.io";

const option = (name) => process.argv[process.argv.indexOf(`-${name}`) + 1];
const mode = option("mode");
const http = createServer();
const options = { serveClient: false, adapter: await adapter(), pingInterval: 300000 };
if (mode === "streams") options.connectionStateRecovery = { maxDisconnectionDuration: 120000, skipMiddlewares: true };
const io = new Server(http, options);

async function adapter() {
	if (mode === "notify") return createPostgresAdapter(new pg.Pool({ connectionString: option("postgres") }));
	const pub = createClient({ url: `redis://${option("redis")}` });
	await pub.connect();
	if (mode === "streams") return createStreamsAdapter(pub);
	const sub = pub.duplicate();
	await sub.connect();
	return mode === "sharded" ? createShardedAdapter(pub, sub) : createAdapter(pub, sub);
}

io.on("connection", (socket) => {
	socket.on("join", async (rooms, done) => {
		await socket.join(rooms.split(","));
		done(true);
	});
});

// After some events the loop goes on, as it does between requests: otherwise all would wait in memory.
async function emit(kind, n) {
	for (let i = 0; i < n; i++) {
		io.to(`${kind} ${i % 100}`).emit("news", i, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
		if (i % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
	}
	return `ok ${n}`;
}

const commands = {
	stat() {
		const { user, system } = process.cpuUsage();
		return `${user} ${system}`;
	},
	publish: (n) => emit("elsewhere", n),
	send: (n) => emit("room", n),
};

http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
	console.log(`listening 127.0.0.1:${http.address().port}`);
	const input = createInterface({ input: process.stdin });
	input.on("line", async (line) => {
		const [name, arg] = line.split(" ");
		const command = commands[name];
		console.log(command ? await command(Number(arg)) : `error unknown command ${line}`);
	});
	input.on("close", () => process.exit(0));
});
