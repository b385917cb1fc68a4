// SPDX-License-Identifier: MIT

// This file holds Conn: one Engine.IO session, from its handshake to its end. It carries messages and does not depend
// on Socket.IO.

import { platform } from "#platform";
import { debug } from "../debug.ts";
import { Emitter } from "../emitter.ts";
import { closeError, parserError, type TransportError, type CloseDetails, type DisconnectDetails } from "../errors.ts";
import type { EngineOptions, TransportName } from "../options.ts";
import type { Data, Received } from "../types.ts";
import type { Target } from "../url.ts";
import { parseHandshake } from "./handshake.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { EnginePacket } from "./packet.ts";
import { batchLength, dataSize } from "./payload.ts";
import type { Transport, TransportContext, TransportHandler } from "./transport.ts";
import { PollingTransport } from "./transport_polling.ts";
import { WebSocketTransport } from "./transport_ws.ts";
import { Upgrade, type UpgradeOwner } from "./upgrade.ts";

/** Why a session ended. */
export type ConnCloseReason = "ping timeout" | "transport close" | "transport error" | "forced close" | "parse error";

/** The events of a connection: `manager.engine.on("upgrade", ...)`. */
export interface ConnEvents {
  open: () => void;
  /** The server's handshake. */
  handshake: (data: unknown) => void;
  packet: (packet: EnginePacket) => void;
  /** A ping of the server, which has been answered. */
  ping: () => void;
  pong: () => void;
  /** Both mean that a message has arrived, text or bytes. */
  data: (data: string | Received) => void;
  message: (data: string | Received) => void;
  packetCreate: (packet: EnginePacket) => void;
  drain: () => void;
  upgrading: (transport: Transport) => void;
  upgrade: (transport: Transport) => void;
  upgradeError: (err: Error) => void;
  /** The transport failed: `close` follows. */
  error: (err: Error) => void;
  close: (reason: ConnCloseReason, details?: DisconnectDetails) => void;
}

/** The owner of a connection. It is notified before listeners. */
export interface ConnHandler {
  _onConnOpen(conn: Conn): void;
  _onConnPing(conn: Conn): void;
  _onConnData(conn: Conn, data: string | Received): void;
  /** The connection could not be opened. Nothing more is reported. */
  _onConnFailed(conn: Conn, err: Error): void;
  /** The connection was open and has ended. Nothing more is reported. */
  _onConnClose(conn: Conn, reason: ConnCloseReason, details?: DisconnectDetails): void;
}

// Life of a Conn. Changed only by _setState.
//
//	opening ──handshake──► open ──close()──► closing ──queue flushed or 10 s──► closed
//	   │                    └── transport error · transport close · ping timeout ──► closed
//	   └── error · close() ──► closed
type State =
  | { name: "opening" }
  | { name: "open"; sid: string; heartbeat: Heartbeat }
  | { name: "closing"; heartbeat: Heartbeat; timer: ReturnType<typeof setTimeout> }
  | { name: "closed" };

/** How long close() waits for queued packets, in milliseconds. */
const CLOSING_TIMEOUT = 10000;
/** The time limit of a probe if the `timeout` option is off, in milliseconds. */
const PROBE_TIMEOUT = 20000;
/** The size of a queued message in addition to its data. */
export const MESSAGE_OVERHEAD = 64;
/** A volatile event is dropped while more unsent bytes than this are buffered. */
const VOLATILE_BACKLOG = 0x4000;
/** Hosts to which the browser's "offline" does not apply. */
const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Whether the connection that last opened, moved or failed was a WebSocket that worked: for `rememberUpgrade`. */
let webSocketWorked = false;

const listen = typeof addEventListener === "function" ? addEventListener : undefined;

/** One connection. Made by a Manager, for one use. */
export class Conn extends Emitter<ConnEvents> implements TransportHandler, UpgradeOwner {
  private _state: State = { name: "opening" };
  private _transport!: Transport;
  private _upgrade: Upgrade | undefined;
  private _queue: EnginePacket<Data>[] = [];
  private _queued = 0;
  private _sent = 0;
  private _maxPayload = Infinity;
  private readonly _ctx: TransportContext;
  private readonly _names: TransportName[];

  constructor(
    target: Target,
    private readonly _options: EngineOptions & { timeout?: number | false },
    private readonly _handler: ConnHandler,
  ) {
    super();
    this._ctx = { target, options: _options, cookies: _options.withCredentials ? platform.newCookieJar() : undefined };
    this._names = (_options.transports || ["polling", "websocket"]).filter(
      (name): name is TransportName => name === "polling" || name === "websocket",
    );
  }

