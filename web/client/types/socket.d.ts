import { type BufferedEvent } from "./buffer.js";
import { Emission, type FlaggedEmitter } from "./emission.js";
import { Emitter, type EventMapOf, type EventNames, type EventsMap } from "./emitter.js";
import { type DisconnectDetails, type DisconnectReason as Reason, type ExtendedError } from "./errors.js";
import type { Auth } from "./options.js";
import type { AckResult, EventParams, ParamsWithoutAck, WithTimeout } from "./types.js";
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
export type CatchAll = (event: string, ...args: any[]) => void;
/** The part of a Manager that a Socket uses. */
export interface SocketOwner {
    opts: {
        maxBuffer?: number;
    };
    /** Connects, unless it is connected or connecting. */
    open(): unknown;
}
/**
 * A namespace. The type parameters are the events of the server, then those of the client. Events are called one after
 * another, in the order they were sent.
 */
export declare class Socket<Listen extends EventMapOf<Listen> = EventsMap, Emit extends EventMapOf<Emit> = Listen, Owner extends SocketOwner = SocketOwner> extends Emitter<Listen & SocketReservedEvents> implements FlaggedEmitter {
    /** The Manager, which may be shared. */
    readonly io: Owner;
    /** The namespace. */
    readonly nsp: string;
    /** The data for the server's middleware. Changes apply to the next connection. */
    auth: Auth | undefined;
    /** Whether the server restored the session and the missed events. */
    recovered: boolean;
    /**
     * Why the server did not restore the session that this socket asked for at its last connection: "expired",
     * "unknown_session" and so on, as far as the server says.
     */
    notRecovered: string | undefined;
    /**
     * The events waiting for a connection, in the order in which they were emitted. Removed events are not sent: assign
     * `[]`, or change the array.
     */
    sendBuffer: BufferedEvent[];
    /** The events that arrived before `connect`, each with its name first. Listeners get them just before it. */
    receiveBuffer: (readonly any[])[];
    private _state;
    /** The connection with an unanswered CONNECT. A second one there would violate the protocol. */
    private _asked;
    private readonly _options;
    private readonly _acks;
    private readonly _meter;
    private readonly _retry;
    private _nextId;
    /**
     * With it a server recognizes the attempts of `retries`, since they have the same number. Not sent to a server that
     * has not answered it.
     */
    private _nonce;
    private _anyIncoming;
    private _anyOutgoing;
    /** The session to request after a loss, and the offset of the last event. */
    private _pid;
    private _offset;
    /** The id that the server assigned; undefined unless connected. */
    get id(): string | undefined;
    /** Whether events are sent at once. */
    get connected(): boolean;
    /**
     * The number of acknowledgement callbacks that will never be called, because the connection was lost and they take no
     * error. Those with a time limit get an error instead, and so does `emitWithAck`.
     */
    get droppedAcks(): number;
    /** The opposite of `connected`. */
    get disconnected(): boolean;
    /**
     * Whether the connection is open or reconnects automatically. False before connect(), after a rejection and after
     * either side has left the namespace: then only connect() helps.
     */
    get active(): boolean;
    /** Connects. No effect while connected or connecting. */
    connect(): this;
    /** Same as `connect`. */
    open(): this;
    /** Leaves the namespace, or stops connecting. The last socket of a Manager closes the connection. */
    disconnect(): this;
    /** Same as `disconnect`. */
    close(): this;
    /**
     * Sends an event. Arguments may contain JSON values and bytes (ArrayBuffer, views, Buffer, Blob, File) at any depth.
     * They are encoded now; only bytes are read later. A function as the last argument receives the acknowledgement.
     * While not connected the event waits. Throws for a reserved name and for data that can't be encoded, and
     * BufferFullError.
     */
    emit<K extends EventNames<Emit>>(event: K, ...args: EventParams<Emit, K>): this;
    /**
     * Sends an event and waits for the acknowledgement: its first argument. Rejects if the connection is lost or
     * `ackTimeout` has passed, and with a HandlerError if the server's handler failed.
     */
    emitWithAck<K extends EventNames<Emit>>(event: K, ...args: ParamsWithoutAck<Emit, K>): Promise<AckResult<Emit, K>>;
    /** Sends a `message` event. */
    send(...args: unknown[]): this;
    /** Drops the following event if the connection is busy or closed. */
    get volatile(): Emission<Emit>;
    /** Sets the time limit of the following event's acknowledgement, whose callback gets an error first. */
    timeout(ms: number): Emission<WithTimeout<Emit>, Emit>;
    /** Sets whether the following event should be compressed. The client leaves that to the transport. */
    compress(_compress: boolean): Emission<Emit>;
    /** Adds a listener for every received event. It also gets the acknowledgement function. */
    onAny(listener: CatchAll): this;
    /** Same as `onAny`, but before the existing listeners. */
    prependAny(listener: CatchAll): this;
    /** Removes one or all of these listeners. */
    offAny(listener?: CatchAll): this;
    /** A copy of the listeners for every received event. */
    listenersAny(): CatchAll[];
    /** Adds a listener for every event that is passed to the connection. */
    onAnyOutgoing(listener: CatchAll): this;
    /** Same as `onAnyOutgoing`, but before the existing listeners. */
    prependAnyOutgoing(listener: CatchAll): this;
    /** Removes one or all of these listeners. */
    offAnyOutgoing(listener?: CatchAll): this;
    /** A copy of the listeners for every sent event. */
    listenersAnyOutgoing(): CatchAll[];
    private _timeout;
    /** Sends an event; all emits end here. If it throws, nothing has changed. */
    private _transmit;
    /** The acknowledgement is no longer awaited: if the event is still waiting, it is not sent. */
    private _forget;
    private _encode;
    private _send;
    private _checkRoom;
    private _write;
    private _onConnect;
    private _onRefused;
    private _onEvent;
    /** Passes an event to the listeners: its name, arguments and, if wanted, the function that acknowledges it. */
    private _dispatch;
    /** Acknowledges an event, once, and only on its own connection: elsewhere its number means another event. */
    private _answer;
    /** Stops connecting. A session that was lost can be recovered later: the next try may have another auth. */
    private _leave;
    private _disconnected;
    private _setState;
}
