import type { Binary, Data, Received } from "../types.js";
declare const TYPES: readonly ["open", "close", "ping", "pong", "message", "upgrade", "noop"];
/** The type of an Engine.IO packet. */
export type EnginePacketType = (typeof TYPES)[number];
/** One packet. Only messages may carry bytes. */
export interface EnginePacket<D = Data | Received> {
    type: EnginePacketType;
    data?: D;
}
/** The bytes of a view, without a copy. */
export declare function bytesOf(data: Binary): Uint8Array;
/** The class of a value in any realm: "[object Date]" and so on. */
export declare function tagOf(value: unknown): string;
/** Whether a value is a Blob or a File. */
export declare function isBlob(value: unknown): value is Blob;
/** Whether a value is bytes that are sent as a binary message. */
export declare function isBinary(value: unknown): value is Binary | Blob;
/** The text form of a packet: its digit and its data, or `b` and base64. */
export declare function encodeText(packet: EnginePacket<string | Binary>): string;
/** Parses the text form of a packet. Returns undefined if it is not valid. */
export declare function decodeText(text: string): EnginePacket<string | Received> | undefined;
/**
 * Reads the Blobs among packets. Returns the packets themselves if there are none, so that the usual case stays
 * synchronous.
 */
export declare function readBlobs(packets: EnginePacket<Data>[]): EnginePacket<string | Binary>[] | Promise<EnginePacket<string | Binary>[]>;
export {};
