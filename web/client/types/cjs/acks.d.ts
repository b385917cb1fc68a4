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
    private readonly _entries;
    /** Registers a waiter. At its timeout `expired` runs before the waiter is called. */
    add(id: number, waiter: AckWaiter, expired: () => void): void;
    /** The peer answered. Unknown numbers are ignored. */
    resolve(id: number, args: readonly unknown[]): void;
    /** Fails all waiters because the connection is lost, except those whose event was not sent yet (`keep`). */
    disconnected(keep: (id: number) => boolean): void;
    private _fail;
    private _take;
}
