// SPDX-License-Identifier: MIT

// This file holds polling payloads: packets joined by a separator, and how many of them fit into one request.

import type { Binary, Data, Received } from "../types.ts";
import { decodeText, encodeText, isBlob, type EnginePacket } from "./packet.ts";

const SEPARATOR = "\x1e";

/** Joins packets into the body of one request. */
export function encodePayload(packets: EnginePacket<string | Binary>[]): string {
  return packets.map(encodeText).join(SEPARATOR);
}

/**
 * Splits the body of a response and passes its packets on in order. Stops, and returns false, at the first invalid
 * packet, or when `each` returns false.
 */
export function decodePayload(body: string, each: (packet: EnginePacket<string | Received>) => boolean): boolean {
  // Scanned instead of split: a listener may end the connection in the middle.
  for (let start = 0; start <= body.length; ) {
    let end = body.indexOf(SEPARATOR, start);
    if (end < 0) end = body.length;
    const packet = decodeText(body.slice(start, end));
    if (!packet) return false;
    if (!each(packet)) return true;
    start = end + 1;
  }
  return true;
}

/** The length of a string in UTF-8. A lone surrogate counts as the three bytes of its replacement. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x80) continue;
    length += c < 0x800 ? 1 : 2;
    if (c >= 0xd800 && c < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      i++; // a pair takes four bytes: its two units, and the two just added
    }
  }
  return length;
}

/** The bytes of a message before any encoding. For a queue's bound, so text counts its characters. */
export function dataSize(data: Data): number {
  return typeof data === "string" ? data.length : isBlob(data) ? data.size : data.byteLength;
}

/** The bytes a message takes in a payload, its type included. */
function encodedSize(data: Data): number {
  return typeof data === "string" ? 1 + utf8Length(data) : 1 + 4 * Math.ceil(dataSize(data) / 3);
}

/**
 * How many of the first messages fit into a request of `max` bytes. At least one: a message that is too large is sent
 * alone, and the server rejects it.
 */
export function batchLength(queue: readonly EnginePacket<Data>[], max: number): number {
  let size = 0;
  for (let i = 0; i < queue.length; i++) {
    const { data } = queue[i]!;
    size += (i ? 1 : 0) + (data === undefined ? 1 : encodedSize(data));
    if (i && size > max) return i;
  }
  return queue.length;
}
