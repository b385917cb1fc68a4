import { type AnyFunction } from "./emitter.js";
/** A callback that waits for an acknowledgement, and its form. */
export interface AckWaiter {
    readonly fn: AnyFunction;
    /** Whether the first argument is an error or null. */
    readonly errorFirst: boolean;
    /** The time limit, in milliseconds. */
    readonly timeout?: number;
}
/** Awaited acknowledgements by number. Each is called at most once. Bounded by the unanswered events. */
export declare class Acks {
    private readonly _lost;
    /** The number of waiters that were dropped, because they take no error. */
    dropped: number;
    private readonly _entries;
    /** `lost` is called for each waiter that is dropped. */
    constructor(_lost: (id: number) => void);
    /** Registers a waiter. At its timeout `expired` runs before the waiter is called. */
    add(id: number, waiter: AckWaiter, expired: () => void): void;
    /** The peer answered. Unknown numbers are ignored. */
    resolve(id: number, args: readonly unknown[]): void;
    /** Fails all waiters because the connection is lost, except those whose event was not sent yet (`keep`). */
    disconnected(keep: (id: number) => boolean): void;
    /** Ends a wait without an answer. */
    fail(id: number, message: string): void;
    private _take;
}
