// SPDX-License-Identifier: MIT

// This file holds Socket: one namespace on a Manager's connection.

import { Acks, type AckWaiter } from "./acks.ts";
import { eventSize, Meter, RetryQueue, type BufferedEvent, type OutgoingEvent } from "./buffer.ts";
import { debug, packetName } from "./debug.ts";
import { Emission, type EmitFlags, type FlaggedEmitter } from "./emission.ts";
import { callSafely, Emitter, type AnyFunction, type EventMapOf, type EventNames, type EventsMap } from "./emitter.ts";
import {
  BufferFullError,
  closeError,
  ConnectError,
  type DisconnectDetails,
  type DisconnectReason as Reason,
  type ExtendedError,
} from "./errors.ts";
import type { Conn, ConnCloseReason } from "./engine/conn.ts";
import type { Auth, SocketOptions } from "./options.ts";
import { isObject, PacketType, RESERVED_EVENTS } from "./parser/packet.ts";
import type { ParserPacket } from "./parser/parser.ts";
import type { AckResult, Data, EventParams, ParamsWithoutAck, WithTimeout } from "./types.ts";

/** The events of the library itself. */
export interface SocketReservedEvents {
  connect: () => void;
  /**
   * The connection failed, or was lost before the socket was connected, and the socket is still `active`; or the
   * server rejected it, and the socket is not.
   */
  connect_error: (err: ExtendedError) => void;
  disconnect: (reason: Reason, details?: DisconnectDetails) => void;
}

/** A listener for every event. */
// any: any event, so any arguments
export type CatchAll = (event: string, ...args: any[]) => void;

/** The part of a Manager that a Socket uses. */
export interface SocketOwner {
  opts: { maxBuffer?: number };
  /** @internal The open connection, if there is one. */
  readonly _conn: Conn | undefined;
  /** @internal Whether an attempt to connect is planned. */
  readonly _waiting: boolean;
  /** Connects, unless it is connected or connecting. */
  open(): unknown;
  /** @internal The messages of a packet. Throws if it can't be encoded. */
  _encode(packet: ParserPacket): readonly Data[];
  /** @internal Sends the messages of one packet, with nothing in between. */
  _send(messages: readonly Data[]): void;
  /** @internal Closes the connection when no socket is active. */
  _destroy(): void;
}

// Life of a Socket. Changed only by _setState.
//
//	idle ──connect()──► connecting ──CONNECT──► connected
//	  ▲                  │      ▲─── connection lost ──┘ │
//	  └ refused · disconnect() ─┴─── either side left ───┘
//
// It is active in all states except the first: the Manager keeps the connection open for it.
type State = { name: "idle" } | { name: "connecting" } | { name: "connected"; id: string; conn: Conn };

/** The default of `ackTimeout` with `retries`, in milliseconds. */
const RETRY_ACK_TIMEOUT = 10000;
/** The default of `maxBuffer`. */
const MAX_BUFFER = 64 * 1024 * 1024;
/** The maximum number of events before their CONNECT: those missed while disconnected. */
const MAX_EARLY_EVENTS = 100000;

/**
 * A namespace. The type parameters are the events of the server, then those of the client. Events are called one after
 * another, in the order they were sent.
 */
export class Socket<
  Listen extends EventMapOf<Listen> = EventsMap,
  Emit extends EventMapOf<Emit> = Listen,
  Owner extends SocketOwner = SocketOwner,
