// SPDX-License-Identifier: MIT

// This file holds Socket.IO packets, revision 5: their types and the data that each may carry.

import { tagOf } from "../engine/packet.ts";
import type { ParserPacket } from "./parser.ts";

/** The types of packets, by their digit on the wire. A const enum, which leaves nothing in a bundle. */
export const enum PacketType {
  CONNECT = 0,
  DISCONNECT = 1,
  EVENT = 2,
  ACK = 3,
  CONNECT_ERROR = 4,
  BINARY_EVENT = 5,
  BINARY_ACK = 6,
}

/** One packet. */
export interface Packet extends ParserPacket {
  type: PacketType;
}

/** Reserved names. They are neither sent nor received as events. */
export const RESERVED_EVENTS: ReadonlySet<unknown> = new Set([
  "connect",
  "connect_error",
  "disconnect",
  "disconnecting",
  "newListener",
  "removeListener",
]);

/** Whether a value is a plain object: not an array, bytes or a Date. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return tagOf(value) === "[object Object]";
}

/** Whether the data of a packet matches its type. */
export function isValid({ type, data }: ParserPacket): boolean {
  switch (type) {
    case PacketType.CONNECT:
      return data === undefined || isObject(data);
    case PacketType.DISCONNECT:
      return data === undefined;
    case PacketType.CONNECT_ERROR:
      return typeof data === "string" || isObject(data);
    case PacketType.EVENT:
      return (
        Array.isArray(data) &&
        (typeof data[0] === "number" || (typeof data[0] === "string" && !RESERVED_EVENTS.has(data[0])))
      );
    default:
      return Array.isArray(data);
  }
}
