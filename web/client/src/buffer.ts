// SPDX-License-Identifier: MIT

// This file holds what waits: events emitted while offline, and events that are sent again until acknowledged.

import type { AckWaiter } from "./acks.ts";
import { callSafely } from "./emitter.ts";
import { HandlerError } from "./errors.ts";
import { MESSAGE_OVERHEAD } from "./engine/conn.ts";
import type { Data } from "./engine/packet.ts";
import { dataSize } from "./engine/payload.ts";

/** An event, encoded when it was emitted. */
export interface OutgoingEvent {
  /** Its name and arguments, for those who watch what is sent. */
  readonly args: readonly unknown[];
  /** Its messages. */
  readonly messages: readonly Data[];
  /** The number of its acknowledgement, if one is wanted. */
  readonly id: number | undefined;
}

/** What an event counts against the `maxBuffer` option. */
export function eventSize(event: OutgoingEvent): number {
  return event.messages.reduce((sum, message) => sum + MESSAGE_OVERHEAD + dataSize(message), 0);
}

/** Events in the order they were emitted, while there is no connection. The socket keeps it within `maxBuffer`. */
export class OfflineBuffer {
  /** What it counts against `maxBuffer`. */
  size = 0;
  private _events: OutgoingEvent[] = [];

  /** Adds an event at the end. */
  push(event: OutgoingEvent): void {
    this._events.push(event);
    this.size += eventSize(event);
  }

  /** Takes all events out. */
  drain(): OutgoingEvent[] {
    const events = this._events;
    this._events = [];
    this.size = 0;
    return events;
  }

  /** Whether the event with this acknowledgement is here. */
  has(id: number): boolean {
    return this._events.some((event) => event.id === id);
  }

  /** Forgets the event with this acknowledgement. */
  remove(id: number): void {
    const event = this._events.find((e) => e.id === id);
    if (!event) return;
    this._events.splice(this._events.indexOf(event), 1);
    this.size -= eventSize(event);
  }

  /** The events, for reading. */
  list(): readonly OutgoingEvent[] {
    return this._events;
  }
}

interface Retry {
  readonly event: OutgoingEvent;
  readonly waiter: AckWaiter | undefined;
  readonly timeout: number;
  tries: number;
}

/**
 * Sends events one at a time, each until it is acknowledged or its tries are used up. Each try has the same
 * acknowledgement number, so that the answer to an earlier one counts. The socket keeps it within `maxBuffer`.
 */
export class RetryQueue {
  /** What it counts against `maxBuffer`. */
  size = 0;
  private readonly _queue: Retry[] = [];
  private _inFlight = false;

  /** `isConnected` and `sendTry` are its socket's; sendTry answers its waiter once, with an error or null first. */
  constructor(
    private readonly _retries: number,
    private readonly _isConnected: () => boolean,
    private readonly _sendTry: (event: OutgoingEvent, waiter: AckWaiter) => void,
  ) {}

  /** Adds an event at the end. Its waiter gets an error or null first; `timeout` is for each try, in milliseconds. */
  push(event: OutgoingEvent, waiter: AckWaiter | undefined, timeout: number): void {
    this._queue.push({ event, waiter, timeout, tries: 0 });
    this.size += eventSize(event);
    this.send();
  }

  /** Sends the first event unless it is on its way. After a reconnection it is sent again (`again`). */
  send(again = false): void {
    const item = this._queue[0];
    if (!item || !this._isConnected() || (this._inFlight && !again)) return;
    this._inFlight = true;
    item.tries++;
    const fn = (err: Error | null, ...args: unknown[]): void => {
      if (this._queue[0] !== item) return;
      this._inFlight = false;
      // A handler that failed has answered.
      if (!err || err instanceof HandlerError || item.tries > this._retries) {
        this._queue.shift();
        this.size -= eventSize(item.event);
        if (item.waiter) callSafely(item.waiter.fn, err ? [err] : [null, ...args]);
      }
      this.send();
    };
    this._sendTry(item.event, { fn: fn as AckWaiter["fn"], errorFirst: true, timeout: item.timeout });
  }
}
