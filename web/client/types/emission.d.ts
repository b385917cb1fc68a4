import type { EventMapOf, EventNames } from "./emitter.js";
import type { AckResult, EventParams, ParamsWithoutAck, WithTimeout } from "./types.js";
/** How an event is sent. */
export interface EmitFlags {
    readonly volatile?: boolean;
    /** In milliseconds. */
    readonly timeout?: number;
}
/** The part of a socket that an Emission uses. */
export interface FlaggedEmitter {
}
/**
 * The result of `socket.volatile`, `socket.timeout(ms)` and their methods. Each method returns a new value; a value
 * may be kept and reused. Emit is the events map as this value's callbacks see it, Plain the one without a timeout.
 */
export declare class Emission<Emit extends EventMapOf<Emit>, Plain extends EventMapOf<Plain> = Emit> {
    private readonly _emitter;
    private readonly _flags;
    /** Sends an event: see `Socket.emit`. */
    emit<K extends EventNames<Emit>>(event: K, ...args: EventParams<Emit, K>): this;
    /** Sends an event and waits for its acknowledgement: see `Socket.emitWithAck`. */
    emitWithAck<K extends EventNames<Plain>>(event: K, ...args: ParamsWithoutAck<Plain, K>): Promise<AckResult<Plain, K>>;
    /** Sends a `message` event. */
    send(...args: unknown[]): this;
    /** Drops the event if it can't be sent immediately. */
    get volatile(): Emission<Emit, Plain>;
    /** Sets the time limit of the acknowledgement, in milliseconds. */
    timeout(ms: number): Emission<WithTimeout<Plain>, Plain>;
    /** Sets whether the event should be compressed. The client leaves that to the transport. */
    compress(_compress: boolean): this;
}
