import { type AnyFunction } from "./emitter.js";
/** Who waits for an acknowledgement, and in which form. */
export interface AckWaiter {
    readonly fn: AnyFunction;
    /** Whether the first argument is an error or null. */
    readonly errorFirst: boolean;
    /** How long it waits, in milliseconds. */
    readonly timeout?: number;
}
/** Acknowledgements by their number. Each is called at most once. Bounded by what was emitted and not answered. */
export declare class Acks {
    private readonly _entries;
    /** Waits. `expired` runs before the waiter learns that its time is over. */
    add(id: number, waiter: AckWaiter, expired: () => void): void;
    /** The peer answered. Unknown numbers are ignored. */
    resolve(id: number, args: readonly unknown[]): void;
    /** The connection is gone: nobody will answer, but for those whose event has not left (`keep`). */
    disconnected(keep: (id: number) => boolean): void;
    private _fail;
    private _take;
}
