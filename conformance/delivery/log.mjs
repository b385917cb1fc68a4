// SPDX-License-Identifier: MIT
// Logs in the format of internal/histcheck: one JSON object per line.
import { writeSync, closeSync, openSync } from "node:fs";
import { fnv } from "./random.mjs";

// The hash of a payload, or with the text "reply" of its acknowledgement.
export function hash(stream, n, payload) {
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  return fnv(Buffer.concat([Buffer.from(`${stream}:${n}:`), bytes])).toString(16).padStart(8, "0");
}

// The log of one process. Lines of a program that may be killed are written at once.
export class Log {
  #file;
  #lines = [];
  #size;

  constructor(path, { atOnce = false } = {}) {
    this.#file = openSync(path, "a");
    this.#size = atOnce ? 1 : 500;
  }

  record(proc, event) {
    const t = Date.now() * 1000; // the clock of the servers, which performance.now() leaves in time
    this.#lines.push(JSON.stringify({ t, proc, ...event }));
    if (this.#lines.length >= this.#size) this.flush();
  }

  // Writes what waits.
  flush() {
    if (this.#lines.length > 0) writeSync(this.#file, this.#lines.join("\n") + "\n");
    this.#lines = [];
  }

  close() {
    this.flush();
    closeSync(this.#file);
  }
}
