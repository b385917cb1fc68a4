/**
 * Watches for pings. The deadline is a moment of the wall clock, because timers stop while a computer sleeps and are
 * slowed down in a hidden page: whoever is about to send asks `late` first.
 */
export declare class Heartbeat {
    private readonly _window;
    private readonly _expired;
    private _deadline;
    private _timer;
    /** Calls `expired` when no ping came for `window` milliseconds. */
    constructor(_window: number, _expired: () => void);
    /** A ping came. */
    ping(): void;
    /** Whether a ping is overdue, whatever the timer thinks. */
    late(): boolean;
    /** Ends the watch. */
    stop(): void;
}
