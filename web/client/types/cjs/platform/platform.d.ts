import type { EngineOptions } from "../options.js";
import type { Received, WebSocketClass, WebSocketLike } from "../types.js";
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
