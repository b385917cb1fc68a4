// SPDX-License-Identifier: MIT

// This file holds the client's side of the heartbeat: the server pings, and a ping must come in time.

/** The longest delay a timer takes, in milliseconds. Beyond it, setTimeout fires at once. */
const MAX_DELAY = 0x7fffffff;

/**
 * Watches for pings. The deadline is a moment of the wall clock, because timers stop while a computer sleeps and are
 * slowed down in a hidden page: whoever is about to send asks `late` first.
 */
export class Heartbeat {
  private _deadline = Infinity;
  private _timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `expired` when no ping came for `window` milliseconds. */
  constructor(
    private readonly _window: number,
    private readonly _expired: () => void,
  ) {
    this.ping();
  }

  /** A ping came. */
  ping(): void {
    this._deadline = Date.now() + this._window;
    clearTimeout(this._timer);
    this._timer = setTimeout(this._expired, Math.min(this._window, MAX_DELAY));
  }

  /** Whether a ping is overdue, whatever the timer thinks. */
  late(): boolean {
    return Date.now() > this._deadline;
  }

  /** Ends the watch. */
  stop(): void {
    clearTimeout(this._timer);
  }
}
