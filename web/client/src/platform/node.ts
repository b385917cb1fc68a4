// SPDX-License-Identifier: MIT

// This file holds Node's side of platform.ts. The `ws` package is used when it is installed, else the WebSocket that
// comes with Node 22 and later.

import { createRequire } from "node:module";
import type { CookieJar, Platform } from "./platform.ts";
import type { WebSocketClass } from "../types.ts";

/** The debug setting: the variable DEBUG. */
export function debugPatterns(): string | undefined {
  return process.env["DEBUG"];
}

/** Prints a line, on the standard error. */
export function printLine(line: string): void {
  console.error(line);
}

/** Node. */
export const platform: Platform = {
  received: (buffer) => Buffer.from(buffer),
  encodeBase64: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64"),
  decodeBase64: (text) => Buffer.from(text, "base64"),
  async webSocket() {
    try {
      return ((await import("ws")) as { WebSocket: unknown }).WebSocket as WebSocketClass;
    } catch {
      const global = typeof WebSocket === "function" ? (WebSocket as unknown as WebSocketClass) : undefined;
      return wsOfProgram() || global;
    }
  },
  dial(cls, url, { protocols, extraHeaders, webSocketOptions }, cookies) {
    const cookie = cookies && cookies.header();
    const headers = { ...(cookie && { cookie }), ...extraHeaders };
    return new cls(url, protocols || [], { ...webSocketOptions, headers } as never);
  },
  newCookieJar,
};

/** The `ws` package as the program finds it: a client linked from a checkout would find another. */
function wsOfProgram(): WebSocketClass | undefined {
  try {
    return (createRequire(process.argv[1]!)("ws") as { WebSocket: WebSocketClass }).WebSocket;
  } catch {
    return undefined;
  }
}

/** Upper bound on the cookies of one connection; more are ignored. */
const MAX_COOKIES = 64;
/** The longest cookie that is kept, in characters, as in browsers. */
const MAX_COOKIE = 4096;

interface Cookie {
  readonly value: string;
  /** In milliseconds since 1970. Infinity: the life of the connection. */
  readonly expires: number;
}

/** A jar for one server, for sticky sessions. As in the reference, Path and Domain are ignored. */
function newCookieJar(): CookieJar {
  const cookies = new Map<string, Cookie>();
  const expire = (): void => {
    const now = Date.now();
    for (const [name, { expires }] of cookies) if (expires <= now) cookies.delete(name);
  };
  return {
    store(headers) {
      // Not every `fetch` option answers with the method.
      for (const line of headers.getSetCookie ? headers.getSetCookie() : []) {
        const [pair = "", ...attributes] = line.split(";");
        const eq = pair.indexOf("=");
        const name = pair.slice(0, Math.max(eq, 0)).trim();
        if (!name || pair.length > MAX_COOKIE || /[\x00-\x08\x0a-\x1f\x7f]/.test(pair)) continue;
        expire();
        if (cookies.size >= MAX_COOKIES && !cookies.has(name)) continue;
        cookies.set(name, { value: pair.slice(eq + 1).trim().replace(/^"(.*)"$/, "$1"), expires: expiry(attributes) });
      }
    },
    header() {
      expire();
      return [...cookies].map(([name, { value }]) => `${name}=${value}`).join("; ");
    },
  };
}

/** When a cookie expires. Max-Age precedes Expires; an invalid lifetime has expired (RFC 6265, 5.2). */
function expiry(attributes: readonly string[]): number {
  let expires: number | undefined;
  let maxAge: number | undefined;
  for (const attribute of attributes) {
    const eq = attribute.indexOf("=");
    if (eq < 0) continue;
    const value = attribute.slice(eq + 1).trim();
    switch (attribute.slice(0, eq).trim().toLowerCase()) {
      case "max-age":
        maxAge = parseInt(value, 10);
        break;
      case "expires":
        expires = Date.parse(value);
    }
  }
  if (maxAge !== undefined) return maxAge > 0 ? Date.now() + maxAge * 1000 : 0;
  return expires === undefined ? Infinity : expires || 0;
}
