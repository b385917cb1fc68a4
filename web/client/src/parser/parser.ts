// SPDX-License-Identifier: MIT

// This file holds the contract of packet formats, which is that of the `parser` option of the reference: what is written
// for one client works in the other.

import type { Data, Received } from "../types.ts";

/** A packet as formats see it: `type` is 0 to 4, keys without a value are left out. */
export interface ParserPacket {
  type: number;
  /** The namespace. */
  nsp: string;
  /** The arguments of an event or an acknowledgement, or the object of a CONNECT. */
  data?: unknown;
  /** The number of the acknowledgement. */
  id?: number;
}

/** Turns packets into messages. One for each Manager. */
export interface PacketEncoder {
  /** The messages of one packet, sent in order. Throws for what the format cannot hold; then nothing is sent. */
  encode(packet: ParserPacket): readonly Data[];
}

/** Turns messages into packets. One for each connection. */
export interface PacketDecoder {
  /** Sets who is told each packet. */
  on(event: "decoded", listener: (packet: ParserPacket) => void): unknown;
  /** Takes the next message, and tells the packet it completes, if it does. What it throws closes the connection. */
  add(message: string | Received): void;
  /** The connection has ended. */
  destroy(): void;
}

/** A packet format. Client and server must use the same. */
export interface Parser {
  Encoder: new () => PacketEncoder;
  Decoder: new () => PacketDecoder;
}
