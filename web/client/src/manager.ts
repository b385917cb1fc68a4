// SPDX-License-Identifier: MIT

// This file holds Manager: one connection at a time, the sockets that share it, and its reconnection.

import { parser } from "#parser";
import { debug } from "./debug.ts";
import { Emitter } from "./emitter.ts";
import type { DisconnectDetails, DisconnectReason as Reason } from "./errors.ts";
import { Conn, type ConnCloseReason, type ConnHandler } from "./engine/conn.ts";
import type { Data, Received } from "./types.ts";
import type { EventMapOf, EventsMap } from "./emitter.ts";
import type { ManagerOptions, SocketOptions } from "./options.ts";
import type { PacketDecoder, PacketEncoder, Parser, ParserPacket } from "./parser/parser.ts";
import { Reconnect } from "./reconnect.ts";
import { Socket as SocketOf, type SocketOwner } from "./socket.ts";
import { parseTarget, type Target } from "./url.ts";

/** The events of a Manager. */
export interface ManagerEvents {
  open: () => void;
  /** An attempt to connect failed, or the transport did later. */
  error: (err: Error) => void;
  /** A ping of the server. */
  ping: () => void;
  /** A packet has arrived, for any namespace. */
  packet: (packet: ParserPacket) => void;
  close: (reason: ConnCloseReason, details?: DisconnectDetails) => void;
  reconnect_attempt: (attempt: number) => void;
  reconnect_error: (err: Error) => void;
  reconnect_failed: () => void;
  reconnect: (attempt: number) => void;
}

/** Called once with the result of an attempt to connect. */
export type OpenCallback = (err?: Error) => void;

type Timer = ReturnType<typeof setTimeout>;

// Life of a Manager. Changed only by _setState.
//
//	closed ──open()──► opening ──handshake──► open ──lost──► waiting ──delay──► opening
//	  ▲                  │ failed: waiting, or closed when nobody may try again    │
//	  └──────────────────┴──── last socket left · reconnection off ◄───────────────┘
type State =
  | { name: "closed" }
  | { name: "opening"; conn: Conn; timer: Timer | undefined; attempt: number; done?: OpenCallback }
  | { name: "open"; conn: Conn; decoder: PacketDecoder }
  | { name: "waiting"; timer: Timer };

/** A connection to one server that reconnects. Its sockets are namespaces on that connection. */
export class Manager extends Emitter<ManagerEvents> implements ConnHandler, SocketOwner {
  /** A copy of the options. Those of the connection may be changed; changes apply to the next attempt. */
  opts: ManagerOptions;
  /** The sockets by namespace, active or not. */
  readonly nsps: { [nsp: string]: Socket } = Object.create(null);
  /** The Engine.IO connection in use, or the last one. */
  engine: Conn | undefined;

  /** Whether `socket` connects: the option. */
  _autoConnect: boolean;

  private _state: State = { name: "closed" };
  private _uri: string | undefined;
  private _target!: Target;
  private readonly _reconnect: Reconnect;
  private readonly _parser: Parser;
  private readonly _encoder: PacketEncoder;

  /** Creates a Manager, and connects unless `autoConnect` is false. Throws an Error for an invalid address. */
  constructor(uri?: string | ManagerOptions, opts?: ManagerOptions) {
    super();
    this.uri = typeof uri === "string" ? uri : undefined;
    this.opts = { timeout: 20000, ...(typeof uri === "object" ? uri : opts) };
    this._reconnect = new Reconnect(this.opts);
    this._parser = this.opts.parser || parser;
    this._encoder = new this._parser.Encoder();
    this._autoConnect = this.opts.autoConnect !== false;
    if (this._autoConnect) this.open();
  }

  /** The address. A new one applies to the next attempt. Setting it throws an Error for an invalid address. */
  get uri(): string | undefined {
    return this._uri;
  }

  set uri(uri: string | undefined) {
    this._target = parseTarget(uri);
    this._uri = uri;
  }

  /** "opening", "open" or "closed". */
  get _readyState(): "opening" | "open" | "closed" {
    const { name } = this._state;
    return name === "waiting" ? "closed" : name;
  }

  /** Whether the Manager is trying to connect again. */
  get _reconnecting(): boolean {
    const state = this._state;
    return state.name === "waiting" || (state.name === "opening" && state.attempt > 0);
  }

  /** Returns or sets the option. Setting false also ends a reconnection in progress. */
  reconnection(): boolean;
  reconnection(value: boolean): this;
  reconnection(value?: boolean): this | boolean {
    if (value === undefined) return this.opts.reconnection !== false;
    this.opts.reconnection = value;
    if (!value && this._state.name === "waiting") this._setState({ name: "closed" });
    return this;
  }

