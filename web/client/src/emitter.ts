// SPDX-License-Identifier: MIT

// This file holds the listener table that Manager, Socket and Conn share.
// There is no public method to fire an event: only the owner does.

/**
 * A map from event name to the type of its listener. The default accepts any event with any arguments; this is the one
 * place where `any` is public, so that untyped use works without casts.
 */
export interface EventsMap {
  [event: string]: (...args: any[]) => void;
}

/** Replaces an events map that is an interface without an index signature. */
export type EventMapOf<T> = { [K in keyof T]: (...args: any[]) => void };

/** The names of an events map. */
export type EventNames<M> = keyof M & string;

/** The listener type of one event. */
export type Listener<M, K extends keyof M> = M[K];

/** A listener as it is stored. */
export type AnyFunction = (...args: never[]) => void;

/**
 * Runs a listener of the application. An exception is reported as an uncaught error, in a later task, so that it can
 * neither skip other listeners nor interrupt the processing of a packet.
 *
 * @internal
 */
export function callSafely(fn: AnyFunction, args: readonly unknown[]): void {
  try {
    fn(...(args as never[]));
  } catch (err) {
    setTimeout(() => {
      throw err;
    });
  }
}

interface Entry {
  readonly fn: AnyFunction;
  readonly once: boolean;
}

/** Listeners by event name. Adding the same function twice calls it twice. */
export class Emitter<Events extends EventMapOf<Events>> {
  private readonly _listeners = new Map<string, Entry[]>();

  /** Adds a listener. */
  on<K extends EventNames<Events>>(event: K, listener: Listener<Events, K>): this {
    return this._add(event, listener, false);
  }

  /** Adds a listener that is removed before its first call. */
  once<K extends EventNames<Events>>(event: K, listener: Listener<Events, K>): this {
    return this._add(event, listener, true);
  }

  /** Removes one listener, all listeners of an event, or all listeners. */
  off<K extends EventNames<Events>>(event?: K, listener?: Listener<Events, K>): this {
    if (event === undefined) {
      this._listeners.clear();
    } else if (listener === undefined) {
      this._listeners.delete(event);
    } else {
      const list = this._listeners.get(event) || [];
      this._remove(event, list.find((l) => l.fn === listener));
    }
    return this;
  }

  /** The listeners of an event, in the order they will be called. */
  listeners<K extends EventNames<Events>>(event: K): Listener<Events, K>[] {
    return (this._listeners.get(event) || []).map((l) => l.fn as Listener<Events, K>);
  }

  /** Whether an event has listeners. */
  hasListeners(event: EventNames<Events>): boolean {
    return this._listeners.has(event);
  }

  /** Same as `on`. */
  addEventListener<K extends EventNames<Events>>(event: K, listener: Listener<Events, K>): this {
    return this.on(event, listener);
  }

  /** Same as `off`. */
  removeListener<K extends EventNames<Events>>(event?: K, listener?: Listener<Events, K>): this {
    return this.off(event, listener);
  }

  /** Same as `off`. */
  removeEventListener<K extends EventNames<Events>>(event?: K, listener?: Listener<Events, K>): this {
    return this.off(event, listener);
  }

  /** Same as `off` without a listener. */
  removeAllListeners<K extends EventNames<Events>>(event?: K): this {
    return this.off(event);
  }

  /** @internal Calls the current listeners of an event. */
  _fire(event: string, args: readonly unknown[]): void {
    const list = this._listeners.get(event);
    if (!list) return;
    for (const l of list) {
      if (l.once) this._remove(event, l);
      callSafely(l.fn, args);
    }
  }

  // _add and _remove make a new array each time: _fire may be iterating over the old one.

  private _add(event: string, fn: AnyFunction, once: boolean): this {
    this._listeners.set(event, [...(this._listeners.get(event) || []), { fn, once }]);
    return this;
  }

  private _remove(event: string, entry: Entry | undefined): void {
    const rest = (this._listeners.get(event) || []).filter((l) => l !== entry);
    if (rest.length) this._listeners.set(event, rest);
    else this._listeners.delete(event);
  }
}
