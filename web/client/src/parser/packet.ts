// SPDX-License-Identifier: MIT

// This file holds Socket.IO packets, revision 5: their types and what each may carry.

/** The types of packets, by their digit on the wire. A const enum, so that nothing of it is left in a bundle. */
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
export interface Packet {
  type: PacketType;
  /** The namespace. */
  nsp: string;
  /** The arguments of an event or an acknowledgement, or the object of a CONNECT. */
  data?: unknown;
  /** The number of the acknowledgement. */
  id?: number;
}

/** Names that mean something to the library. They are neither sent nor received as events. */
export const RESERVED_EVENTS: ReadonlySet<unknown> = new Set([
  "connect",
  "connect_error",
  "disconnect",
  "disconnecting",
  "newListener",
  "removeListener",
]);

/** Whether a value is an object that is not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
