import type { EventMapOf, EventsMap } from "./emitter.js";
import { type Socket } from "./manager.js";
import type { IoOptions } from "./options.js";
/** The revision of the Socket.IO protocol. */
export declare const protocol = 5;
/**
 * Connects to a namespace: the path of the URL, on the server the rest of it names (default: the page's). Namespaces of
 * one server share a connection, and with it the options of whoever came first. The same namespace a second time gets a
 * connection of its own. Throws an Error for a URL without sense.
 */
export declare function io<Listen extends EventMapOf<Listen> = EventsMap, Emit extends EventMapOf<Emit> = Listen>(url?: string | IoOptions, options?: IoOptions): Socket<Listen, Emit>;