  /** The session's id; empty unless it is open. */
  get id(): string {
    return this._state.name === "open" ? this._state.sid : "";
  }

  /** The transport in use, or the last one. Undefined only when no transport was left to try. */
  get transport(): Transport {
    return this._transport;
  }

  /** "opening", "open", "closing" or "closed". */
  get readyState(): State["name"] {
    return this._state.name;
  }

  /** The size of the queue: characters and bytes, plus 64 for each message. */
  get backlog(): number {
    return this._queued + (this._transport ? this._transport.backlog : 0);
  }

  /** Whether a volatile event would be sent now. */
  get writable(): boolean {
    return this._canSend() && this.backlog < VOLATILE_BACKLOG;
  }

  /** @internal Starts. Called once, by the owner. */
  _open(): void {
    const names = this._names;
    const best = this._options.rememberUpgrade && webSocketWorked ? names.indexOf("websocket") : 0;
    const [name] = names.splice(Math.max(best, 0), 1);
    if (!name) {
      Promise.resolve().then(() => this._finish("transport error", new Error("No transports available")));
      return;
    }
    this._transport = this._make(name, this);
    this._transport.open();
  }

  /** Queues a message. Ignored unless open. Its bytes are read when it is sent; do not change them before. */
  write(data: Data): void {
    this._send({ type: "message", data });
  }

  /**
   * Whether the server's ping is overdue. If so the session ends, in a later task, so that the caller can still decide
   * what to do with the data that it was about to send.
   */
  late(): boolean {
    const late = this._state.name === "open" && this._state.heartbeat.late();
    if (late) Promise.resolve().then(() => this._finish("ping timeout"));
    return late;
  }

  /** Ends the session: at once while opening, otherwise when the queue has been sent or after 10 s. */
  close(): this {
    const state = this._state;
    if (state.name === "opening") {
      this._finish("forced close");
    } else if (state.name === "open") {
      if (!(this._upgrade && this._upgrade.switching)) this._endUpgrade();
      const timer = setTimeout(() => this._finish("forced close"), CLOSING_TIMEOUT);
      this._setState({ name: "closing", heartbeat: state.heartbeat, timer });
      this._flush();
    }
    return this;
  }

  /** @internal Ends the session at once. */
  _abort(reason: ConnCloseReason, details?: DisconnectDetails): void {
    this._finish(reason, details);
  }

  // What the transport reports.

  _onTransportOpen(): void {
    // The handshake comes as a packet.
  }

  _onPacket(packet: EnginePacket<string | Received>): void {
    const { name } = this._state;
    if (name === "closed") return;
    if (DEBUG) debug("engine.io-client:socket", "received", packet.type, packet.data);
    this._fire("packet", [packet]);
    if (name === "opening") {
      this._onHandshake(packet);
      return;
    }
    switch (packet.type) {
      case "ping":
        if (this._state.name === "open") this._state.heartbeat.ping();
        this._send({ type: "pong" });
        this._handler._onConnPing(this);
        this._fire("ping", []);
        this._fire("pong", []);
        break;
      case "message":
        if (name === "open") {
          const data = packet.data === undefined ? "" : packet.data;
          this._handler._onConnData(this, data);
          this._fire("data", [data]);
          this._fire("message", [data]);
        }
        break;
      case "close":
        this._finish("transport close", { description: "transport closed by the server" });
        break;
      default:
      // noop releases a poll; the others mean nothing here.
    }
  }

  _onDrain(): void {
    this._queued -= this._sent;
    this._sent = 0;
    if (!this._queue.length) this._fire("drain", []);
    this._flush();
  }

  _onError(err: TransportError): void {
    webSocketWorked = false;
    if (this._state.name === "opening" && this._options.tryAllTransports && this._names.length) {
      if (DEBUG) debug("engine.io-client:socket", this._transport.name, "does not connect:", err);
      this._open();
      return;
    }
    this._finish("transport error", err);
  }

  _onTransportClose(details: CloseDetails): void {
    this._finish("transport close", details);
  }

  // What the upgrade reports.

  _onUpgrading(candidate: Transport): void {
    this._fire("upgrading", [candidate]);
  }

  _onUpgraded(candidate: Transport): void {
    this._upgrade = undefined;
    this._transport.discard();
    this._transport = candidate;
    candidate.attach(this);
    webSocketWorked = true;
    if (DEBUG) debug("engine.io-client:socket", "upgraded to", candidate.name);
    this._fire("upgrade", [candidate]);
    this._flush();
  }

