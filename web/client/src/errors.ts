// SPDX-License-Identifier: MIT

// This file holds the errors that an application can receive, and the reasons why a connection ends. The strings are
// part of the API: they equal those of the reference implementation.

/** Why a socket was disconnected. The first two do not lead to a reconnection. */
export type DisconnectReason =
  | "io server disconnect"
  | "io client disconnect"
  | "ping timeout"
  | "transport close"
  | "transport error"
  | "parse error"
  | "forced close";

/** Details about a connection that ended, besides its reason. */
export interface CloseDetails {
  /** A description. */
  description: string;
  /** The CloseEvent of a WebSocket. Absent on polling. */
  context?: unknown;
}

/** The second argument of `disconnect` and of the Manager's `close`. Absent for a plain disconnection. */
export type DisconnectDetails = Error | CloseDetails;

/** A transport failed: an HTTP request, a WebSocket, or invalid data. */
export class TransportError extends Error {
  readonly type = "TransportError";
  /** The HTTP status, 0 without a response; or the event of the WebSocket. */
  readonly description: unknown;
  /** The HTTP answer: an `HttpContext`. Absent for a WebSocket. */
  // any: the type depends on the transport, and applications read it without a check
  readonly context: any;
  /** Why there was no answer: the error of `fetch`. */
  readonly cause?: unknown;
  /** `"parser error"` if the server sent an invalid packet. */
  readonly code?: string;
  /** The server's `Retry-After`, in milliseconds. */
  readonly retryAfter?: number;

  constructor(message: string, description?: unknown, context?: unknown, extra?: TransportErrorExtra) {
    super(message);
    this.description = description;
    this.context = context;
    Object.assign(this, extra);
  }
}

/** Properties of some errors of a transport. */
interface TransportErrorExtra {
  code?: string;
  retryAfter?: number;
  cause?: unknown;
}

/** The `context` of an HTTP request that failed. */
export interface HttpContext {
  /** 0 when there was no answer, or the browser hides it from the page. */
  status: number;
  /** The part of the response body that arrived. */
  responseText: string;
}

/** An invalid packet was received. */
export function parserError(description?: unknown): TransportError {
  return new TransportError("server error", description, undefined, { code: "parser error" });
}

/** The error of `connect_error`: a TransportError, a ConnectError or another one. */
// any: the type depends on the cause, and applications read it without a check
export interface ExtendedError extends Error {
  /** The data that the server's middleware attached to its error. */
  readonly data?: any;
  /** The HTTP status, 0 without a response; or the event of the WebSocket. */
  readonly description?: any;
  /** The HTTP answer: an `HttpContext`. */
  readonly context?: any;
}

/** @internal The error of `connect_error` if a connection ends before the socket was connected. */
export function closeError(reason: string, details: DisconnectDetails | undefined): Error {
  return details instanceof Error ? details : new TransportError(details ? details.description : reason, details);
}

/** The server rejected a namespace: the argument of `connect_error` if the socket is no longer `active`. */
export class ConnectError extends Error {
  /** The data that the server's middleware attached to its error. */
  readonly data: unknown;

  constructor(message: string, data: unknown) {
    super(message);
    this.data = data;
  }
}

/**
 * The server's handler failed: the acknowledgement consisted only of `{"error": {"message", "code"}}`. `emitWithAck`
 * rejects with it; an acknowledgement after `timeout()` gets it as its first argument.
 */
export class HandlerError extends Error {
  /** The code that the server sent. */
  readonly code: string | number;

  constructor(message: string, code: string | number) {
    super(message);
    this.code = code;
  }
}

/** Thrown by `emit` if the events waiting to be sent would exceed the `maxBuffer` option. The event is not kept. */
export class BufferFullError extends Error {
  constructor() {
    super("the send buffer is full");
  }
}
