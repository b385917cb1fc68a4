// SPDX-License-Identifier: MIT

// This file holds Emission: how an event is sent, as a value.

import type { EventMapOf, EventNames } from "./emitter.ts";
import type { AckResult, EventParams, ParamsWithoutAck, WithTimeout } from "./types.ts";

/** How an event is sent. */
export interface EmitFlags {
  readonly volatile?: boolean;
  /** In milliseconds. */
  readonly timeout?: number;
}

/** The part of a socket that an Emission uses. */
export interface FlaggedEmitter {
  /** @internal */
  _emit(flags: EmitFlags, event: string, args: readonly unknown[]): void;
  /** @internal */
  _emitWithAck(flags: EmitFlags, event: string, args: readonly unknown[]): Promise<unknown>;
}

/**
 * The result of `socket.volatile`, `socket.timeout(ms)` and their methods. Each method returns a new value; a value
 * may be kept and reused. Emit is the events map as this value's callbacks see it, Plain the one without a timeout.
 */
export class Emission<Emit extends EventMapOf<Emit>, Plain extends EventMapOf<Plain> = Emit> {
  /** @internal */
  constructor(
    private readonly _emitter: FlaggedEmitter,
    private readonly _flags: EmitFlags,
  ) {}

  /** Sends an event: see `Socket.emit`. */
  emit<K extends EventNames<Emit>>(event: K, ...args: EventParams<Emit, K>): this {
    this._emitter._emit(this._flags, event, args);
    return this;
  }

  /** Sends an event and waits for its acknowledgement: see `Socket.emitWithAck`. */
  emitWithAck<K extends EventNames<Plain>>(event: K, ...args: ParamsWithoutAck<Plain, K>): Promise<AckResult<Plain, K>> {
    return this._emitter._emitWithAck(this._flags, event, args) as Promise<AckResult<Plain, K>>;
  }

  /** Sends a `message` event. */
  send(...args: unknown[]): this {
    this._emitter._emit(this._flags, "message", args);
    return this;
  }

  /** Drops the event if it can't be sent immediately. */
  get volatile(): Emission<Emit, Plain> {
    return new Emission<Emit, Plain>(this._emitter, { ...this._flags, volatile: true });
  }

  /** Sets the time limit of the acknowledgement, in milliseconds. */
  timeout(ms: number): Emission<WithTimeout<Plain>, Plain> {
    return new Emission<WithTimeout<Plain>, Plain>(this._emitter, { ...this._flags, timeout: ms });
  }

  /** Sets whether the event should be compressed. The client leaves that to the transport. */
  compress(_compress: boolean): this {
    return this;
  }
}
