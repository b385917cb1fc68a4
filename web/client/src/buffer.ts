// SPDX-License-Identifier: MIT

// This file holds waiting events: those emitted while offline, and those that are sent again until acknowledged.

import type { AckWaiter } from "./acks.ts";
import { callSafely } from "./emitter.ts";
import { HandlerError } from "./errors.ts";
import { MESSAGE_OVERHEAD } from "./engine/conn.ts";
import type { Data } from "./types.ts";
import { dataSize } from "./engine/payload.ts";

/**
 * An event that waits for a connection: a member of `socket.sendBuffer`. It was encoded when it was emitted, so later
 * changes have no effect. One that the application adds is encoded when it is sent.
 */
export interface BufferedEvent {
  /** The type of its packet: 2. */
  readonly type: number;
  /** Its name and arguments. */
  // any: any event, so any arguments
  readonly data: readonly any[];
  /** The number of its acknowledgement, if one is wanted. */
  readonly id?: number | undefined;
}

/** An event and its messages. */
export interface OutgoingEvent extends BufferedEvent {
  readonly messages: readonly Data[];
}

/** @internal The size of an event towards the `maxBuffer` option. */
export function eventSize(event: BufferedEvent): number {
  const { messages = [] } = event as Partial<OutgoingEvent>;
  return messages.reduce((sum, message) => sum + dataSize(message), MESSAGE_OVERHEAD * (messages.length || 1));
}

/** @internal The size of `socket.sendBuffer`. It remembers counted events: the application may change the array. */
export class Meter {
  private _list: readonly BufferedEvent[] = [];
  private _first: BufferedEvent | undefined;
  private _count = 0;
  private _size = 0;

  /** The size of the events towards `maxBuffer`. Those in the middle are recounted only if `all` is set. */
  size(list: readonly BufferedEvent[], all = false): number {
    if (all || list !== this._list || list.length < this._count || list[0] !== this._first) this._count = this._size = 0;
    this._list = list;
    this._first = list[0];
    while (this._count < list.length) this._size += eventSize(list[this._count++]!);
    return this._size;
  }
}

interface Retry {
  readonly event: OutgoingEvent;
  readonly waiter: AckWaiter | undefined;
  readonly timeout: number;
  tries: number;
}

/**
 * Sends events one at a time, each until it is acknowledged or its attempts are exhausted. All attempts have the same
 * acknowledgement number, so a late answer to an earlier one counts. The socket keeps the queue within `maxBuffer`.
 */
export class RetryQueue {
  /** Its size towards `maxBuffer`. */
  size = 0;
  private readonly _queue: Retry[] = [];
  private _inFlight = false;

  /** `isConnected` and `sendTry` are those of its socket; sendTry calls its waiter once, an error or null first. */
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

  /** Sends the first event unless it has been sent. After a reconnection it is sent again (`again`). */
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
