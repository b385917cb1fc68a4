// SPDX-License-Identifier: MIT

// What the servers on Node and on Bun have in common: the events and the flags.

// events gives a socket the six handlers of the benchmark.
export function events(io, socket) {
	socket.on("echo", (msg) => socket.emit("echo", msg));
	socket.on("blob", (bytes) => socket.emit("blob", bytes));
	socket.on("ack", (msg, answer) => answer(msg));
	socket.on("bcast", (msg) => io.emit("bcast", msg));
	socket.on("join", (room, answer) => {
		socket.join(room);
		answer("joined");
	});
	socket.on("room", (room, msg) => io.to(room).emit("room", msg));
}

// flags reads the flags of the command line: pairs of a name and a value.
export function flags() {
	const given = {};
	for (let i = 2; i + 1 < process.argv.length; i += 2) given[process.argv[i].slice(1)] = process.argv[i + 1];
	return {
		handlers: given.handlers !== "0",
		ping: Number(given.ping ?? 25000),
		tls: given.tls, // a file with a certificate and its key
		deflate: given.deflate === "1",
	};
}
