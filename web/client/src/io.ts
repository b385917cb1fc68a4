// SPDX-License-Identifier: MIT

// This file holds io(), the entry point, which finds or creates the Manager of a socket.

import type { EventMapOf, EventsMap } from "./emitter.ts";
import { Manager, type Socket } from "./manager.ts";
import type { IoOptions } from "./options.ts";
import { parseTarget } from "./url.ts";

/** The revision of the Socket.IO protocol. */
export const protocol = 5;

/** Managers by server and path. It has an entry for each server that the program ever names. */
const managers = new Map<string, Manager>();

/**
 * Connects to a namespace: the path of the URL, on the server that the rest of the URL names (default: the page's).
 * Namespaces of one server share a connection, with the options of the first call. A second call for the same
 * namespace opens a connection of its own. Throws an Error for an invalid URL.
 */
export function io<Listen extends EventMapOf<Listen> = EventsMap, Emit extends EventMapOf<Emit> = Listen>(
  url?: string | IoOptions,
  options?: IoOptions,
): Socket<Listen, Emit> {
  const opts = (typeof url === "object" ? url : options) || {};
  const uri = typeof url === "string" ? url : undefined;
  const { secure, host, port, namespace } = parseTarget(uri);
  const key = [secure, host, port, opts.path || "/socket.io"].join();
  const known = managers.get(key);
  let manager: Manager;
  if (opts.forceNew || opts.multiplex === false || (known && known.nsps[namespace])) {
    manager = new Manager(uri, opts);
  } else {
    manager = known || new Manager(uri, opts);
    managers.set(key, manager);
  }
  return manager.socket<Listen, Emit>(namespace, opts);
}
