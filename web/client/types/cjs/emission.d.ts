import type { EventMapOf, EventNames } from "./emitter.js";
import type { AckResult, EventParams, ParamsWithoutAck, WithTimeout } from "./types.js";
/** How one event is sent. */
export interface EmitFlags {
    readonly volatile?: boolean;
    /** In milliseconds. */
    readonly timeout?: number;
}
/** What an Emission needs from its socket. */
export interface FlaggedEmitter {
}
/**
 * `socket.volatile`, `socket.timeout(ms)` and what follows from them. Each step makes a new value; a value may be kept
 * and used again. Emit is the events map as this value's callbacks see it, Plain the one without a timeout.
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
    /** The event may be lost. */
    get volatile(): Emission<Emit, Plain>;
    /** The acknowledgement must come within so many milliseconds. */
    timeout(ms: number): Emission<WithTimeout<Plain>, Plain>;
    /** Whether the event is worth compressing. The client leaves that to the transport. */
    compress(_compress: boolean): this;
}
