import { type EnginePacket } from "./packet.js";
import { Transport, type TransportContext, type TransportHandler } from "./transport.js";
import type { Data } from "../types.js";
/** The long-polling transport. */
export declare class PollingTransport extends Transport {
    /** A GET is under way. */
    private _polling;
    /** A POST is under way. */
    private _posting;
    /** Set while paused or about to be: what to call once no request is under way. */
    private _paused;
    private readonly _abort;
    constructor(ctx: TransportContext, handler: TransportHandler, sid?: string);
    get backlog(): number;
    open(): void;
    /** The session begins: requests carry its id from now on. */
    start(sid: string): void;
    send(packets: EnginePacket<Data>[]): void;
    /** Calls back once, when both requests have ended. No new GET starts until resume. */
    pause(done: () => void): void;
    /** Takes a pause back. */
    resume(): void;
    close(): void;
    protected _release(): void;
    private _poll;
    private _post;
    /** After a POST has ended, or a GET that no other follows. */
    private _settle;
    /** Makes one request, a POST if there is a body, and answers its body. Throws a TransportError for any status but 200. */
    private _request;
}
