/**
 * A map from event name to the type of its listener. The default accepts any event with any arguments; this is the one
 * place where `any` is public, so that untyped use works without casts.
 */
export interface EventsMap {
    [event: string]: (...args: any[]) => void;
}
/** Replaces an events map that is an interface without an index signature. */
export type EventMapOf<T> = {
    [K in keyof T]: (...args: any[]) => void;
};
/** The names of an events map. */
export type EventNames<M> = keyof M & string;
/** The listener type of one event. */
export type Listener<M, K extends keyof M> = M[K];
/** A listener as it is stored. */
export type AnyFunction = (...args: never[]) => void;
/** Listeners by event name. Adding the same function twice calls it twice. */
export declare class Emitter<Events extends EventMapOf<Events>> {
    private readonly _listeners;
    /** Adds a listener. */
    on<K extends EventNames<Events>>(event: K, listener: Listener<Events, K>): this;
    /** Adds a listener that is removed before its first call. */
    once<K extends EventNames<Events>>(event: K, listener: Listener<Events, K>): this;
    /** Removes one listener, all listeners of an event, or all listeners. */
    off<K extends EventNames<Events>>(event?: K, listener?: Listener<Events, K>): this;
    /** The listeners of an event, in the order they will be called. */
    listeners<K extends EventNames<Events>>(event: K): Listener<Events, K>[];
    /** Whether an event has listeners. */
    hasListeners(event: EventNames<Events>): boolean;
    /** Same as `on`. */
    addEventListener<K extends EventNames<Events>>(event: K, listener: Listener<Events, K>): this;
    /** Same as `off`. */
    removeListener<K extends EventNames<Events>>(event?: K, listener?: Listener<Events, K>): this;
    /** Same as `off`. */
    removeEventListener<K extends EventNames<Events>>(event?: K, listener?: Listener<Events, K>): this;
    /** Same as `off` without a listener. */
    removeAllListeners<K extends EventNames<Events>>(event?: K): this;
    private _add;
    private _remove;
}
