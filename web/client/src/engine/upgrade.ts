// SPDX-License-Identifier: MIT

// This file holds the move from polling to WebSocket.

import { TransportError } from "../errors.ts";
import type { PollingTransport } from "./transport_polling.ts";
import type { Transport, TransportHandler } from "./transport.ts";
import type { EnginePacket } from "./packet.ts";

/** The owner of an upgrade: its connection. One of the last two is called, once, unless it is aborted. */
export interface UpgradeOwner {
  /** The server answered the probe. Nothing may be sent until one of the others is called. */
  _onUpgrading(candidate: Transport): void;
  /** Polling has stopped and the server has been notified. The owner uses the candidate. */
  _onUpgraded(candidate: Transport): void;
  /** The session stays on polling, which has resumed. */
  _onUpgradeFailed(err: TransportError): void;
}

// Life of an Upgrade. Changed only by _setState.
//
//	probing ──pong "probe"──► pausing ──GET and POST ended──► ended (upgraded)
//	   └─ error · close · timeout ─┴──► ended (failed; polling resumes)
type State = "probing" | "pausing" | "ended";

/** Probes a candidate while polling continues, and switches without losing or reordering a message. */
export class Upgrade implements TransportHandler {
  private _state: State = "probing";
  private readonly _candidate: Transport;
  private readonly _timer: ReturnType<typeof setTimeout>;

  /** Starts the probe. It fails after `timeout` milliseconds without an answer. */
  constructor(
    make: (handler: TransportHandler) => Transport,
    private readonly _current: PollingTransport,
    private readonly _owner: UpgradeOwner,
    timeout: number,
  ) {
    this._timer = setTimeout(() => this._failed("timeout"), timeout);
    this._candidate = make(this);
    this._candidate.open();
  }

  /** Whether the switch has begun: nothing may be sent. */
  get switching(): boolean {
    return this._state === "pausing";
  }

  /** Ends the probe without a report. Polling is left as it is. */
  abort(): void {
    if (this._setState("ended")) this._candidate.discard();
  }

  _onTransportOpen(): void {
    this._candidate.send([{ type: "ping", data: "probe" }]);
  }

  _onPacket(packet: EnginePacket): void {
    if (this._state !== "probing" || packet.type !== "pong" || packet.data !== "probe") {
      this._failed("unexpected packet");
      return;
    }
    this._setState("pausing");
    this._owner._onUpgrading(this._candidate);
    // A listener of "upgrading" may have ended it.
    if (this.switching) this._current.pause(() => this._switch());
  }

  _onDrain(): void {
    // The probe has left. Nothing to do.
  }

  _onError(err: TransportError): void {
    this._failed(err.message, err.description);
  }

  _onTransportClose(): void {
    this._failed("transport closed");
  }

  private _switch(): void {
    if (!this._setState("ended")) return;
    this._candidate.send([{ type: "upgrade" }]);
    this._owner._onUpgraded(this._candidate);
  }

  private _failed(cause: string, description?: unknown): void {
    const paused = this.switching;
    if (!this._setState("ended")) return;
    this._candidate.discard();
    if (paused) this._current.resume();
    this._owner._onUpgradeFailed(new TransportError("probe error: " + cause, description));
  }

  private _setState(next: State): boolean {
    if (this._state === "ended") return false;
    this._state = next;
    if (next === "ended") clearTimeout(this._timer);
    return true;
  }
}
