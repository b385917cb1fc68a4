// SPDX-License-Identifier: MIT

// This file holds the options of the three layers, with their defaults. The caller's object is never changed, and only
// a shallow copy is kept.

import type { Parser } from "./parser/parser.ts";
import type { WebSocketClass } from "./types.ts";

/** A transport. */
export type TransportName = "polling" | "websocket";

/** Options of a connection that may differ by transport. */
export interface TransportOptions {
  /** Headers added to each request. WebSockets of browsers and of Node do not support them; those of `ws` do. */
  extraHeaders?: Record<string, string>;
  /** Adds a changing parameter to each request, against caches. Default: on for polling, off for WebSocket. */
  timestampRequests?: boolean;
  /** The name of that parameter. Default `"t"`. */
  timestampParam?: string;
  /** Asks the server for text only. Default false. */
  forceBase64?: boolean;
  /** The time limit of an HTTP request, in milliseconds. Default 0: none. */
  requestTimeout?: number;
  /**
   * Browser: sends cookies to another origin. Node: keeps the cookies of the server for the life of the connection.
   * Default false.
   */
  withCredentials?: boolean;
  /** WebSocket subprotocols. */
  protocols?: string | string[];
}

/** Options of one Engine.IO connection. */
export interface EngineOptions extends TransportOptions {
  /** The HTTP path of the server. Default `"/socket.io"`. */
  path?: string;
  /** Ends the path with a slash. Default true. */
  addTrailingSlash?: boolean;
  /** Parameters added to each request. Those of the URL win over these. */
  query?: Record<string, string | number | boolean | null | undefined> | string;
  /** The enabled transports; the first one connects. Default `["polling", "websocket"]`. Unknown names are ignored. */
  transports?: readonly string[];
  /** If the first transport can't connect, tries the next. Default false. */
  tryAllTransports?: boolean;
  /** Moves to a better transport once connected. Default true. */
  upgrade?: boolean;
  /** Begins with WebSocket if the program's last one worked, including by an upgrade. Default false. */
  rememberUpgrade?: boolean;
  /** Options for one transport, on top of the common ones. */
  transportOptions?: { [name in TransportName]?: TransportOptions };
  /** Closes without a `disconnect` event when the page is about to unload. Default false. */
  closeOnBeforeunload?: boolean;
  /**
   * The WebSocket class to use. Default: the browser's; in Node the `ws` package when it is installed, else the global
   * one of Node 22 and later.
   */
  webSocket?: WebSocketClass;
  /** Node: the third argument for the WebSocket class, such as an agent or certificates for `ws`. */
  webSocketOptions?: Record<string, unknown>;
  /** The function that makes HTTP requests. Default: the global `fetch`. */
  fetch?: typeof fetch;
}

/** Options of the reconnection. A delay is in milliseconds. */
export interface ReconnectOptions {
  /** Connects again after a failure, including that of the first attempt. Default true. */
  reconnection?: boolean;
  /** The maximum number of attempts. Default and 0: unlimited. */
  reconnectionAttempts?: number;
  /** The delay before the first attempt; it doubles with each. Default and 0: 1000. */
  reconnectionDelay?: number;
  /** The maximum delay, before the jitter. Default and 0: 5000. */
  reconnectionDelayMax?: number;
  /**
   * Jitter: the delay is multiplied by a random number between 1 - factor and 1 + factor, after the maximum was
   * applied, so that many clients never fall into step. Default 0.5. Outside 0 to 1: none.
   */
  randomizationFactor?: number;
}

/** Options of a Manager. Sockets that share a Manager use those of the first call. */
export interface ManagerOptions extends EngineOptions, ReconnectOptions {
  /** Connects at once. Default true. */
  autoConnect?: boolean;
  /** The time limit of an attempt to connect, in milliseconds. Default 20000; false: none. */
  timeout?: number | false;
  /** The packet format, which must be that of the server. Default: JSON; in the msgpack bundle, msgpack. */
  parser?: Parser;
  /**
   * The maximum size of events waiting to be sent, in characters and bytes, plus 64 for each event: in a socket that
   * is offline, and on the connection. Beyond it `emit` throws BufferFullError. Default 67108864 (64 MiB).
   */
  maxBuffer?: number;
}

/** The data that a socket sends when it connects: an object, or a function that is called for each connection. */
export type Auth = Record<string, unknown> | ((callback: (data: Record<string, unknown>) => void) => void);

/** Options of a Socket. */
export interface SocketOptions {
  /** The data for the server's middleware. */
  auth?: Auth;
  /** The time limit of acknowledgements, in milliseconds. Default: none; with `retries`, 10000. */
  ackTimeout?: number;
  /**
   * Sends each event again, up to this many times, until it is acknowledged. Events are sent one at a time and in
   * order. This project's Go server handles each once, as far as it still knows the socket's session; another server
   * may handle it several times. Default: off.
   */
  retries?: number;
}

/** Options of `io()`. */
export interface IoOptions extends ManagerOptions, SocketOptions {
  /** Opens a connection of its own. Default false. */
  forceNew?: boolean;
  /** Shares a connection between namespaces. Default true. */
  multiplex?: boolean;
}
