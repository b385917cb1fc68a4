// SPDX-License-Identifier: MIT
// WebSocket frames by hand: any bits are sent, and received frames become readable text.
import { createHash } from "node:crypto";

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

const NAMES = { 0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong" };
const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

// The bytes of one frame as a client sends it. `declared` writes another length than the
// payload's, `width` (7, 16 or 64) another form of it than the shortest.
export function frame(opcode, payload = "", { fin = true, rsv = 0, masked = true, declared, width } = {}) {
  const data = Buffer.from(payload);
  const length = declared ?? data.length;
  const form = width ?? (length < 126 ? 7 : length < 65536 ? 16 : 64);
  const head = Buffer.alloc(form === 7 ? 2 : form === 16 ? 4 : 10);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] = (masked ? 0x80 : 0) | (form === 7 ? length : form === 16 ? 126 : 127);
  if (form === 16) head.writeUInt16BE(length, 2);
  if (form === 64) head.writeBigUInt64BE(BigInt(length), 2);
  if (!masked) return Buffer.concat([head, data]);
  return Buffer.concat([head, MASK, data.map((byte, i) => byte ^ MASK[i % 4])]);
}

export const text = (payload, options) => frame(TEXT, payload, options);
export const binary = (bytes, options) => frame(BINARY, Buffer.from(bytes), options);
export const ping = (payload, options) => frame(PING, payload, options);
export const pong = (payload, options) => frame(PONG, payload, options);

// A close frame; without a code, an empty one.
export function close(code, reason = "") {
  if (code === undefined) return frame(CLOSE);
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return frame(CLOSE, Buffer.concat([head, Buffer.from(reason)]));
}

// Reads one frame of the server, or undefined at the end of the stream.
export async function readFrame(wire, patience) {
  const head = await wire.read(2, patience);
  if (head === undefined) return undefined;
  let length = head[1] & 0x7f;
  if (length === 126) length = (await wire.read(2, patience))?.readUInt16BE();
  else if (length === 127) length = Number((await wire.read(8, patience))?.readBigUInt64BE());
  const payload = await wire.read(length ?? 0, patience);
  if (payload === undefined) return undefined;
  return { fin: head[0] >= 0x80, rsv: (head[0] >> 4) & 7, opcode: head[0] & 15, masked: head[1] >= 0x80, payload };
}

// A frame as one line of text.
export function describe({ fin, rsv, opcode, masked, payload }) {
  const odd = `${fin ? "" : " unfinished"}${rsv ? ` rsv=${rsv}` : ""}${masked ? " masked" : ""}`;
  const name = (NAMES[opcode] ?? `opcode ${opcode}`) + odd;
  if (opcode === CLOSE) {
    if (payload.length < 2) return name;
    const reason = payload.toString("utf8", 2);
    return `${name} ${payload.readUInt16BE()}${reason && ` ${reason}`}`;
  }
  return `${name} ${opcode === BINARY ? short(payload.toString("hex")) : short(payload.toString())}`.trimEnd();
}

// Shortens a long text to its head, length and hash.
export function short(value) {
  if (value.length <= 400) return value;
  const hash = createHash("sha256").update(value).digest("hex").slice(0, 12);
  return `${value.slice(0, 40)}... (${value.length} characters, ${hash})`;
}
