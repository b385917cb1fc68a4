// SPDX-License-Identifier: MIT

// This file holds the delays of a reconnection, including those that a server requests when it shuts down.

import { TransportError, type DisconnectDetails } from "./errors.ts";
import type { ReconnectOptions } from "./options.ts";

/** A connection that was open for less time, in milliseconds, does not reset the delay. */
const STABLE = 10000;
/** The longest delay that a server may request, in milliseconds. */
const MAX_RETRY_AFTER = 300000;

/** The delays between attempts. */
export class Backoff {
  private _exponent = 0;

  constructor(private readonly _options: ReconnectOptions) {}

  /**
   * The next delay in milliseconds: base * 2^n up to the maximum, then the jitter. (Jitter below the maximum would
   * make all clients wait exactly the maximum, and reconnect together.)
   */
  next(): number {
    const { reconnectionDelay: base = 0, reconnectionDelayMax: max = 0, randomizationFactor: factor = 0.5 } = this._options;
    const jitter = factor > 0 && factor <= 1 ? factor : 0;
    const delay = Math.min((base || 1000) * Math.pow(2, this._exponent), max || 5000);
    // 2^30 times the base is past any sensible maximum.
    this._exponent = Math.min(this._exponent + 1, 30);
    return Math.round(delay * (1 + jitter * (2 * Math.random() - 1)));
  }

  /** The first delay after a server that restarts or is overloaded: anywhere up to the base, to spread its clients. */
  spread(): number {
    return Math.round(Math.random() * (this._options.reconnectionDelay || 1000));
  }

  /** Starts again from the base. */
  reset(): void {
    this._exponent = 0;
  }
}

/** The state between attempts. */
export class Reconnect {
  /** The number of attempts since a server last answered a socket: an open connection alone may be useless. */
  attempts = 0;
  private readonly _backoff: Backoff;
  private _openedAt = 0;

  constructor(private readonly _options: ReconnectOptions) {
    this._backoff = new Backoff(_options);
  }

  /** Whether another attempt is allowed. */
  get exhausted(): boolean {
    return this.attempts >= (this._options.reconnectionAttempts || Infinity);
  }

  /** The connection is open. */
  opened(): void {
    this._openedAt = Date.now();
  }

  /** The connection is useful: a socket is connected. */
  answered(): void {
    this.attempts = 0;
  }

  /** The connection was lost. A server that repeatedly accepts and closes is not overloaded. */
  lost(): void {
    if (Date.now() - this._openedAt >= STABLE) this._backoff.reset();
  }

  /** An intentional close resets the delay. */
  reset(): void {
    this.attempts = 0;
    this._backoff.reset();
  }

  /** The delay before the next attempt, in milliseconds, depending on its reason. */
  delay(why: DisconnectDetails | undefined): number {
    const first = this.attempts === 0;
    let delay = first && isGoingAway(why) ? this._backoff.spread() : this._backoff.next();
    if (why instanceof TransportError && why.retryAfter) {
      delay += Math.min(why.retryAfter, MAX_RETRY_AFTER);
    }
    return delay;
  }
}

/** Whether the server restarts or is overloaded: WebSocket 1001, 1012, 1013, or HTTP 503. */
function isGoingAway(why: DisconnectDetails | undefined): boolean {
  if (!why) return false;
  if (why instanceof Error) return why instanceof TransportError && why.description === 503;
  const code = why.context && (why.context as { code?: unknown }).code;
  return code === 1001 || code === 1012 || code === 1013;
}
