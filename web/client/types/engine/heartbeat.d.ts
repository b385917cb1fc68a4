/**
 * Watches for pings. The deadline is a wall clock time, because timers stop while a computer sleeps and are throttled
 * in a hidden page: check `late` before sending.
 */
export declare class Heartbeat {
    private readonly _window;
    private readonly _expired;
    private _deadline;
    private _timer;
    /** Calls `expired` when no ping has arrived for `window` milliseconds. */
    constructor(_window: number, _expired: () => void);
    /** Records a ping. */
    ping(): void;
    /** Whether a ping is overdue, independently of the timer. */
    late(): boolean;
    /** Ends the watch. */
    stop(): void;
}
