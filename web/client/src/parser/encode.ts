// SPDX-License-Identifier: MIT

// This file turns Socket.IO packets into messages: a text, and the attachments it refers to.

import { isBinary } from "../engine/packet.ts";
import { PacketType, type Packet } from "./packet.ts";
import type { Binary, Data } from "../types.ts";

/** Beyond this depth bytes are not searched for: the thorough encoding is used, which also detects cycles. */
const MAX_SEARCH_DEPTH = 100;

/** Encodes packets. */
export class Encoder {
  /** See encodePacket. */
  encode(packet: Packet): readonly Data[] {
    return encodePacket(packet);
  }
}

/**
 * Encodes a packet. The first message is text; its attachments follow, in the order of a depth-first walk, and must be
 * sent directly after it. The packet's data is read once and not changed; attachments are not copied. Throws a
 * TypeError for data that JSON can't express, such as a cycle.
 */
export function encodePacket(packet: Packet): [string, ...Data[]] {
  const { nsp, data, id } = packet;
  let { type } = packet;
  const attachments: (Binary | Blob)[] = [];
  let json: string | undefined;
  if ((type === PacketType.EVENT || type === PacketType.ACK) && mayHoldBinary(data, 0)) {
    json = JSON.stringify(data, function (this: Record<string, unknown>, key: string, value: unknown) {
      // `value` went through toJSON, which a Buffer has too; the holder still has what was given.
      const given = this[key];
      const bytes = isBinary(given) ? given : isBinary(value) ? value : undefined;
      return bytes ? { _placeholder: true, num: attachments.push(bytes) - 1 } : value;
    });
    if (attachments.length) type = type === PacketType.EVENT ? PacketType.BINARY_EVENT : PacketType.BINARY_ACK;
  } else if (data !== undefined) {
    json = JSON.stringify(data);
  }
  const head =
    type +
    (attachments.length ? attachments.length + "-" : "") +
    (nsp === "/" ? "" : nsp + ",") +
    (id === undefined ? "" : id) +
    (json === undefined ? "" : json);
  return [head, ...attachments];
}

/** A quick search for bytes. It may report bytes where there are none, but never misses any. */
function mayHoldBinary(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth > MAX_SEARCH_DEPTH || isBinary(value)) return true;
  if (Array.isArray(value)) return value.some((v) => mayHoldBinary(v, depth + 1));
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return !(value instanceof Date);
  return Object.keys(value).some((key) => mayHoldBinary((value as Record<string, unknown>)[key], depth + 1));
}
