import { Emitter } from "./emitter.js";
import type { DisconnectDetails, DisconnectReason as Reason } from "./errors.js";
import { Conn, type ConnCloseReason, type ConnHandler } from "./engine/conn.js";
import type { Received } from "./types.js";
import type { EventMapOf, EventsMap } from "./emitter.js";
import type { ManagerOptions, SocketOptions } from "./options.js";
import type { ParserPacket } from "./parser/parser.js";
import { Socket as SocketOf, type SocketOwner } from "./socket.js";
/** What a Manager tells. */
export interface ManagerEvents {
    open: () => void;
    /** An attempt to connect failed, or the transport did later. */
    error: (err: Error) => void;
    /** The server's heartbeat. */
    ping: () => void;
    /** A packet came, for whichever namespace. */
    packet: (packet: ParserPacket) => void;
    close: (reason: ConnCloseReason, details?: DisconnectDetails) => void;
    reconnect_attempt: (attempt: number) => void;
    reconnect_error: (err: Error) => void;
    reconnect_failed: () => void;
    reconnect: (attempt: number) => void;
}
/** Called once with the outcome of an attempt to connect. */
export type OpenCallback = (err?: Error) => void;
/** A connection to one server, kept up. Its sockets are namespaces on that connection. */
export declare class Manager extends Emitter<ManagerEvents> implements ConnHandler, SocketOwner {
    /** The options, as a copy. Those of the connection may be changed; they count from the next attempt on. */
    opts: ManagerOptions;
    /** The sockets by namespace, in use or not. */
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
    /** Makes a Manager, and connects unless `autoConnect` is false. Throws an Error for an address without sense. */
    constructor(uri?: string | ManagerOptions, opts?: ManagerOptions);
    /** The address. A new one counts from the next attempt on. Setting it throws an Error for an address without sense. */
    get uri(): string | undefined;
    set uri(uri: string | undefined);
    /** "opening", "open" or "closed". */
    get _readyState(): "opening" | "open" | "closed";
    /** Whether it was connected, or failed to connect, and tries again. */
    get _reconnecting(): boolean;
    /** Reads or sets the option. Setting false also ends a reconnection that is under way. */
    reconnection(): boolean;
    reconnection(value: boolean): this;
    /** Reads or sets the option of that name. */
    reconnectionAttempts(): number;
    reconnectionAttempts(value: number): this;
    /** Reads or sets the option of that name. */
    reconnectionDelay(): number;
    reconnectionDelay(value: number): this;
    /** Reads or sets the option of that name. */
    reconnectionDelayMax(): number;
    reconnectionDelayMax(value: number): this;
    /** Reads or sets the option of that name. */
    randomizationFactor(): number;
    randomizationFactor(value: number): this;
    /** Reads or sets the option of that name. */
    timeout(): number | false;
    timeout(value: number | false): this;
    /**
     * Connects, unless it is connected or on its way. With a callback, a failure of this attempt is reported to it and
     * does not lead to a reconnection.
     */
    open(callback?: OpenCallback): this;
    /** Same as `open`. */
    connect(callback?: OpenCallback): this;
    /** The socket of a namespace; it is made, or connected again, unless `autoConnect` is false. */
    socket<Listen extends EventMapOf<Listen> = EventsMap, Emit extends EventMapOf<Emit> = Listen>(nsp: string, opts?: SocketOptions): Socket<Listen, Emit>;
    /** Sends a packet at once. Ignored while there is no connection. */
    _packet(packet: ParserPacket): void;
    /** Closes the connection when no socket is active. */
    _destroy(_left?: Socket): void;
    /** Closes the connection and does not bring it back. Sockets that are connected are told "forced close". */
    _close(): void;
    _onConnOpen(conn: Conn): void;
    _onConnPing(conn: Conn): void;
    _onConnData(conn: Conn, data: string | Received): void;
    _onConnFailed(conn: Conn, err: Error): void;
    _onConnClose(conn: Conn, reason: ConnCloseReason, details?: DisconnectDetails): void;
    /** A format other than ours may tell a packet late. */
    private _onPacket;
    private _option;
    /** Starts attempt number `attempt`; 0 is one that is no reconnection. */
    private _connect;
    /** Plans the next attempt, or gives up. */
    private _wait;
    /** Whether anybody needs the connection. A Manager without sockets keeps it for itself. */
    private _wanted;
    private _closed;
    private _sockets;
    private _anyActive;
    /** A listener of one socket may make another one leave. */
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
