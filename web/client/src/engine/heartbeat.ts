// SPDX-License-Identifier: MIT

// This file holds the client's side of the heartbeat: the server pings, and each ping must arrive in time.

/** The longest delay of a timer, in milliseconds. Beyond it, setTimeout fires at once. */
const MAX_DELAY = 0x7fffffff;

/**
 * Watches for pings. The deadline is a wall clock time, because timers stop while a computer sleeps and are throttled
 * in a hidden page: check `late` before sending.
 */
export class Heartbeat {
  private _deadline = Infinity;
  private _timer: ReturnType<typeof setTimeout> | undefined;

  /** Calls `expired` when no ping has arrived for `window` milliseconds. */
  constructor(
    private readonly _window: number,
    private readonly _expired: () => void,
  ) {
    this.ping();
  }

  /** Records a ping. */
  ping(): void {
    this._deadline = Date.now() + this._window;
    clearTimeout(this._timer);
    this._timer = setTimeout(this._expired, Math.min(this._window, MAX_DELAY));
  }

  /** Whether a ping is overdue, independently of the timer. */
  late(): boolean {
    return Date.now() > this._deadline;
  }

  /** Ends the watch. */
  stop(): void {
    clearTimeout(this._timer);
  }
}
