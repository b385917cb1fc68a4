import type { EventMapOf, EventNames } from "./emitter.js";
/** Bytes the application may send. */
export type Binary = ArrayBuffer | ArrayBufferView;
/** The content of an outgoing message. A Blob is read just before it is sent. */
export type Data = string | Binary | Blob;
/** Bytes that were received: an ArrayBuffer in a browser, a Buffer in Node. The receiver owns them. */
export type Received = ArrayBuffer | Uint8Array;
/** The part of a WebSocket that is used. The WebSocket of browsers, of Node 22 and of the `ws` package all have it. */
export interface WebSocketLike {
    binaryType: string;
    readonly bufferedAmount: number;
    onopen: ((event: any) => void) | null;
    onmessage: ((event: any) => void) | null;
    onerror: ((event: any) => void) | null;
    onclose: ((event: any) => void) | null;
    send(data: string | ArrayBuffer | ArrayBufferView<ArrayBuffer>): void;
    close(): void;
}
/** A WebSocket class. The third argument is given in Node only. */
export type WebSocketClass = new (url: string, protocols?: string | string[], options?: never) => WebSocketLike;
/** The parameters of an event, its acknowledgement included. */
export type EventParams<M extends EventMapOf<M>, K extends EventNames<M>> = Parameters<M[K]>;
type Last<T extends unknown[]> = T extends [...unknown[], infer L] ? L : T extends (infer E)[] ? E : never;
type AllButLast<T extends unknown[]> = T extends [...infer H, unknown] ? H : T;
/** The parameters of an event without its acknowledgement. */
export type ParamsWithoutAck<M extends EventMapOf<M>, K extends EventNames<M>> = AllButLast<EventParams<M, K>>;
/** The first argument of an event's acknowledgement. */
export type AckResult<M extends EventMapOf<M>, K extends EventNames<M>> = Last<EventParams<M, K>> extends (...args: infer A) => any ? A[0] : Last<EventParams<M, K>>;
type WithError<F> = F extends (...args: infer A) => any ? {
    f(err: Error | null, ...args: A): void;
}["f"] : F;
type DecoratedParams<T extends unknown[]> = T extends [...infer H, infer L] ? [...H, WithError<L>] : T;
/** An events map in which each acknowledgement gets an error first: that of `timeout(ms)`. */
export type WithTimeout<M extends EventMapOf<M>> = {
    [K in keyof M]: (...args: DecoratedParams<Parameters<M[K]>>) => void;
};
export {};
