// SPDX-License-Identifier: MIT

// This file holds the browser's side of platform.ts: windows and workers.

import type { Platform } from "./platform.ts";
import type { WebSocketClass } from "../types.ts";

/** Bytes turned into characters at once; far below the limit on a call's arguments. */
const CHUNK = 0x2000;

/** The debug setting: `localStorage.debug`. Workers have none, and access may be denied. */
export function debugPatterns(): string | undefined {
  try {
    return localStorage["debug"];
  } catch {
    return undefined;
  }
}

/** Prints a line. Not as console.debug, which browsers hide. */
export function printLine(line: string): void {
  console.log(line);
}

/** The browser. */
export const platform: Platform = {
  received: (buffer) => buffer,
  encodeBase64(bytes) {
    let text = "";
    for (let i = 0; i < bytes.length; i += CHUNK) {
      text += String.fromCharCode(...bytes.subarray(i, i + CHUNK));
    }
    return btoa(text);
  },
  decodeBase64(text) {
    let raw: string;
    try {
      raw = atob(text);
    } catch {
      return undefined;
    }
    const bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    return bytes.buffer;
  },
  webSocket: () => (typeof WebSocket === "function" ? (WebSocket as unknown as WebSocketClass) : undefined),
  dial: (cls, url, { protocols }) => (protocols ? new cls(url, protocols) : new cls(url)),
  newCookieJar: () => undefined,
};
