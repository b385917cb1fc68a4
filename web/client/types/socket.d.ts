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
     * The connection failed, or was lost before the socket was connected, and the socket is still `active`; or the server
     * refused, and it is not.
     */
    connect_error: (err: ExtendedError) => void;
    disconnect: (reason: Reason, details?: DisconnectDetails) => void;
}
/** A listener for every event. */
export type CatchAll = (event: string, ...args: any[]) => void;
/** What a Socket needs of its Manager. */
export interface SocketOwner {
    opts: {
        maxBuffer?: number;
    };
    /** Connects, unless it is connected or on its way. */
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
    /** What is sent to the server's middleware. May be changed; it counts from the next connection on. */
    auth: Auth | undefined;
    /** Whether the server gave back the session and the events that were missed. */
    recovered: boolean;
    /**
     * The events that wait for a connection, in the order they were emitted. What is taken out is not sent: assign `[]`, or
     * change the array.
     */
    sendBuffer: BufferedEvent[];
    /** The events that came before `connect`, each with its name first. They are handed over just before it. */
    receiveBuffer: (readonly any[])[];
    private _state;
    /** The connection on which a CONNECT is not answered yet. A second one there would break the protocol. */
    private _asked;
    private readonly _options;
    private readonly _acks;
    private readonly _meter;
    private readonly _retry;
    private _nextId;
    private _anyIncoming;
    private _anyOutgoing;
    /** The session to ask for after a loss, and the last event that was seen. */
    private _pid;
    private _offset;
    /** The id the server gave; undefined unless connected. */
    get id(): string | undefined;
    /** Whether events are sent at once. */
    get connected(): boolean;
    /** The opposite of `connected`. */
    get disconnected(): boolean;
    /**
     * Whether the connection is up or comes back by itself. False before connect(), after a refusal and after either side
     * left the namespace: then only connect() helps.
     */
    get active(): boolean;
    /** Connects. Without effect while active and on its way. */
    connect(): this;
    /** Same as `connect`. */
    open(): this;
    /** Leaves the namespace for good, or gives up connecting. The last socket of a Manager closes the connection. */
    disconnect(): this;
    /** Same as `disconnect`. */
    close(): this;
    /**
     * Sends an event. Arguments are anything JSON can hold and bytes (ArrayBuffer, views, Buffer, Blob, File) at any
     * depth. They are encoded now; only bytes are read later. A function as the last argument gets the acknowledgement.
     * While not connected the event waits. Throws for a reserved name, for what cannot be encoded, and BufferFullError.
     */
    emit<K extends EventNames<Emit>>(event: K, ...args: EventParams<Emit, K>): this;
    /**
     * Sends an event and waits for the acknowledgement: its first argument. Rejects when the connection is lost, when
     * `ackTimeout` has passed, and with a HandlerError when the server's handler failed.
     */
    emitWithAck<K extends EventNames<Emit>>(event: K, ...args: ParamsWithoutAck<Emit, K>): Promise<AckResult<Emit, K>>;
    /** Sends a `message` event. */
    send(...args: unknown[]): this;
    /** For an event that may be lost: it is not sent while the connection is busy or gone. */
    get volatile(): Emission<Emit>;
    /** For an event whose acknowledgement must come within so many milliseconds; it takes an error first. */
    timeout(ms: number): Emission<WithTimeout<Emit>, Emit>;
    /** For an event that is, or is not, worth compressing. The client leaves that to the transport. */
    compress(_compress: boolean): Emission<Emit>;
    /** Adds a listener for every event that is received. It also gets the acknowledgement function. */
    onAny(listener: CatchAll): this;
    /** Same as `onAny`, before those there are. */
    prependAny(listener: CatchAll): this;
    /** Removes one or all of them. */
    offAny(listener?: CatchAll): this;
    /** The listeners for every event that is received, as a copy. */
    listenersAny(): CatchAll[];
    /** Adds a listener for every event when it is handed to the connection. */
    onAnyOutgoing(listener: CatchAll): this;
    /** Same as `onAnyOutgoing`, before those there are. */
    prependAnyOutgoing(listener: CatchAll): this;
    /** Removes one or all of them. */
    offAnyOutgoing(listener?: CatchAll): this;
    /** The listeners for every event that is sent, as a copy. */
    listenersAnyOutgoing(): CatchAll[];
    private _timeout;
    /** The one way out for events. Nothing has changed when it throws. */
    private _transmit;
    /** Nobody waits for the acknowledgement any more: the event is not sent, if it still waits. */
    private _forget;
    private _encode;
    private _send;
    private _checkRoom;
    private _write;
    private _onConnect;
    private _onRefused;
    private _onEvent;
    /** Hands an event over: its name, arguments and perhaps the function that answers it. */
    private _dispatch;
    /** Answers one event, once, and only on the connection it came from: elsewhere its number means another one. */
    private _answer;
    /** Leaves on purpose: nobody's session is to be recovered. */
    private _leave;
    private _disconnected;
    private _setState;
}
