// SPDX-License-Identifier: MIT

// This file holds the long-polling transport: one GET waits for packets, one POST at a time carries packets out. There
// is never a second GET or a second POST: the server would end the session.

import { debug } from "../debug.ts";
import { parserError, TransportError, type HttpContext } from "../errors.ts";
import { readBlobs, type EnginePacket } from "./packet.ts";
import { decodePayload, encodePayload } from "./payload.ts";
import { Transport, type TransportContext, type TransportHandler } from "./transport.ts";
import type { Data } from "../types.ts";

/** The time limit of the request that closes the session, in milliseconds. */
const CLOSE_TIMEOUT = 5000;

/** The long-polling transport. */
export class PollingTransport extends Transport {
  /** A GET is in progress. */
  private _polling = false;
  /** A POST is in progress. */
  private _posting = false;
  /** Set while paused or pausing: called once no request is in progress. */
  private _paused: (() => void) | undefined;
  private readonly _abort = new AbortController();

  constructor(ctx: TransportContext, handler: TransportHandler, sid?: string) {
    super("polling", ctx, handler, sid);
  }

  get backlog(): number {
    return 0;
  }

  open(): void {
    void this._poll();
  }

  /** The session begins: requests carry its id from now on. */
  start(sid: string): void {
    this._sid = sid;
    this.writable = true;
  }

  send(packets: EnginePacket<Data>[]): void {
    this.writable = false;
    this._posting = true;
    void this._post(packets).then(() => {
      this._posting = false;
      this._settle();
    });
  }

  /** Calls back once, when both requests have ended. No new GET starts until resume. */
  pause(done: () => void): void {
    this._paused = done;
    this._settle();
  }

  /** Ends a pause. */
  resume(): void {
    this._paused = undefined;
    if (this._closed) return;
    if (!this._polling) void this._poll();
    // A POST may have ended while paused, without a report.
    if (!this._posting) this._drained();
  }

  close(): void {
    if (this._closed) return;
    this._closed = true;
    const abort = (): void => this._abort.abort();
    if (!this._sid || this._posting) {
      abort();
      return;
    }
    this.writable = false;
    // The GET is aborted after the POST, not before: the server would take an aborted GET for a failure.
    const timer = setTimeout(abort, CLOSE_TIMEOUT);
    void this._request(encodePayload([{ type: "close" }]))
      .catch(() => undefined)
      .then(() => {
        clearTimeout(timer);
        abort();
      });
  }

  protected _release(): void {
    this._abort.abort();
  }

  private async _poll(): Promise<void> {
    this._polling = true;
    let body: string;
    try {
      body = await this._request();
    } catch (err) {
      this._fail(err as TransportError);
      return;
    }
    const valid = decodePayload(body, (packet) => {
      if (this._closed) return false;
      if (packet.type === "close") this._ended({ description: "transport closed by the server" });
      else this._handler._onPacket(packet);
      return !this._closed;
    });
    if (this._closed) return;
    if (!valid) {
      this._fail(parserError());
      return;
    }
    this._polling = false;
    if (this._paused) this._settle();
    else void this._poll();
  }

  private async _post(packets: EnginePacket<Data>[]): Promise<void> {
    try {
      const ready = await readBlobs(packets);
      if (this._closed) return;
      await this._request(encodePayload(ready));
    } catch (err) {
      // Or a Blob could not be read.
      this._fail(err instanceof TransportError ? err : new TransportError("xhr post error", err));
    }
  }

  /** After a POST has ended, or a GET that no other follows. */
  private _settle(): void {
    if (this._closed || this._posting) return;
    if (this._paused) {
      if (this._polling) return;
      const done = this._paused;
      this._paused = nothing;
      this.writable = true;
      done();
    } else {
      this._drained();
    }
  }

  /** Makes a request, a POST if there is a body, and returns the response body. Throws a TransportError unless 200. */
  private async _request(body?: string): Promise<string> {
    const { extraHeaders, withCredentials, requestTimeout } = this._options;
    const { cookies } = this._ctx;
    const post = body !== undefined;
    const context: HttpContext = { status: 0, responseText: "" };
    const error = (extra?: { retryAfter?: number; cause?: unknown }): TransportError =>
      new TransportError(`xhr ${post ? "post" : "poll"} error`, context.status, context, extra);
    const headers: Record<string, string> = { accept: "*/*" };
    if (post) headers["content-type"] = "text/plain;charset=UTF-8";
    const cookie = cookies && cookies.header();
    if (cookie) headers["cookie"] = cookie;
    const timer = requestTimeout ? setTimeout(() => this._fail(error()), requestTimeout) : undefined;
    try {
      // Called through a local name: fetch must not see this object as its `this`.
      const send = this._options.fetch || fetch;
      const res = await send(this._url("http"), {
        method: post ? "POST" : "GET",
        body,
        headers: { ...headers, ...extraHeaders },
        credentials: withCredentials ? "include" : "same-origin",
        signal: this._abort.signal,
      });
      if (cookies) cookies.store(res.headers);
      const { status } = res;
      if (DEBUG) debug("engine.io-client:polling", post ? "POST" : "GET", String(status), res.url);
      // An incomplete response is ignored, unless it is a rejection.
      if (status !== 200) context.status = status;
      context.responseText = await res.text();
      if (status === 200) return context.responseText;
      const wait = Number(res.headers.get("retry-after"));
      throw error(wait > 0 ? { retryAfter: wait * 1000 } : undefined);
    } catch (err) {
      throw err instanceof TransportError ? err : error({ cause: err });
    } finally {
      clearTimeout(timer);
    }
  }
}

const nothing = (): void => undefined;
