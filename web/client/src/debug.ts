// SPDX-License-Identifier: MIT

// This file holds debug output about the client's actions, in the development bundle and in Node. The minified bundles
// have none: there DEBUG, which the build sets, is false, and each call is guarded by it.

import { debugPatterns, printLine } from "#platform";
import { isBinary } from "./engine/packet.ts";
import { dataSize } from "./engine/payload.ts";

/** The subject of a line, with the names of the reference. */
export type DebugName =
  | "socket.io-client:manager"
  | "socket.io-client:socket"
  | "engine.io-client:socket"
  | "engine.io-client:polling"
  | "engine.io-client:websocket";

/** The longest value that is printed in full, in characters. */
const MAX_VALUE = 500;

let patterns: string | undefined;
let wanted: RegExp[] = [];
let unwanted: RegExp[] = [];
let last = 0;

/**
 * Prints a line if `localStorage.debug`, or DEBUG in the environment, matches its subject: "socket.io*",
 * "*,-engine.io*" and so on. The setting is read each time, so a change takes effect at once. A text is printed as it
 * is, anything else as JSON with sizes in place of bytes.
 */
export function debug(name: DebugName, ...values: unknown[]): void {
  const text = debugPatterns() || "";
  if (text !== patterns) compile(text);
  if (!wanted.some((p) => p.test(name)) || unwanted.some((p) => p.test(name))) return;
  const now = Date.now();
  const since = last ? now - last : 0;
  last = now;
  printLine(`${name} ${values.filter((v) => v !== undefined).map(readable).join(" ")} +${since}ms`);
}

/** The name of a packet's type. */
export function packetName(type: number): string {
  return ["CONNECT", "DISCONNECT", "EVENT", "ACK", "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK"][type] || String(type);
}

function compile(text: string): void {
  patterns = text;
  const all = text.split(/[\s,]+/).filter((p) => p);
  const expression = (p: string): RegExp =>
    new RegExp(`^${p.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*")}$`);
  wanted = all.filter((p) => p[0] !== "-").map(expression);
  unwanted = all.filter((p) => p[0] === "-").map((p) => expression(p.slice(1)));
}

function readable(value: unknown): string {
  let text: string;
  if (typeof value === "string") {
    text = value;
  } else if (value instanceof Error) {
    const { description, context, cause } = value as { description?: unknown; context?: any; cause?: unknown };
    text = value.message;
    if (typeof description === "number") text += `, status ${description}`;
    else if (description && typeof (description as Error).message === "string") text += `, ${(description as Error).message}`;
    if (context && context.responseText) text += `, ${JSON.stringify(context.responseText)}`;
    if (cause) text += `, because of ${readable(cause)}`;
  } else if (isBinary(value)) {
    text = `<${dataSize(value)} bytes>`;
  } else {
    try {
      text = JSON.stringify(value, function (this: Record<string, unknown>, key, item: unknown) {
        // Some bytes have become something else by now.
        return isBinary(this[key]) ? readable(this[key]) : item;
      });
    } catch {
      text = String(value);
    }
  }
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}... (${text.length} characters)` : text;
}
