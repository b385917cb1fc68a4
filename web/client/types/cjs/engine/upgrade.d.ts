import { TransportError } from "../errors.js";
import type { PollingTransport } from "./transport_polling.js";
import type { Transport, TransportHandler } from "./transport.js";
import type { EnginePacket } from "./packet.js";
/** The owner of an upgrade: its connection. One of the last two is called, once, unless it is aborted. */
export interface UpgradeOwner {
    /** The server answered the probe. Nothing may be sent until one of the others is called. */
    _onUpgrading(candidate: Transport): void;
    /** Polling has stopped and the server has been notified. The owner uses the candidate. */
    _onUpgraded(candidate: Transport): void;
    /** The session stays on polling, which has resumed. */
    _onUpgradeFailed(err: TransportError): void;
}
/** Probes a candidate while polling continues, and switches without losing or reordering a message. */
export declare class Upgrade implements TransportHandler {
    private readonly _current;
    private readonly _owner;
    private _state;
    private readonly _candidate;
    private readonly _timer;
    /** Starts the probe. It fails after `timeout` milliseconds without an answer. */
    constructor(make: (handler: TransportHandler) => Transport, _current: PollingTransport, _owner: UpgradeOwner, timeout: number);
    /** Whether the switch has begun: nothing may be sent. */
    get switching(): boolean;
    /** Ends the probe without a report. Polling is left as it is. */
    abort(): void;
    _onTransportOpen(): void;
    _onPacket(packet: EnginePacket): void;
    _onDrain(): void;
    _onError(err: TransportError): void;
    _onTransportClose(): void;
    private _switch;
    private _failed;
    private _setState;
}
