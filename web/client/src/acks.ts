// SPDX-License-Identifier: MIT

// This file holds the acknowledgements a socket waits for.

import { callSafely, type AnyFunction } from "./emitter.ts";
import { HandlerError } from "./errors.ts";
import { isObject } from "./parser/packet.ts";

/** A callback that waits for an acknowledgement, and its form. */
export interface AckWaiter {
  readonly fn: AnyFunction;
  /** Whether the first argument is an error or null. */
  readonly errorFirst: boolean;
  /** The time limit, in milliseconds. */
  readonly timeout?: number;
}

interface Entry extends AckWaiter {
  readonly timer: ReturnType<typeof setTimeout> | undefined;
}

/** Awaited acknowledgements by number. Each is called at most once. Bounded by the unanswered events. */
export class Acks {
  /** The number of waiters that were dropped, because they take no error. */
  dropped = 0;
  private readonly _entries = new Map<number, Entry>();

  /** `lost` is called for each waiter that is dropped. */
  constructor(private readonly _lost: (id: number) => void) {}

  /** Registers a waiter. At its timeout `expired` runs before the waiter is called. */
  add(id: number, waiter: AckWaiter, expired: () => void): void {
    const { timeout } = waiter;
    const timer =
      timeout === undefined
        ? undefined
        : setTimeout(() => {
            expired();
            this.fail(id, "operation has timed out");
          }, timeout);
    this._entries.set(id, { ...waiter, timer });
  }

  /** The peer answered. Unknown numbers are ignored. */
  resolve(id: number, args: readonly unknown[]): void {
    const entry = this._take(id);
    if (!entry) return;
    if (entry.errorFirst) {
      const err = handlerError(args);
      callSafely(entry.fn, err ? [err] : [null, ...args]);
    } else {
      callSafely(entry.fn, args);
    }
  }

  /** Fails all waiters because the connection is lost, except those whose event was not sent yet (`keep`). */
  disconnected(keep: (id: number) => boolean): void {
    for (const id of Array.from(this._entries.keys())) {
      if (!keep(id)) this.fail(id, "socket has been disconnected");
    }
  }

  /** Ends a wait without an answer. */
  fail(id: number, message: string): void {
    const entry = this._take(id);
    if (!entry) return;
    if (entry.errorFirst) {
      callSafely(entry.fn, [new Error(message)]);
    } else {
      this.dropped++;
      this._lost(id);
    }
  }

  private _take(id: number): Entry | undefined {
    const entry = this._entries.get(id);
    this._entries.delete(id);
    if (entry) clearTimeout(entry.timer);
    return entry;
  }
}

/** The error in `{"error": {"message", "code"}}`, if the acknowledgement consists only of that. */
function handlerError(args: readonly unknown[]): HandlerError | undefined {
  const reply = args[0];
  if (args.length !== 1 || !isObject(reply) || Object.keys(reply).join() !== "error") return undefined;
  const err = reply["error"];
  if (!isObject(err) || Object.keys(err).sort().join() !== "code,message") return undefined;
  const { message, code } = err;
  return typeof message === "string" && (typeof code === "string" || typeof code === "number")
    ? new HandlerError(message, code)
    : undefined;
}
