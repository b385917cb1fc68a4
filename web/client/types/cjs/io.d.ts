import type { EventMapOf, EventsMap } from "./emitter.js";
import { type Socket } from "./manager.js";
import type { IoOptions } from "./options.js";
/** The revision of the Socket.IO protocol. */
export declare const protocol = 5;
/**
 * Connects to a namespace: the path of the URL, on the server that the rest of the URL names (default: the page's).
 * Namespaces of one server share a connection, with the options of the first call. A second call for the same
 * namespace opens a connection of its own. Throws an Error for an invalid URL.
 */
export declare function io<Listen extends EventMapOf<Listen> = EventsMap, Emit extends EventMapOf<Emit> = Listen>(url?: string | IoOptions, options?: IoOptions): Socket<Listen, Emit>;
