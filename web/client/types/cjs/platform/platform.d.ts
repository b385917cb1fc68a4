import type { EngineOptions } from "../options.js";
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
/** Keeps the cookies of one connection, where nobody else does. */
export interface CookieJar {
    /** Takes the cookies of an answer. */
    store(headers: Headers): void;
    /** The value of the Cookie header, or "". */
    header(): string;
}
/** What the client needs from where it runs. */
export interface Platform {
    /** Hands received bytes over in the form people expect here. Takes the buffer. */
    received(buffer: ArrayBuffer): Received;
    encodeBase64(bytes: Uint8Array): string;
    /** Undefined when the text is not base64. */
    decodeBase64(text: string): Received | undefined;
    /** Finds a WebSocket class. Undefined when there is none. */
    webSocket(): Promise<WebSocketClass | undefined> | WebSocketClass | undefined;
    /** Opens a WebSocket. */
    dial(cls: WebSocketClass, url: string, options: EngineOptions, cookies: CookieJar | undefined): WebSocketLike;
    /** A jar where nobody else keeps cookies. */
    newCookieJar(): CookieJar | undefined;
}