  /** Returns or sets the option of that name. */
  reconnectionAttempts(): number;
  reconnectionAttempts(value: number): this;
  reconnectionAttempts(value?: number): this | number {
    return this._option("reconnectionAttempts", Infinity, value);
  }

  /** Returns or sets the option of that name. */
  reconnectionDelay(): number;
  reconnectionDelay(value: number): this;
  reconnectionDelay(value?: number): this | number {
    return this._option("reconnectionDelay", 1000, value);
  }

  /** Returns or sets the option of that name. */
  reconnectionDelayMax(): number;
  reconnectionDelayMax(value: number): this;
  reconnectionDelayMax(value?: number): this | number {
    return this._option("reconnectionDelayMax", 5000, value);
  }

  /** Returns or sets the option of that name. */
  randomizationFactor(): number;
  randomizationFactor(value: number): this;
  randomizationFactor(value?: number): this | number {
    return this._option("randomizationFactor", 0.5, value);
  }

  /** Returns or sets the option of that name. */
  timeout(): number | false;
  timeout(value: number | false): this;
  timeout(value?: number | false): this | number | false {
    return this._option("timeout", 20000, value);
  }

  /**
   * Connects, unless it is connected or connecting. With a callback, a failure of this attempt is reported to it and
   * does not lead to a reconnection.
   */
  open(callback?: OpenCallback): this {
    const { name } = this._state;
    if (name === "closed" || name === "waiting") this._connect(0, callback);
    return this;
  }

  /** Same as `open`. */
  connect(callback?: OpenCallback): this {
    return this.open(callback);
  }

  /** Returns the socket of a namespace. It is created if necessary, and connected unless `autoConnect` is false. */
  socket<Listen extends EventMapOf<Listen> = EventsMap, Emit extends EventMapOf<Emit> = Listen>(
    nsp: string,
    opts?: SocketOptions,
  ): Socket<Listen, Emit> {
    const socket = this.nsps[nsp] || (this.nsps[nsp] = new SocketOf(this, nsp, opts));
    if (this._autoConnect && !socket.active) socket.connect();
    return socket as unknown as Socket<Listen, Emit>;
  }

  /** @internal The open connection, if there is one. */
  get _conn(): Conn | undefined {
    return this._state.name === "open" ? this._state.conn : undefined;
  }

  /** @internal Whether an attempt to connect is planned. */
  get _waiting(): boolean {
    return this._state.name === "waiting";
  }

  /** @internal The messages of a packet. Throws if it can't be encoded. */
  _encode(packet: ParserPacket): readonly Data[] {
    return this._encoder.encode(packet);
  }

  /** @internal Sends the messages of one packet, with nothing in between. */
  _send(messages: readonly Data[]): void {
    const conn = this._conn;
    if (conn) messages.forEach((message) => conn.write(message));
  }

  /** Sends a packet at once. Ignored while there is no connection. */
  _packet(packet: ParserPacket): void {
    this._send(this._encode(packet));
  }

  /** Closes the connection when no socket is active. */
  _destroy(_left?: Socket): void {
    if (!this._anyActive()) this._close();
  }

  /** Closes the connection without reconnecting. Connected sockets get the reason "forced close". */
  _close(): void {
    const state = this._state;
    if (state.name === "closed") return;
    this._setState({ name: "closed" });
    this._reconnect.reset();
    if (state.name === "waiting") return;
    if (DEBUG) debug("socket.io-client:manager", "closed by the application, or nobody needs the connection");
    state.conn.close();
    if (state.name === "open") this._closed("forced close");
  }

  // What the connection reports.

  _onConnOpen(conn: Conn): void {
    const state = this._state;
    if (state.name !== "opening" || state.conn !== conn) return;
    const decoder = new this._parser.Decoder();
    decoder.on("decoded", (packet) => this._onPacket(conn, packet));
    if (DEBUG) debug("socket.io-client:manager", "open");
    this._setState({ name: "open", conn, decoder });
    this._reconnect.opened();
    // Without sockets nothing else follows.
    if (!this._sockets().length) this._reconnect.answered();
    this._fire("open", []);
    if (state.done) state.done();
    if (state.attempt) this._fire("reconnect", [state.attempt]);
    this._eachActive((socket) => socket._onOpen());
  }

  _onConnPing(conn: Conn): void {
    if (conn === this._conn) this._fire("ping", []);
  }

  _onConnData(conn: Conn, data: string | Received): void {
    const state = this._state;
    if (state.name !== "open" || state.conn !== conn) return;
    try {
      state.decoder.add(data);
    } catch (err) {
      if (DEBUG) debug("socket.io-client:manager", "no packet:", data, err);
      conn._abort("parse error", err as Error);
    }
  }