  _onUpgradeFailed(err: TransportError): void {
    this._upgrade = undefined;
    if (DEBUG) debug("engine.io-client:socket", "stays on polling:", err);
    this._fire("upgradeError", [err]);
    this._flush();
  }

  private _onHandshake(packet: EnginePacket): void {
    const hs = packet.type === "open" ? parseHandshake(packet.data) : undefined;
    if (!hs) {
      this._finish("transport error", parserError(packet));
      return;
    }
    this._fire("handshake", [hs]);
    const transport = this._transport;
    webSocketWorked = transport.name === "websocket";
    this._maxPayload = hs.maxPayload;
    const heartbeat = new Heartbeat(hs.pingInterval + hs.pingTimeout, () => this._finish("ping timeout"));
    this._setState({ name: "open", sid: hs.sid, heartbeat });
    if (transport instanceof PollingTransport) transport.start(hs.sid);
    this._handler._onConnOpen(this);
    this._fire("open", []);
    const names: readonly string[] = this._options.transports || ["websocket"];
    if (
      this._options.upgrade !== false &&
      transport instanceof PollingTransport &&
      names.includes("websocket") &&
      hs.upgrades.includes("websocket") &&
      this._state.name === "open"
    ) {
      const make = (handler: TransportHandler): Transport => this._make("websocket", handler, hs.sid);
      this._upgrade = new Upgrade(make, transport, this, this._options.timeout || PROBE_TIMEOUT);
    }
  }

  private _make(name: TransportName, handler: TransportHandler, sid?: string): Transport {
    const cls = name === "polling" ? PollingTransport : WebSocketTransport;
    return new cls(this._ctx, handler, sid);
  }

  private _send(packet: EnginePacket<Data>): void {
    if (this._state.name !== "open") return;
    if (DEBUG) debug("engine.io-client:socket", "sent", packet.type, packet.data);
    this._fire("packetCreate", [packet]);
    this._queue.push(packet);
    this._queued += sizeOf(packet);
    this._flush();
  }

  private _canSend(): boolean {
    const { name } = this._state;
    return (
      (name === "open" || name === "closing") &&
      this._transport.writable &&
      !(this._upgrade && this._upgrade.switching)
    );
  }

  private _flush(): void {
    if (!this._canSend()) return;
    const queue = this._queue;
    if (queue.length) {
      const count = this._transport.name === "polling" ? batchLength(queue, this._maxPayload) : queue.length;
      this._queue = queue.slice(count);
      const batch = queue.slice(0, count);
      this._sent = batch.reduce((sum, packet) => sum + sizeOf(packet), 0);
      this._transport.send(batch);
    } else if (this._state.name === "closing") {
      this._finish("forced close");
    }
  }

  private _endUpgrade(): void {
    if (this._upgrade) this._upgrade.abort();
    this._upgrade = undefined;
  }

  private _finish(reason: ConnCloseReason, details?: DisconnectDetails): void {
    const { name } = this._state;
    if (name === "closed") return;
    this._setState({ name: "closed" });
    this._endUpgrade();
    if (this._transport) {
      // A transport that failed can't send a close packet.
      if (reason === "transport error" || reason === "transport close") this._transport.discard();
      else this._transport.close();
    }
    this._queue = [];
    this._queued = 0;
    if (reason === "transport error") this._fire("error", [details]);
    if (name === "opening") {
      this._handler._onConnFailed(this, closeError(reason, details));
    } else {
      this._handler._onConnClose(this, reason, details);
    }
    this._fire("close", [reason, details]);
  }

  private _setState(next: State): void {
    const last = this._state;
    this._state = next;
    if (last.name === "closing") clearTimeout(last.timer);
    if (next.name === "open") {
      if (listen && !LOCAL.test(this._ctx.target.host)) listen("offline", this._onOffline);
      if (listen && this._options.closeOnBeforeunload) listen("beforeunload", this._onUnload);
    } else if (next.name === "closed") {
      if (last.name === "open" || last.name === "closing") last.heartbeat.stop();
      if (listen) {
        removeEventListener("offline", this._onOffline);
        removeEventListener("beforeunload", this._onUnload);
      }
    }
  }

  private readonly _onOffline = (): void => {
    this._finish("transport close", { description: "network connection lost" });
  };

  private readonly _onUnload = (): void => {
    // Silently: only the server is notified.
    this._transport.close();
  };
}

function sizeOf(packet: EnginePacket<Data>): number {
  return MESSAGE_OVERHEAD + (packet.data === undefined ? 0 : dataSize(packet.data));
}
