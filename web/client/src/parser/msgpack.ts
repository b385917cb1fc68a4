// SPDX-License-Identifier: MIT

// This file is the msgpack format of packets: each is one binary message, a map of its members. It understands the
// reference's msgpack parser and the msgpack package of this project's server.

import { Emitter } from "../emitter.ts";
import { bytesOf, isBinary } from "../engine/packet.ts";
import type { Binary, Data, Received } from "../types.ts";
import { decode } from "./msgpack_decode.ts";
import { encode } from "./msgpack_encode.ts";
import { isObject, isValid, PacketType } from "./packet.ts";
import type { Parser, ParserPacket } from "./parser.ts";

/** The types a packet may have: bytes need none of their own. */
const TYPES: readonly unknown[] = [PacketType.CONNECT, PacketType.DISCONNECT, PacketType.EVENT, PacketType.ACK, PacketType.CONNECT_ERROR];

class Encoder {
  encode(packet: ParserPacket): readonly Data[] {
    return [encode(packet)];
  }
}

class Decoder extends Emitter<{ decoded: (packet: ParserPacket) => void }> {
  /** Throws an Error for a message that violates the protocol. */
  add(message: string | Received): void {
    if (!isBinary(message)) throw new Error("Could not parse");
    const packet = decode(bytesOf(message as Binary));
    if (!isObject(packet) || !TYPES.includes(packet["type"])) {
      throw new Error("invalid packet type");
    }
    if (typeof packet["nsp"] !== "string") throw new Error("invalid namespace");
    if (!isValid(packet as unknown as ParserPacket)) throw new Error("invalid payload");
    if (packet["id"] !== undefined && !Number.isInteger(packet["id"])) throw new Error("invalid packet id");
    this._fire("decoded", [packet]);
  }

  destroy(): void {
    // Nothing is kept from one message to the next.
  }
}

/** The msgpack format. */
export const parser: Parser = { Encoder, Decoder };
