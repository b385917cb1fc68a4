import { Emitter } from "../emitter.js";
import { type TransportError, type CloseDetails, type DisconnectDetails } from "../errors.js";
import type { EngineOptions } from "../options.js";
import type { Data, Received } from "../types.js";
import type { Target } from "../url.js";
import { Heartbeat } from "./heartbeat.js";
import type { EnginePacket } from "./packet.js";
import type { Transport, TransportHandler } from "./transport.js";
import { type UpgradeOwner } from "./upgrade.js";
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
type State = {
    name: "opening";
} | {
    name: "open";
    sid: string;
    heartbeat: Heartbeat;
} | {
    name: "closing";
    heartbeat: Heartbeat;
    timer: ReturnType<typeof setTimeout>;
} | {
    name: "closed";
};
/** The size of a queued message in addition to its data. */
export declare const MESSAGE_OVERHEAD = 64;
/** One connection. Made by a Manager, for one use. */
export declare class Conn extends Emitter<ConnEvents> implements TransportHandler, UpgradeOwner {
    private readonly _options;
    private readonly _handler;
    private _state;
    private _transport;
    private _upgrade;
    private _queue;
    private _queued;
    private _sent;
    private _maxPayload;
    private readonly _ctx;
    private readonly _names;
    constructor(target: Target, _options: EngineOptions & {
        timeout?: number | false;
    }, _handler: ConnHandler);
    /** The session's id; empty unless it is open. */
    get id(): string;
    /** The transport in use, or the last one. Undefined only when no transport was left to try. */
    get transport(): Transport;
    /** "opening", "open", "closing" or "closed". */
    get readyState(): State["name"];
    /** The size of the queue: characters and bytes, plus 64 for each message. */
    get backlog(): number;
    /** Whether a volatile event would be sent now. */
    get writable(): boolean;
    /** Queues a message. Ignored unless open. Its bytes are read when it is sent; do not change them before. */
    write(data: Data): void;
    /**
     * Whether the server's ping is overdue. If so the session ends, in a later task, so that the caller can still decide
     * what to do with the data that it was about to send.
     */
    late(): boolean;
    /** Ends the session: at once while opening, otherwise when the queue has been sent or after 10 s. */
    close(): this;
    _onTransportOpen(): void;
    _onPacket(packet: EnginePacket<string | Received>): void;
    _onDrain(): void;
    _onError(err: TransportError): void;
    _onTransportClose(details: CloseDetails): void;
    _onUpgrading(candidate: Transport): void;
    _onUpgraded(candidate: Transport): void;
    _onUpgradeFailed(err: TransportError): void;
    private _onHandshake;
    private _make;
    private _send;
    private _canSend;
    private _flush;
    private _endUpgrade;
    private _finish;
    private _setState;
    private readonly _onOffline;
    private readonly _onUnload;
}
export {};
