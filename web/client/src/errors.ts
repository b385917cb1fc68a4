// SPDX-License-Identifier: MIT

// This file holds the errors an application can meet, and the reasons for which a connection ends. The strings are part
// of the contract: they equal those of the reference implementation.

/** Why a socket was disconnected. The first two do not lead to a reconnection. */
export type DisconnectReason =
  | "io server disconnect"
  | "io client disconnect"
  | "ping timeout"
  | "transport close"
  | "transport error"
  | "parse error"
  | "forced close";

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
export class TransportError extends Error {
  readonly type = "TransportError";
  /** The HTTP status, 0 when there was no answer; or the event of the WebSocket. */
  readonly description: unknown;
  /** The HTTP answer: an `HttpContext`. Absent for a WebSocket. */
  // any: what there is depends on the transport, and applications read it without a check
  readonly context: any;
  /** Why there was no answer: the error of `fetch`. */
  readonly cause?: unknown;
  /** `"parser error"` when the server sent something that is no packet. */
  readonly code?: string;
  /** How long the server asked to wait, in milliseconds: its `Retry-After`. */
  readonly retryAfter?: number;

  constructor(message: string, description?: unknown, context?: unknown, extra?: TransportErrorExtra) {
    super(message);
    this.description = description;
    this.context = context;
    Object.assign(this, extra);
  }
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
export function parserError(description?: unknown): TransportError {
  return new TransportError("server error", description, undefined, { code: "parser error" });
}

/** The error of `connect_error`: a TransportError, a ConnectError or another one. */
// any: what there is depends on the cause, and applications read it without a check
export interface ExtendedError extends Error {
  /** What the server's middleware attached to its error. */
  readonly data?: any;
  /** The HTTP status, 0 when there was no answer; or the event of the WebSocket. */
  readonly description?: any;
  /** The HTTP answer: an `HttpContext`. */
  readonly context?: any;
}

/** @internal What `connect_error` is told when a connection ends before the socket was connected. */
export function closeError(reason: string, details: DisconnectDetails | undefined): Error {
  return details instanceof Error ? details : new TransportError(details ? details.description : reason, details);
}

/** The server refused a namespace: the argument of `connect_error` when the socket is no longer `active`. */
export class ConnectError extends Error {
  /** What the server's middleware attached to its error. */
  readonly data: unknown;

  constructor(message: string, data: unknown) {
    super(message);
    this.data = data;
  }
}

/**
 * The server's handler failed: the acknowledgement was `{"error": {"message", "code"}}` and nothing else.
 * `emitWithAck` rejects with it; an acknowledgement after `timeout()` gets it as its first argument.
 */
export class HandlerError extends Error {
  /** What the server gave as a code. */
  readonly code: string | number;

  constructor(message: string, code: string | number) {
    super(message);
    this.code = code;
  }
}

/** Thrown by `emit` when what waits to be sent would pass the `maxBuffer` option. The event was not kept. */
export class BufferFullError extends Error {
  constructor() {
    super("the send buffer is full");
  }
}
