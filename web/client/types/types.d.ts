import type { EventMapOf, EventNames } from "./emitter.js";
/** The parameters of an event, its acknowledgement included. */
export type EventParams<M extends EventMapOf<M>, K extends EventNames<M>> = Parameters<M[K]>;
type Last<T extends unknown[]> = T extends [...unknown[], infer L] ? L : T extends (infer E)[] ? E : never;
type AllButLast<T extends unknown[]> = T extends [...infer H, unknown] ? H : T;
/** The parameters of an event without its acknowledgement. */
export type ParamsWithoutAck<M extends EventMapOf<M>, K extends EventNames<M>> = AllButLast<EventParams<M, K>>;
/** What an event is answered with: the first argument of its acknowledgement. */
export type AckResult<M extends EventMapOf<M>, K extends EventNames<M>> = Last<EventParams<M, K>> extends (...args: infer A) => any ? A[0] : Last<EventParams<M, K>>;
type WithError<F> = F extends (...args: infer A) => any ? {
    f(err: Error | null, ...args: A): void;
}["f"] : F;
type DecoratedParams<T extends unknown[]> = T extends [...infer H, infer L] ? [...H, WithError<L>] : T;
/** An events map in which each acknowledgement takes an error first: that of `timeout(ms)`. */
export type WithTimeout<M extends EventMapOf<M>> = {
    [K in keyof M]: (...args: DecoratedParams<Parameters<M[K]>>) => void;
};
export {};
