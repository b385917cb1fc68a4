// SPDX-License-Identifier: MIT

// This file turns messages into Socket.IO packets. All input is untrusted: none of its methods are called, and its
// names are never looked up in a plain object.

import { Emitter } from "../emitter.ts";
import type { Received } from "../types.ts";
import { isValid, PacketType, type Packet } from "./packet.ts";

/** The most attachments one packet may have. */
export const MAX_ATTACHMENTS = 10;

/** Collects messages into packets. One per connection: incomplete packets end with it. */
export class Decoder extends Emitter<{ decoded: (packet: Packet) => void }> {
  private _pending: { packet: Packet; attachments: Received[]; count: number } | undefined;

  constructor(private readonly _maxAttachments = MAX_ATTACHMENTS) {
    super();
  }

  /**
   * Adds the next message. If that completes a packet, "decoded" is called with it; its attachments are the given
   * buffers. Throws an Error for a message that violates the protocol, after which the decoder must not be used.
   */
  add(message: string | Received): void {
    const pending = this._pending;
    if (typeof message === "string") {
      if (pending) throw new Error("got plaintext data when reconstructing a packet");
      const { packet, count } = decodeText(message, this._maxAttachments);
      if (count) this._pending = { packet, attachments: [], count };
      else this._fire("decoded", [packet]);
      return;
    }
    if (!(message instanceof ArrayBuffer || ArrayBuffer.isView(message))) {
      throw new Error("Unknown type: " + typeof message);
    }
    if (!pending) throw new Error("got binary data when not reconstructing a packet");
    pending.attachments.push(message);
    if (pending.attachments.length < pending.count) return;
    this._pending = undefined;
    const { packet, attachments } = pending;
    packet.data = fill(packet.data, attachments, new Set());
    this._fire("decoded", [packet]);
  }

  /** Has nothing to free. */
  destroy(): void {
    // Incomplete packets end with the decoder.
  }
}

// <type>[<count>-][<namespace>,][<id>][<JSON>]
function decodeText(text: string, maxAttachments: number): { packet: Packet; count: number } {
  const type = digits(text, 0, 1) ? Number(text[0]) : NaN;
  if (!(type <= PacketType.BINARY_ACK)) throw new Error("unknown packet type " + type);
  let i = 1;
  let count = 0;
  let packetType = type as PacketType;
  if (type === PacketType.BINARY_EVENT || type === PacketType.BINARY_ACK) {
    const length = digits(text, i);
    count = Number(text.substr(i, length));
    if (!length || text[i + length] !== "-" || count < 1) throw new Error("Illegal attachments");
    if (count > maxAttachments) throw new Error("too many attachments");
    i += length + 1;
    packetType = type === PacketType.BINARY_EVENT ? PacketType.EVENT : PacketType.ACK;
  }
  let nsp = "/";
  if (text[i] === "/") {
    const comma = text.indexOf(",", i);
    const end = comma < 0 ? text.length : comma;
    nsp = text.slice(i, end);
    i = end + 1;
  }
  const packet: Packet = { type: packetType, nsp };
  const length = digits(text, i);
  if (length) {
    packet.id = Number(text.substr(i, length));
    if (!Number.isSafeInteger(packet.id)) throw new Error("invalid payload");
    i += length;
  }
  if (i < text.length) {
    try {
      packet.data = JSON.parse(text.slice(i));
    } catch {
      throw new Error("invalid payload");
    }
  }
  if (!isValid(packet)) throw new Error("invalid payload");
  return { packet, count };
}

/** The number of digits at a position, at most `max`. */
function digits(text: string, from: number, max = Infinity): number {
  let n = 0;
  while (n < max && text.charCodeAt(from + n) >= 48 && text.charCodeAt(from + n) <= 57) n++;
  return n;
}

/** Replaces placeholders by their attachments. Each must be used exactly once. */
function fill(data: unknown, attachments: Received[], used: Set<number>): unknown {
  const filled = walk(data);
  if (used.size !== attachments.length) throw new Error("illegal attachments");
  return filled;

  function walk(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    const holder = value as Record<string, unknown>;
    if (holder["_placeholder"] === true) {
      const num = holder["num"] as number;
      const bytes = attachments[num];
      // A number, not a string that names an element.
      if (typeof num !== "number" || !bytes || used.has(num)) throw new Error("illegal attachments");
      used.add(num);
      return bytes;
    }
    for (const key of Object.keys(holder)) {
      const child = holder[key];
      const put = walk(child);
      // Only an own property is ever replaced, so that even the key "__proto__" is just data.
      if (put !== child) holder[key] = put;
    }
    return value;
  }
}
