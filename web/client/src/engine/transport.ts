// SPDX-License-Identifier: MIT

// This file holds the common parts of the two transports: their owner, and the address of a request.

import type { CloseDetails, TransportError } from "../errors.ts";
import type { EngineOptions, TransportName } from "../options.ts";
import type { CookieJar } from "../platform/platform.ts";
import { authority, type Target } from "../url.ts";
import type { EnginePacket } from "./packet.ts";
import type { Data, Received } from "../types.ts";

/** The owner of a transport. After _onError or onClose nothing more is reported. */
export interface TransportHandler {
  /** The transport itself is up. Polling has no such moment and never calls it. */
  _onTransportOpen(): void;
  _onPacket(packet: EnginePacket<string | Received>): void;
  /** The last batch has been sent; the transport is writable again. */
  _onDrain(): void;
  _onError(err: TransportError): void;
  _onTransportClose(details: CloseDetails): void;
}

/** The environment of a transport. Shared by all transports of a connection. */
export interface TransportContext {
  readonly target: Target;
  readonly options: EngineOptions;
  readonly cookies: CookieJar | undefined;
}

/** Carries packets. Owned by a connection, or by an upgrade until it is done. */
export abstract class Transport {
  /** Whether send may be called. */
  writable = false;

  protected _closed = false;
  protected readonly _options: EngineOptions;

  constructor(
    readonly name: TransportName,
    protected readonly _ctx: TransportContext,
    protected _handler: TransportHandler,
    protected _sid?: string,
  ) {
    this._options = { ..._ctx.options, ...(_ctx.options.transportOptions || {})[name] };
  }

  /** Bytes that the network has not accepted yet. */
  abstract readonly backlog: number;

  /** Starts. Called once. */
  abstract open(): void;

  /** Sends packets; only while writable. Calls _onDrain when they have been sent. */
  abstract send(packets: EnginePacket<Data>[]): void;

  /** Ends, and notifies the server if that needs a message. Reports nothing more. */
  abstract close(): void;

  /** Ends without notifying the server. Reports nothing more. */
  discard(): void {
    this._stop();
  }

  /** Changes the owner. */
  attach(handler: TransportHandler): void {
    this._handler = handler;
  }

  /** Releases the resources. Called once, after _closed was set. */
  protected abstract _release(): void;

  protected _stop(): boolean {
    if (this._closed) return false;
    this._closed = true;
    this.writable = false;
    this._release();
    return true;
  }

  protected _fail(err: TransportError): void {
    if (this._stop()) this._handler._onError(err);
  }

  protected _ended(details: CloseDetails): void {
    if (this._stop()) this._handler._onTransportClose(details);
  }

  protected _drained(): void {
    if (this._closed) return;
    this.writable = true;
    this._handler._onDrain();
  }

  /** The address of a request: the application's parameters first, ours last so that they win. */
  protected _url(scheme: "http" | "ws"): string {
    const { target, options } = this._ctx;
    const { timestampRequests, timestampParam, forceBase64 } = this._options;
    const path = (options.path || "/socket.io").replace(/\/$/, "") + (options.addTrailingSlash === false ? "" : "/");
    const query = parseQuery(queryOf(options.query));
    parseQuery(target.query).forEach((value, key) => query.set(key, value));
    query.set("EIO", "4");
    query.set("transport", this.name);
    if (timestampRequests !== undefined ? timestampRequests : scheme === "http") {
      query.set(timestampParam || "t", timestamp());
    }
    if (forceBase64) query.set("b64", "1");
    if (this._sid) query.set("sid", this._sid);
    return `${scheme}${target.secure ? "s" : ""}://${authority(target)}${path}?${query}`;
  }
}

function queryOf(query: EngineOptions["query"]): string | [string, string][] {
  if (typeof query !== "object" || !query) return query || "";
  return Object.keys(query)
    .filter((key) => query[key] !== undefined && query[key] !== null)
    .map((key) => [key, String(query[key])]);
}

/** Parses a query. A plus is kept, as in the reference, and is not a space: tokens in base64 contain it. */
function parseQuery(query: string | [string, string][]): URLSearchParams {
  return new URLSearchParams(typeof query === "string" ? query.replace(/\+/g, "%2B") : query);
}

/** Eight characters that differ from one request to the next: five of the clock, three at random. */
function timestamp(): string {
  return Date.now().toString(36).slice(-5) + Math.random().toString(36).slice(2, 5);
}
