import type { CloseDetails, TransportError } from "../errors.js";
import type { EngineOptions, TransportName } from "../options.js";
import type { CookieJar } from "../platform/platform.js";
import { type Target } from "../url.js";
import type { EnginePacket } from "./packet.js";
import type { Data, Received } from "../types.js";
/** The owner of a transport. After _onError or onClose nothing more is reported. */
export interface TransportHandler {
    /** The transport itself is up. Polling has no such moment and never calls it. */
    _onTransportOpen(): void;
    _onPacket(packet: EnginePacket<string | Received>): void;
    /** The last batch has been sent; the transport is writable again. */
    _onDrain(): void;
    _onError(err: TransportError): void;
    _onTransportClose(details: CloseDetails): void;
}
/** The environment of a transport. Shared by all transports of a connection. */
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
    /** Bytes that the network has not accepted yet. */
    abstract readonly backlog: number;
    /** Starts. Called once. */
    abstract open(): void;
    /** Sends packets; only while writable. Calls _onDrain when they have been sent. */
    abstract send(packets: EnginePacket<Data>[]): void;
    /** Ends, and notifies the server if that needs a message. Reports nothing more. */
    abstract close(): void;
    /** Ends without notifying the server. Reports nothing more. */
    discard(): void;
    /** Changes the owner. */
    attach(handler: TransportHandler): void;
    /** Releases the resources. Called once, after _closed was set. */
    protected abstract _release(): void;
    protected _stop(): boolean;
    protected _fail(err: TransportError): void;
    protected _ended(details: CloseDetails): void;
    protected _drained(): void;
    /** The address of a request: the application's parameters first, ours last so that they win. */
    protected _url(scheme: "http" | "ws"): string;
}
