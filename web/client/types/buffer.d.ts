import type { AckWaiter } from "./acks.js";
import type { Data } from "./types.js";
/**
 * An event that waits for a connection: a member of `socket.sendBuffer`. It was encoded when it was emitted, so later
 * changes have no effect. One that the application adds is encoded when it is sent.
 */
export interface BufferedEvent {
    /** The type of its packet: 2. */
    readonly type: number;
    /** Its name and arguments. */
    readonly data: readonly any[];
    /** The number of its acknowledgement, if one is wanted. */
    readonly id?: number | undefined;
}
/** An event and its messages. */
export interface OutgoingEvent extends BufferedEvent {
    readonly messages: readonly Data[];
}
/**
 * Sends events one at a time, each until it is acknowledged or its attempts are exhausted. All attempts have the same
 * acknowledgement number, so a late answer to an earlier one counts. The socket keeps the queue within `maxBuffer`.
 */
export declare class RetryQueue {
    private readonly _retries;
    private readonly _isConnected;
    private readonly _sendTry;
    /** Its size towards `maxBuffer`. */
    size: number;
    private readonly _queue;
    private _inFlight;
    /** `isConnected` and `sendTry` are those of its socket; sendTry calls its waiter once, an error or null first. */
    constructor(_retries: number, _isConnected: () => boolean, _sendTry: (event: OutgoingEvent, waiter: AckWaiter) => void);
    /** Adds an event at the end. Its waiter gets an error or null first; `timeout` is for each try, in milliseconds. */
    push(event: OutgoingEvent, waiter: AckWaiter | undefined, timeout: number): void;
    /** Sends the first event unless it has been sent. After a reconnection it is sent again (`again`). */
    send(again?: boolean): void;
}