> extends Emitter<Listen & SocketReservedEvents> implements FlaggedEmitter {
  /** The Manager, which may be shared. */
  readonly io: Owner;
  /** The namespace. */
  readonly nsp: string;
  /** The data for the server's middleware. Changes apply to the next connection. */
  auth: Auth | undefined;
  /** Whether the server restored the session and the missed events. */
  recovered = false;
  /**
   * Why the server did not restore the session that this socket asked for at its last connection: "expired",
   * "unknown_session" and so on, as far as the server says.
   */
  notRecovered: string | undefined;
  /**
   * The events waiting for a connection, in the order in which they were emitted. Removed events are not sent: assign
   * `[]`, or change the array.
   */
  sendBuffer: BufferedEvent[] = [];
  /** The events that arrived before `connect`, each with its name first. Listeners get them just before it. */
  // any: any event, so any arguments
  receiveBuffer: (readonly any[])[] = [];

  private _state: State = { name: "idle" };
  /** The connection with an unanswered CONNECT. A second one there would violate the protocol. */
  private _asked: Conn | undefined;
  private readonly _options: SocketOptions;
  private readonly _acks: Acks = new Acks((id) => {
    if (DEBUG) debug("socket.io-client:socket", this.nsp, "acknowledgement", id, "is lost, and its callback takes no error");
  });
  private readonly _meter = new Meter();
  private readonly _retry: RetryQueue | undefined;
  private _nextId = 0;
  /**
   * With it a server recognizes the attempts of `retries`, since they have the same number. Not sent to a server that
   * has not answered it.
   */
  private _nonce: string | undefined;
  private _anyIncoming: CatchAll[] = [];
  private _anyOutgoing: CatchAll[] = [];
  /** The session to request after a loss, and the offset of the last event. */
  private _pid: string | undefined;
  private _offset: string | undefined;

  /** @internal Made by a Manager. */
  constructor(io: Owner, nsp: string, options: SocketOptions = {}) {
    super();
    this.io = io;
    this.nsp = nsp;
    this.auth = options.auth;
    this._options = { ackTimeout: options.ackTimeout, retries: options.retries };
    if (options.retries) {
      this._nonce = String(Math.random());
      this._retry = new RetryQueue(
        options.retries,
        () => this.connected,
        (event, waiter) => {
          this._acks.add(event.id as number, waiter, () => undefined);
          this._write(event);
        },
      );
    }
  }

  /** The id that the server assigned; undefined unless connected. */
  get id(): string | undefined {
    return this._state.name === "connected" ? this._state.id : undefined;
  }

  /** Whether events are sent at once. */
  get connected(): boolean {
    return this._state.name === "connected";
  }

  /**
   * The number of acknowledgement callbacks that will never be called, because the connection was lost and they take no
   * error. Those with a time limit get an error instead, and so does `emitWithAck`.
   */
  get droppedAcks(): number {
    return this._acks.dropped;
  }

  /** The opposite of `connected`. */
  get disconnected(): boolean {
    return !this.connected;
  }

  /**
   * Whether the connection is open or reconnects automatically. False before connect(), after a rejection and after
   * either side has left the namespace: then only connect() helps.
   */
  get active(): boolean {
    return this._state.name !== "idle";
  }

  /** Connects. No effect while connected or connecting. */
  connect(): this {
    if (this.connected) return this;
    if (this._state.name === "idle") this._setState({ name: "connecting" });
    if (this.io._conn) this._onOpen();
    else if (!this.io._waiting) this.io.open();
    return this;
  }

  /** Same as `connect`. */
  open(): this {
    return this.connect();
  }

  /** Leaves the namespace, or stops connecting. The last socket of a Manager closes the connection. */
  disconnect(): this {
    const was = this._state.name;
    this._pid = this._offset = undefined; // the session will not be recovered
    if (was === "idle") return this;
    if (was === "connected") this._send(PacketType.DISCONNECT);
    this._leave();
    if (was === "connected") this._disconnected("io client disconnect");
    return this;
  }

  /** Same as `disconnect`. */
  close(): this {
    return this.disconnect();
  }

  /**
   * Sends an event. Arguments may contain JSON values and bytes (ArrayBuffer, views, Buffer, Blob, File) at any depth.
   * They are encoded now; only bytes are read later. A function as the last argument receives the acknowledgement.
   * While not connected the event waits. Throws for a reserved name and for data that can't be encoded, and
   * BufferFullError.
   */
  emit<K extends EventNames<Emit>>(event: K, ...args: EventParams<Emit, K>): this {
    this._emit({}, event, args);
    return this;
  }

  /**
   * Sends an event and waits for the acknowledgement: its first argument. Rejects if the connection is lost or
   * `ackTimeout` has passed, and with a HandlerError if the server's handler failed.
   */
  emitWithAck<K extends EventNames<Emit>>(event: K, ...args: ParamsWithoutAck<Emit, K>): Promise<AckResult<Emit, K>> {
    return this._emitWithAck({}, event, args) as Promise<AckResult<Emit, K>>;
  }

  /** Sends a `message` event. */
  send(...args: unknown[]): this {
    this._emit({}, "message", args);
    return this;
  }

  /** Drops the following event if the connection is busy or closed. */
  get volatile(): Emission<Emit> {
    return new Emission<Emit>(this, { volatile: true });
  }

  /** Sets the time limit of the following event's acknowledgement, whose callback gets an error first. */
  timeout(ms: number): Emission<WithTimeout<Emit>, Emit> {
    return new Emission<WithTimeout<Emit>, Emit>(this, { timeout: ms });
  }

  /** Sets whether the following event should be compressed. The client leaves that to the transport. */
  compress(_compress: boolean): Emission<Emit> {
    return new Emission<Emit>(this, {});
  }

  /** Adds a listener for every received event. It also gets the acknowledgement function. */
  onAny(listener: CatchAll): this {
    this._anyIncoming = [...this._anyIncoming, listener];
    return this;
  }

  /** Same as `onAny`, but before the existing listeners. */
  prependAny(listener: CatchAll): this {
    this._anyIncoming = [listener, ...this._anyIncoming];
    return this;
  }

  /** Removes one or all of these listeners. */
  offAny(listener?: CatchAll): this {
    this._anyIncoming = listener ? without(this._anyIncoming, listener) : [];
    return this;
  }

  /** A copy of the listeners for every received event. */
  listenersAny(): CatchAll[] {
    return [...this._anyIncoming];
  }

  /** Adds a listener for every event that is passed to the connection. */
  onAnyOutgoing(listener: CatchAll): this {
    this._anyOutgoing = [...this._anyOutgoing, listener];
    return this;
  }

  /** Same as `onAnyOutgoing`, but before the existing listeners. */
  prependAnyOutgoing(listener: CatchAll): this {
    this._anyOutgoing = [listener, ...this._anyOutgoing];
    return this;
  }

  /** Removes one or all of these listeners. */
  offAnyOutgoing(listener?: CatchAll): this {
    this._anyOutgoing = listener ? without(this._anyOutgoing, listener) : [];
    return this;
  }

  /** A copy of the listeners for every sent event. */
  listenersAnyOutgoing(): CatchAll[] {
    return [...this._anyOutgoing];
  }

  // Reports of the Manager. Except for packets, only active sockets receive them.

  /** @internal The connection is open: asks for the namespace. */
  _onOpen(): void {
    const conn = this.io._conn;
    if (!conn || this._asked === conn) return;
    this._asked = conn;
    const ask = (auth: Record<string, unknown> | undefined): void => {
      // An auth function may answer too late, or twice.
      if (this._asked !== conn || conn !== this.io._conn || asked) return;
      asked = true;
      if (!this.active) {
        this._asked = undefined;
        return;
      }
      const data = {
        ...(this._pid && { pid: this._pid, offset: this._offset }),
        ...(this._nonce && { retryNonce: this._nonce }),
        ...auth,
      };
      this._send(PacketType.CONNECT, auth || Object.keys(data).length ? data : undefined);
    };
    let asked = false;
    const { auth } = this;
    if (DEBUG && typeof auth === "function") debug("socket.io-client:socket", this.nsp, "waits for the auth function to call back");
    if (typeof auth === "function") callSafely(auth as AnyFunction, [ask]);
    else ask(auth);
  }

  /** @internal The connection failed or is lost; the Manager reconnects. */
  _onClose(reason: ConnCloseReason, details?: DisconnectDetails): void {
    const was = this._state.name;
    this._setState({ name: "connecting" });
    if (was === "connected") this._disconnected(reason, details);
    else this._fire("connect_error", [closeError(reason, details)]);
  }

  /** @internal A packet for this namespace has arrived. */
  _onPacket(packet: ParserPacket): void {
    const { type, data } = packet;
    if (DEBUG) debug("socket.io-client:socket", this.nsp, "received", packetName(type), packet.id, data);
    switch (type) {
      case PacketType.CONNECT:
        this._onConnect(data as Record<string, unknown> | undefined);
        break;
      case PacketType.CONNECT_ERROR:
        this._onRefused(data);
        break;
      case PacketType.EVENT:
      case PacketType.BINARY_EVENT: // which other formats may have
        this._onEvent(packet);
        break;
      case PacketType.ACK:
      case PacketType.BINARY_ACK:
        if (packet.id !== undefined) this._acks.resolve(packet.id, data as unknown[]);
        break;
      case PacketType.DISCONNECT:
        if (!this.connected) break;
        this._pid = this._offset = undefined;
        this._leave();
        this._disconnected("io server disconnect");
        break;
      default:
      // There is no other type.
    }
  }

  /** @internal */
  _emitWithAck(flags: EmitFlags, event: string, args: readonly unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const fn = (err: Error | null, answer?: unknown): void => (err ? reject(err) : resolve(answer));
      this._transmit(flags, [event, ...args], { fn: fn as AnyFunction, errorFirst: true, timeout: this._timeout(flags) });
    });
  }

  /** @internal */
  _emit(flags: EmitFlags, event: string, args: readonly unknown[]): void {
    const fn = args[args.length - 1];
    if (typeof fn !== "function") {
      this._transmit(flags, [event, ...args]);
      return;
    }
    const timeout = this._timeout(flags);
    this._transmit(flags, [event, ...args.slice(0, -1)], {
      fn: fn as AnyFunction,
      errorFirst: timeout !== undefined,
      timeout,
    });
  }

  private _timeout(flags: EmitFlags): number | undefined {
    return flags.timeout === undefined ? this._options.ackTimeout : flags.timeout;
  }

  /** Sends an event; all emits end here. If it throws, nothing has changed. */
  private _transmit(flags: EmitFlags, args: readonly unknown[], waiter?: AckWaiter): void {
    if (RESERVED_EVENTS.has(args[0])) throw new Error(`"${args[0]}" is a reserved event name`);
    const retry = flags.volatile ? undefined : this._retry;
    const id = waiter || retry ? this._nextId : undefined;
    const event = { type: PacketType.EVENT, data: args, id, messages: this._encode(PacketType.EVENT, args, id) };
    const conn = this.io._conn;
    // Checked first: an overdue connection accepts no more events, and the event waits for the next one.
    const late = conn !== undefined && conn.late();
    const drop = flags.volatile && !(conn && !late && conn.writable);
    if (!drop) this._checkRoom(event, conn);
    if (id !== undefined) this._nextId++;
    if (retry) {
      retry.push(event, waiter, flags.timeout || this._options.ackTimeout || RETRY_ACK_TIMEOUT);
      return;
    }
    if (id !== undefined && waiter) this._acks.add(id, waiter, () => this._forget(id));
    if (drop) {
      if (DEBUG) debug("socket.io-client:socket", this.nsp, "volatile event dropped", args);
      if (id !== undefined) setTimeout(() => this._acks.fail(id, "volatile event dropped"));
      return;
    }
    if (this.connected && !late) {
      this._write(event);
      return;
    }
    if (DEBUG) debug("socket.io-client:socket", this.nsp, this.active ? "not connected: event waits" : "not active: event waits for connect()", args);
    this.sendBuffer.push(event);
  }

  /** The acknowledgement is no longer awaited: if the event is still waiting, it is not sent. */
  private _forget(id: number): void {
    const i = this.sendBuffer.findIndex((event) => event.id === id);
    if (i >= 0) this.sendBuffer.splice(i, 1);
  }

  private _encode(type: PacketType, data?: unknown, id?: number): readonly Data[] {
    return this.io._encode({ type, nsp: this.nsp, ...(data !== undefined && { data }), ...(id !== undefined && { id }) });
  }

  private _send(type: PacketType, data?: unknown, id?: number): void {
    if (DEBUG) debug("socket.io-client:socket", this.nsp, "sent", packetName(type), id, data);
    this.io._send(this._encode(type, data, id));
  }

  private _checkRoom(event: OutgoingEvent, conn: Conn | undefined): void {
    const max = this.io.opts.maxBuffer === undefined ? MAX_BUFFER : this.io.opts.maxBuffer;
    const isFull = (all: boolean): boolean => {
      const retried = this._retry ? this._retry.size : 0;
      const waiting = this._meter.size(this.sendBuffer, all) + retried + (conn ? conn.backlog : 0);
      // A single event always fits into an empty buffer.
      return waiting > 0 && waiting + eventSize(event) > max;
    };
    if (isFull(false) && isFull(true)) throw new BufferFullError();
  }

  private _write(event: BufferedEvent): void {
    const { type, data, id, messages } = event as BufferedEvent & Partial<OutgoingEvent>;
    if (DEBUG) debug("socket.io-client:socket", this.nsp, "sent", packetName(type), id, data);
    for (const listener of this._anyOutgoing) callSafely(listener, data);
    this.io._send(messages || this._encode(type, data, id));
  }

  private _onConnect(data: Record<string, unknown> | undefined): void {
    const conn = this.io._conn;
    if (!conn || this._asked !== conn) return;
    this._asked = undefined;
    if (this._state.name === "idle") {
      // disconnect() was called before the server answered. It must not keep the namespace open.
      this._send(PacketType.DISCONNECT);
      return;
    }
    const id = data && data["sid"];
    if (!data || typeof id !== "string" || !id) {
      this._fire("connect_error", [
        new Error(
          "It seems you are trying to reach a Socket.IO server in v2.x with a v3.x client, but they are not compatible",
        ),
      ]);
      return;
    }
    const { pid, once, notRecovered } = data;
    this.recovered = typeof pid === "string" && pid === this._pid;
    this.notRecovered = notRecovered as string | undefined;
    if (DEBUG && this._nonce) debug("socket.io-client:socket", this.nsp, once ? "retries are handled once" : "retries may be handled twice");
    if (!once) this._nonce = undefined;
    if (!this.recovered) this._offset = undefined;
    this._pid = typeof pid === "string" ? pid : undefined;
    this._setState({ name: "connected", id, conn });
    // In this order: early events, waiting events, repeated events, and only then the listeners of "connect".
    const early = this.receiveBuffer;
    this.receiveBuffer = [];
    early.forEach((args) => this._dispatch(args));
    const waiting = this.sendBuffer;
    this.sendBuffer = [];
    for (const event of waiting) {
      // A listener may have disconnected: then the rest keeps waiting.
      if (this.connected) callSafely(() => this._write(event), []);
      else this.sendBuffer.push(event);
    }
    if (this._retry) this._retry.send(true);
    if (this.connected) this._fire("connect", []);
  }

  private _onRefused(data: unknown): void {
    this._asked = undefined;
    if (this._state.name !== "connecting") return;
    const err = isObject(data) ? data : { message: data };
    const message = typeof err["message"] === "string" ? err["message"] : "";
    this._leave();
    this._fire("connect_error", [new ConnectError(message, err["data"])]);
  }

  private _onEvent(packet: ParserPacket): void {
    const conn = this.io._conn;
    const [name, ...args] = packet.data as unknown[];
    args.unshift(String(name));
    if (packet.id !== undefined) args.push(this._answer(packet.id, conn));
    if (this.connected) this._dispatch(args);
    else if (!this.active) return;
    else if (this.receiveBuffer.length < MAX_EARLY_EVENTS) this.receiveBuffer.push(args);
    else if (conn) conn._abort("parse error", new Error("too many events before CONNECT"));
  }

  /** Passes an event to the listeners: its name, arguments and, if wanted, the function that acknowledges it. */
  private _dispatch(args: readonly unknown[]): void {
    if (!this.connected) return;
    if (DEBUG && !this.hasListeners(args[0] as never) && !this._anyIncoming.length) {
      debug("socket.io-client:socket", this.nsp, "no listener for", JSON.stringify(args[0]));
    }
    for (const listener of this._anyIncoming) callSafely(listener, args);
    this._fire(args[0] as string, args.slice(1));
    const last = args[args.length - 1];
    if (this._pid !== undefined && args.length > 1 && typeof last === "string") this._offset = last;
  }

  /** Acknowledges an event, once, and only on its own connection: elsewhere its number means another event. */
  private _answer(id: number, conn: Conn | undefined): (...args: unknown[]) => void {
    let done = false;
    return (...args) => {
      const state = this._state;
      if (done || state.name !== "connected" || state.conn !== conn) return;
      done = true;
      this._send(PacketType.ACK, args, id);
    };
  }

  /** Stops connecting. A session that was lost can be recovered later: the next try may have another auth. */
  private _leave(): void {
    this._setState({ name: "idle" });
    this.io._destroy();
  }

  private _disconnected(reason: Reason, details?: DisconnectDetails): void {
    this._fire("disconnect", [reason, details]);
    const waiting = new Set(this.sendBuffer.map((event) => event.id));
    this._acks.disconnected((id) => waiting.has(id));
  }

  private _setState(next: State): void {
    this._state = next;
    if (next.name !== "connected") this.receiveBuffer = [];
  }
}

function without<T>(list: readonly T[], item: T): T[] {
  const i = list.indexOf(item);
  return i < 0 ? [...list] : [...list.slice(0, i), ...list.slice(i + 1)];
}
