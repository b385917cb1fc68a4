// SPDX-License-Identifier: MIT

// This file holds Engine.IO packets, revision 4: their types, and one packet to and from its text form.

import { platform } from "#platform";
import type { Binary, Data, Received } from "../types.ts";

const TYPES = ["open", "close", "ping", "pong", "message", "upgrade", "noop"] as const;

/** The type of an Engine.IO packet. */
export type EnginePacketType = (typeof TYPES)[number];

/** One packet. Only messages may carry bytes. */
export interface EnginePacket<D = Data | Received> {
  type: EnginePacketType;
  data?: D;
}

/** The bytes of a view, without a copy. */
export function bytesOf(data: Binary): Uint8Array {
  return data instanceof Uint8Array
    ? data
    : ArrayBuffer.isView(data)
      ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
      : new Uint8Array(data);
}

/** The class of a value in any realm: "[object Date]" and so on. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value);
}

/** Whether a value is a Blob or a File. */
export function isBlob(value: unknown): value is Blob {
  return /^\[object (Blob|File)]$/.test(tagOf(value));
}

/** Whether a value is bytes that are sent as a binary message. */
export function isBinary(value: unknown): value is Binary | Blob {
  return ArrayBuffer.isView(value) || tagOf(value) === "[object ArrayBuffer]" || isBlob(value);
}

/** The text form of a packet: its digit and its data, or `b` and base64. */
export function encodeText(packet: EnginePacket<string | Binary>): string {
  const { type, data } = packet;
  if (data === undefined) return String(TYPES.indexOf(type));
  return typeof data === "string" ? TYPES.indexOf(type) + data : "b" + platform.encodeBase64(bytesOf(data));
}

/** Parses the text form of a packet. Returns undefined if it is not valid. */
export function decodeText(text: string): EnginePacket<string | Received> | undefined {
  if (text[0] === "b") {
    const data = platform.decodeBase64(text.slice(1));
    return data && { type: "message", data };
  }
  const type = TYPES[text.charCodeAt(0) - 48];
  return type && (text.length > 1 ? { type, data: text.slice(1) } : { type });
}

/**
 * Reads the Blobs among packets. Returns the packets themselves if there are none, so that the usual case stays
 * synchronous.
 */
export function readBlobs(
  packets: EnginePacket<Data>[],
): EnginePacket<string | Binary>[] | Promise<EnginePacket<string | Binary>[]> {
  if (!packets.some((p) => isBlob(p.data))) return packets as EnginePacket<string | Binary>[];
  return Promise.all(
    packets.map(async (p) => ({
      type: p.type,
      data: isBlob(p.data) ? await new Response(p.data).arrayBuffer() : (p.data as string | Binary),
    })),
  );
}
