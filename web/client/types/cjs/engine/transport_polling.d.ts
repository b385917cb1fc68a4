import { type EnginePacket } from "./packet.js";
import { Transport, type TransportContext, type TransportHandler } from "./transport.js";
import type { Data } from "../types.js";
/** The long-polling transport. */
export declare class PollingTransport extends Transport {
    /** A GET is in progress. */
    private _polling;
    /** A POST is in progress. */
    private _posting;
    /** Set while paused or pausing: called once no request is in progress. */
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
    /** Ends a pause. */
    resume(): void;
    close(): void;
    protected _release(): void;
    private _poll;
    private _post;
    /** After a POST has ended, or a GET that no other follows. */
    private _settle;
    /** Makes a request, a POST if there is a body, and returns the response body. Throws a TransportError unless 200. */
    private _request;
}
