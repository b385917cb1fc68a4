/** Why a socket was disconnected. The first two do not lead to a reconnection. */
export type DisconnectReason = "io server disconnect" | "io client disconnect" | "ping timeout" | "transport close" | "transport error" | "parse error" | "forced close";
/** What is known about a connection that ended, beside its reason. */
export interface CloseDetails {
    /** What happened, in words. */
    description: string;
    /** The CloseEvent of a WebSocket. Absent on polling. */
    context?: unknown;
}
/** The second argument of `disconnect` and of the Manager's `close`. Absent for a plain disconnection. */
export type DisconnectDetails = Error | CloseDetails;
/** A transport failed: an HTTP request, a WebSocket, or what came through them. */
export declare class TransportError extends Error {
    readonly type = "TransportError";
    /** The HTTP status, 0 when there was no answer; or the event of the WebSocket. */
    readonly description: unknown;
    /** The HTTP answer: an `HttpContext`. Absent for a WebSocket. */
    readonly context: any;
    /** Why there was no answer: the error of `fetch`. */
    readonly cause?: unknown;
    /** `"parser error"` when the server sent something that is no packet. */
    readonly code?: string;
    /** How long the server asked to wait, in milliseconds: its `Retry-After`. */
    readonly retryAfter?: number;
    constructor(message: string, description?: unknown, context?: unknown, extra?: TransportErrorExtra);
}
/** What only some errors of a transport have. */
interface TransportErrorExtra {
    code?: string;
    retryAfter?: number;
    cause?: unknown;
}
/** The `context` of an HTTP request that failed. */
export interface HttpContext {
    /** 0 when there was no answer, or the browser hides it from the page. */
    status: number;
    /** The body of the answer, as far as it came. */
    responseText: string;
}
/** What came is no packet. */
export declare function parserError(description?: unknown): TransportError;
/** The error of `connect_error`: a TransportError, a ConnectError or another one. */
export interface ExtendedError extends Error {
    /** What the server's middleware attached to its error. */
    readonly data?: any;
    /** The HTTP status, 0 when there was no answer; or the event of the WebSocket. */
    readonly description?: any;
    /** The HTTP answer: an `HttpContext`. */
    readonly context?: any;
}
/** The server refused a namespace: the argument of `connect_error` when the socket is no longer `active`. */
export declare class ConnectError extends Error {
    /** What the server's middleware attached to its error. */
    readonly data: unknown;
    constructor(message: string, data: unknown);
}
/**
 * The server's handler failed: the acknowledgement was `{"error": {"message", "code"}}` and nothing else.
 * `emitWithAck` rejects with it; an acknowledgement after `timeout()` gets it as its first argument.
 */
export declare class HandlerError extends Error {
    /** What the server gave as a code. */
    readonly code: string | number;
    constructor(message: string, code: string | number);
}
/** Thrown by `emit` when what waits to be sent would pass the `maxBuffer` option. The event was not kept. */
export declare class BufferFullError extends Error {
    constructor();
}
export {};
