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
  /** The HTTP status, the event of the WebSocket, or the underlying error. */
  readonly description: unknown;
  /** The body of the HTTP answer, when there is one. */
  readonly context: unknown;
  /** `"parser error"` when the server sent something that is no packet. */
  readonly code?: string;
  /** How long the server asked to wait, in milliseconds: its `Retry-After`. */
  readonly retryAfter?: number;

  constructor(message: string, description?: unknown, context?: unknown, extra?: { code?: string; retryAfter?: number }) {
    super(message);
    this.description = description;
    this.context = context;
    if (extra) {
      this.code = extra.code;
      this.retryAfter = extra.retryAfter;
    }
  }
}

/** What came is no packet. */
export function parserError(description?: unknown): TransportError {
  return new TransportError("server error", description, undefined, { code: "parser error" });
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
