// SPDX-License-Identifier: MIT

// This file holds the interface of packet formats, which is that of the reference's `parser` option: formats work with
// both clients.

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
  /** The messages of one packet, sent in order. Throws for data that the format can't express; then nothing is sent. */
  encode(packet: ParserPacket): readonly Data[];
}

/** Turns messages into packets. One for each connection. */
export interface PacketDecoder {
  /** Sets the receiver of packets. */
  on(event: "decoded", listener: (packet: ParserPacket) => void): unknown;
  /** Adds the next message, and reports the packet that it completes, if any. An exception closes the connection. */
  add(message: string | Received): void;
  /** The connection has ended. */
  destroy(): void;
}

/** A packet format. Client and server must use the same. */
export interface Parser {
  Encoder: new () => PacketEncoder;
  Decoder: new () => PacketDecoder;
}
