import { Emitter } from "./emitter.js";
import type { DisconnectDetails, DisconnectReason as Reason } from "./errors.js";
import { Conn, type ConnCloseReason, type ConnHandler } from "./engine/conn.js";
import type { Received } from "./types.js";
import type { EventMapOf, EventsMap } from "./emitter.js";
import type { ManagerOptions, SocketOptions } from "./options.js";
import type { ParserPacket } from "./parser/parser.js";
import { Socket as SocketOf, type SocketOwner } from "./socket.js";
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
/** A connection to one server that reconnects. Its sockets are namespaces on that connection. */
export declare class Manager extends Emitter<ManagerEvents> implements ConnHandler, SocketOwner {
    /** A copy of the options. Those of the connection may be changed; changes apply to the next attempt. */
    opts: ManagerOptions;
    /** The sockets by namespace, active or not. */
    readonly nsps: {
        [nsp: string]: Socket;
    };
    /** The Engine.IO connection in use, or the last one. */
    engine: Conn | undefined;
    /** Whether `socket` connects: the option. */
    _autoConnect: boolean;
    private _state;
    private _uri;
    private _target;
    private readonly _reconnect;
    private readonly _parser;
    private readonly _encoder;
    /** Creates a Manager, and connects unless `autoConnect` is false. Throws an Error for an invalid address. */
    constructor(uri?: string | ManagerOptions, opts?: ManagerOptions);
    /** The address. A new one applies to the next attempt. Setting it throws an Error for an invalid address. */
    get uri(): string | undefined;
    set uri(uri: string | undefined);
    /** "opening", "open" or "closed". */
    get _readyState(): "opening" | "open" | "closed";
    /** Whether the Manager is trying to connect again. */
    get _reconnecting(): boolean;
    /** Returns or sets the option. Setting false also ends a reconnection in progress. */
    reconnection(): boolean;
    reconnection(value: boolean): this;
    /** Returns or sets the option of that name. */
    reconnectionAttempts(): number;
    reconnectionAttempts(value: number): this;
    /** Returns or sets the option of that name. */
    reconnectionDelay(): number;
    reconnectionDelay(value: number): this;
    /** Returns or sets the option of that name. */
    reconnectionDelayMax(): number;
    reconnectionDelayMax(value: number): this;
    /** Returns or sets the option of that name. */
    randomizationFactor(): number;
    randomizationFactor(value: number): this;
    /** Returns or sets the option of that name. */
    timeout(): number | false;
    timeout(value: number | false): this;
    /**
     * Connects, unless it is connected or connecting. With a callback, a failure of this attempt is reported to it and
     * does not lead to a reconnection.
     */
    open(callback?: OpenCallback): this;
    /** Same as `open`. */
    connect(callback?: OpenCallback): this;
    /** Returns the socket of a namespace. It is created if necessary, and connected unless `autoConnect` is false. */
    socket<Listen extends EventMapOf<Listen> = EventsMap, Emit extends EventMapOf<Emit> = Listen>(nsp: string, opts?: SocketOptions): Socket<Listen, Emit>;
    /** Sends a packet at once. Ignored while there is no connection. */
    _packet(packet: ParserPacket): void;
    /** Closes the connection when no socket is active. */
    _destroy(_left?: Socket): void;
    /** Closes the connection without reconnecting. Connected sockets get the reason "forced close". */
    _close(): void;
    _onConnOpen(conn: Conn): void;
    _onConnPing(conn: Conn): void;
    _onConnData(conn: Conn, data: string | Received): void;
    _onConnFailed(conn: Conn, err: Error): void;
    _onConnClose(conn: Conn, reason: ConnCloseReason, details?: DisconnectDetails): void;
    /** A custom format may report a packet late. */
    private _onPacket;
    private _option;
    /** Starts attempt number `attempt`; 0 is not a reconnection. */
    private _connect;
    /** Plans the next attempt, or gives up. */
    private _wait;
    /** Whether the connection is needed. A Manager without sockets keeps it. */
    private _wanted;
    private _closed;
    private _sockets;
    private _anyActive;
    /** A listener of one socket may disconnect another one. */
    private _eachActive;
    private _setState;
}
/**
 * A namespace. The type parameters are the events of the server, then those of the client. Events are called one after
 * another, in the order they were sent.
 */
export type Socket<Listen extends EventMapOf<Listen> = EventsMap, Emit extends EventMapOf<Emit> = Listen> = SocketOf<Listen, Emit, Manager>;
export declare const Socket: typeof SocketOf;
/** Names of types, as in the reference. */
export declare namespace Socket {
    /** Why a socket was disconnected. */
    type DisconnectReason = Reason;
}