  _onConnFailed(conn: Conn, err: Error): void {
    const state = this._state;
    if (state.name !== "opening" || state.conn !== conn) return;
    if (DEBUG) debug("socket.io-client:manager", "cannot connect:", err);
    this._setState({ name: "closed" });
    this._eachActive((socket) => socket._onClose("transport error", err));
    this._fire("error", [err]);
    if (state.done) {
      state.done(err);
    } else if (this._state.name === "closed") {
      this._wait(err);
    }
    // After reconnect_failed, when this was the last attempt: the order of the reference.
    if (state.attempt) this._fire("reconnect_error", [err]);
  }

  _onConnClose(conn: Conn, reason: ConnCloseReason, details?: DisconnectDetails): void {
    if (conn !== this._conn) return;
    if (DEBUG) debug("socket.io-client:manager", "closed:", reason, details);
    this._setState({ name: "closed" });
    this._reconnect.lost();
    if (reason === "transport error") this._fire("error", [details]);
    this._closed(reason, details);
    // A listener may have connected again.
    if (this._state.name === "closed") this._wait(details);
  }

  /** A custom format may report a packet late. */
  private _onPacket(conn: Conn, packet: ParserPacket): void {
    if (conn !== this._conn) return;
    this._reconnect.answered();
    this._fire("packet", [packet]);
    const socket = this.nsps[packet.nsp];
    if (DEBUG && !socket) debug("socket.io-client:manager", `packet for ${packet.nsp}, which nobody uses, ignored`);
    // A listener of "packet" may have closed the connection.
    if (socket && conn === this._conn) socket._onPacket(packet);
  }

  private _option<K extends keyof ManagerOptions>(
    name: K,
    standard: NonNullable<ManagerOptions[K]>,
    value?: ManagerOptions[K],
  ): this | NonNullable<ManagerOptions[K]> {
    if (value === undefined) {
      const current = this.opts[name];
      return current === undefined ? standard : (current as NonNullable<ManagerOptions[K]>);
    }
    this.opts[name] = value;
    return this;
  }

  /** Starts attempt number `attempt`; 0 is not a reconnection. */
  private _connect(attempt: number, done?: OpenCallback): void {
    const conn = new Conn(this._target, this.opts, this);
    const { timeout } = this.opts;
    const timer =
      typeof timeout === "number" ? setTimeout(() => conn._abort("transport error", new Error("timeout")), timeout) : undefined;
    if (DEBUG) debug("socket.io-client:manager", "connecting to", this._target.host + ":" + this._target.port, `attempt ${attempt}`);
    this.engine = conn;
    this._setState({ name: "opening", conn, timer, attempt, done });
    conn._open();
  }

  /** Plans the next attempt, or gives up. */
  private _wait(why: DisconnectDetails | undefined): void {
    const reconnect = this._reconnect;
    if (!this.reconnection() || !this._wanted()) return;
    if (reconnect.exhausted) {
      if (DEBUG) debug("socket.io-client:manager", `gave up after ${reconnect.attempts} attempts`);
      reconnect.reset();
      this._fire("reconnect_failed", []);
      return;
    }
    const delay = reconnect.delay(why);
    if (DEBUG) debug("socket.io-client:manager", `next attempt in ${delay} ms`);
    const timer = setTimeout(() => {
      const attempt = ++reconnect.attempts;
      this._fire("reconnect_attempt", [attempt]);
      // A listener may have closed it.
      if (this._state.name === "waiting" && this._state.timer === timer) this._connect(attempt);
    }, delay);
    this._setState({ name: "waiting", timer });
  }

  /** Whether the connection is needed. A Manager without sockets keeps it. */
  private _wanted(): boolean {
    return !this._sockets().length || this._anyActive();
  }

  private _closed(reason: ConnCloseReason, details?: DisconnectDetails): void {
    this._eachActive((socket) => socket._onClose(reason, details));
    this._fire("close", [reason, details]);
  }

  private _sockets(): Socket[] {
    return Object.keys(this.nsps).map((nsp) => this.nsps[nsp]!);
  }

  private _anyActive(): boolean {
    return this._sockets().some((socket) => socket.active);
  }

  /** A listener of one socket may disconnect another one. */
  private _eachActive(fn: (socket: Socket) => void): void {
    for (const socket of this._sockets()) if (socket.active) fn(socket);
  }

  private _setState(next: State): void {
    const last = this._state;
    this._state = next;
    if (last.name === "opening" || last.name === "waiting") clearTimeout(last.timer);
    else if (last.name === "open") last.decoder.destroy();
  }
}

/**
 * A namespace. The type parameters are the events of the server, then those of the client. Events are called one after
 * another, in the order they were sent.
 */
export type Socket<Listen extends EventMapOf<Listen> = EventsMap, Emit extends EventMapOf<Emit> = Listen> = SocketOf<
  Listen,
  Emit,
  Manager
>;
export const Socket = SocketOf;

/** Names of types, as in the reference. */
export declare namespace Socket {
  /** Why a socket was disconnected. */
  export type DisconnectReason = Reason;
}
