// SPDX-License-Identifier: MIT

// The npm Socket.IO server in a cluster on Redis, as ../cmd/clusternode is: the same events and the same commands.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { createAdapter, createShardedAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";

const option = (name) => process.argv[process.argv.indexOf(`-${name}`) + 1];
const pub = createClient({ url: `redis://${option("redis")}` });
const sub = pub.duplicate();
await Promise.all([pub.connect(), sub.connect()]);
const adapter = option("mode") === "sharded" ? createShardedAdapter(pub, sub) : createAdapter(pub, sub);
const http = createServer();
const io = new Server(http, { serveClient: false, adapter, pingInterval: 300000 });

io.on("connection", (socket) => {
	socket.on("join", async (rooms, done) => {
		await socket.join(rooms.split(","));
		done(true);
	});
});

const commands = {
	stat() {
		const { user, system } = process.cpuUsage();
		return `${user} ${system}`;
	},
	// After some events the loop goes on, as it does between requests: otherwise all would wait in memory.
	async publish(n) {
		for (let i = 0; i < n; i++) {
			io.to(`elsewhere ${i % 100}`).emit("news", i, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
			if (i % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
		}
		return `ok ${n}`;
	},
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
