import type { EngineOptions } from "../options.js";
import type { Received, WebSocketClass, WebSocketLike } from "../types.js";
/** Keeps the cookies of one connection, if the platform does not. */
export interface CookieJar {
    /** Stores the cookies of a response. */
    store(headers: Headers): void;
    /** The value of the Cookie header, or "". */
    header(): string;
}
/** The platform of the client. */
export interface Platform {
    /** Converts received bytes to the usual form of the platform. It owns the buffer then. */
    received(buffer: ArrayBuffer): Received;
    encodeBase64(bytes: Uint8Array): string;
    /** Undefined when the text is not base64. */
    decodeBase64(text: string): Received | undefined;
    /** Finds a WebSocket class. Undefined when there is none. */
    webSocket(): Promise<WebSocketClass | undefined> | WebSocketClass | undefined;
    /** Opens a WebSocket. */
    dial(cls: WebSocketClass, url: string, options: EngineOptions, cookies: CookieJar | undefined): WebSocketLike;
    /** A jar, if the platform keeps no cookies. */
    newCookieJar(): CookieJar | undefined;
}
