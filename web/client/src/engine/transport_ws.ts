// SPDX-License-Identifier: MIT

// This file holds the WebSocket transport: one packet is one message. Binary messages carry no type.

import { platform } from "#platform";
import { debug } from "../debug.ts";
import { parserError, TransportError } from "../errors.ts";
import type { Binary, Data, WebSocketLike } from "../types.ts";
import { bytesOf, decodeText, encodeText, readBlobs, type EnginePacket } from "./packet.ts";
import { Transport, type TransportContext, type TransportHandler } from "./transport.ts";

const nothing = (): void => undefined;

/** The WebSocket transport. One socket, for one use. */
export class WebSocketTransport extends Transport {
  private _ws: WebSocketLike | undefined;

  constructor(ctx: TransportContext, handler: TransportHandler, sid?: string) {
    super("websocket", ctx, handler, sid);
  }

  get backlog(): number {
    return this._ws ? this._ws.bufferedAmount : 0;
  }

  open(): void {
    Promise.resolve(this._options.webSocket || platform.webSocket())
      .then((cls) => {
        if (this._closed) return;
        if (!cls) throw new Error("there is no WebSocket class here: install ws, or give the webSocket option");
        if (DEBUG) debug("engine.io-client:websocket", "opens", this._url("ws"));
        this._connect(platform.dial(cls, this._url("ws"), this._options, this._ctx.cookies));
      })
      .catch((err: unknown) => this._fail(new TransportError("websocket error", err)));
  }

  send(packets: EnginePacket<Data>[]): void {
    this.writable = false;
    const ready = readBlobs(packets);
    if (ready instanceof Promise) {
      ready.then(
        (list) => this._write(list),
        (err: unknown) => this._fail(new TransportError("websocket error", err)),
      );
    } else {
      this._write(ready);
    }
  }

  close(): void {
    this.discard();
  }

  protected _release(): void {
    const ws = this._ws;
    if (!ws) return;
    // Listeners stay, as no-ops: `ws` throws an error that has no listener.
    ws.onopen = ws.onmessage = ws.onerror = ws.onclose = nothing;
    ws.close();
  }

  private _connect(ws: WebSocketLike): void {
    this._ws = ws;
    ws.binaryType = "arraybuffer";
    ws.onopen = () => {
      if (DEBUG) debug("engine.io-client:websocket", "open");
      this.writable = true;
      this._handler._onTransportOpen();
    };
    ws.onmessage = (event: { data: string | ArrayBuffer }) => {
      const { data } = event;
      const packet: EnginePacket<string | ArrayBuffer | Uint8Array> | undefined =
        typeof data === "string" ? decodeText(data) : { type: "message", data: platform.received(data) };
      if (packet) this._handler._onPacket(packet);
      else this._fail(parserError());
    };
    ws.onerror = (event: unknown) => this._fail(new TransportError("websocket error", event));
    ws.onclose = (context: unknown) => {
      if (DEBUG) debug("engine.io-client:websocket", "closed, code", (context as { code?: number }).code);
      this._ended({ description: "websocket connection closed", context });
    };
  }

  private _write(packets: EnginePacket<string | Binary>[]): void {
    const ws = this._ws;
    if (this._closed || !ws) return;
    try {
      for (const p of packets) {
        const { data } = p;
        ws.send(
          data === undefined || typeof data === "string" ? encodeText(p) : (bytesOf(data) as Uint8Array<ArrayBuffer>),
        );
      }
    } catch (err) {
      this._fail(new TransportError("websocket error", err));
      return;
    }
    // In a later task, so that a burst of emits does not run as nested calls.
    Promise.resolve().then(() => this._drained());
  }
}
