// SPDX-License-Identifier: MIT
// One TCP connection to a server: data is written unchanged, and read by length or up to a mark,
// always with a deadline.
import { connect } from "node:net";

// No answer takes this long, on any machine.
export const PATIENCE = 60000;

// Thrown when the server stays silent for longer than it may.
export class Silence extends Error {}

export class Wire {
  #socket;
  #chunks = [];
  #length = 0;
  #wake = () => {};
  #ended = false;

  static async open(port) {
    const wire = new Wire();
    const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    wire.#socket = socket;
    socket.on("data", (chunk) => {
      wire.#chunks.push(chunk);
      wire.#length += chunk.length;
      wire.#wake();
    });
    const end = () => {
      wire.#ended = true;
      wire.#wake();
    };
    socket.on("end", end).on("close", end).on("error", end);
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return wire;
  }

  write(bytes) {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  // Ends the sending side, and continues reading.
  finish() {
    if (!this.#socket.destroyed) this.#socket.end();
  }

  destroy() {
    this.#socket.destroy();
  }

  // Waits until more than `have` bytes are there. False at the end of the stream.
  async #more(have, deadline) {
    while (this.#length <= have) {
      if (this.#ended) return false;
      const left = deadline - Date.now();
      if (left <= 0) throw new Silence();
      let timer;
      await new Promise((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, left);
      });
      clearTimeout(timer);
      this.#wake = () => {};
    }
    return true;
  }

  #all() {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  #take(count) {
    const all = this.#all();
    this.#chunks = [all.subarray(count)];
    this.#length -= count;
    return all.subarray(0, count);
  }

  // Reads exactly count bytes, or undefined if the stream ends before.
  async read(count, patience = PATIENCE) {
    const deadline = Date.now() + patience;
    while (this.#length < count) if (!(await this.#more(this.#length, deadline))) return undefined;
    return this.#take(count);
  }

  // Reads up to and with the mark, or undefined if the stream ends before.
  async readTo(mark, patience = PATIENCE) {
    const deadline = Date.now() + patience;
    for (;;) {
      const at = this.#all().indexOf(mark);
      if (at >= 0) return this.#take(at + mark.length);
      if (!(await this.#more(this.#length, deadline))) return undefined;
    }
  }

  // Reads until the stream ends.
  async readAll(patience = PATIENCE) {
    const deadline = Date.now() + patience;
    while (await this.#more(this.#length, deadline));
    return this.#take(this.#length);
  }
}
