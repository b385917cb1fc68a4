import type { CloseDetails, TransportError } from "../errors.js";
import type { EngineOptions, TransportName } from "../options.js";
import type { CookieJar } from "../platform/platform.js";
import { type Target } from "../url.js";
import type { EnginePacket } from "./packet.js";
import type { Data, Received } from "../types.js";
/** Who a transport reports to. After _onError or onClose it reports nothing more. */
export interface TransportHandler {
    /** The transport itself is up. Polling has no such moment and never calls it. */
    _onTransportOpen(): void;
    _onPacket(packet: EnginePacket<string | Received>): void;
    /** The batch given to send has left; the transport is writable again. */
    _onDrain(): void;
    _onError(err: TransportError): void;
    _onTransportClose(details: CloseDetails): void;
}
/** What a transport is made of. Shared by all transports of a connection. */
export interface TransportContext {
    readonly target: Target;
    readonly options: EngineOptions;
    readonly cookies: CookieJar | undefined;
}
/** Carries packets. Owned by a connection, or by an upgrade until it is done. */
export declare abstract class Transport {
    readonly name: TransportName;
    protected readonly _ctx: TransportContext;
    protected _handler: TransportHandler;
    protected _sid?: string | undefined;
    /** Whether send may be called. */
    writable: boolean;
    protected _closed: boolean;
    protected readonly _options: EngineOptions;
    constructor(name: TransportName, _ctx: TransportContext, _handler: TransportHandler, _sid?: string | undefined);
    /** Bytes handed to the network that it has not taken. */
    abstract readonly backlog: number;
    /** Starts. Called once. */
    abstract open(): void;
    /** Takes packets; only while writable. Calls _onDrain when they have left. */
    abstract send(packets: EnginePacket<Data>[]): void;
    /** Ends for good, and tells the server where that takes a message. Reports nothing more. */
    abstract close(): void;
    /** Ends without a word to the server. Reports nothing more. */
    discard(): void;
    /** Changes who is reported to. */
    attach(handler: TransportHandler): void;
    /** Frees what the transport holds. Called once, after _closed was set. */
    protected abstract _release(): void;
    protected _stop(): boolean;
    protected _fail(err: TransportError): void;
    protected _ended(details: CloseDetails): void;
    protected _drained(): void;
    /** The address of a request: the application's parameters first, ours last so that they win. */
    protected _url(scheme: "http" | "ws"): string;
}
