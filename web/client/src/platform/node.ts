// SPDX-License-Identifier: MIT

// This file holds Node's side of platform.ts. The `ws` package is used when it is installed, else the WebSocket that
// comes with Node 22 and later.

import type { CookieJar, Platform, WebSocketClass } from "./platform.ts";

/** Node. */
export const platform: Platform = {
  received: (buffer) => Buffer.from(buffer),
  encodeBase64: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64"),
  decodeBase64: (text) => Buffer.from(text, "base64"),
  async webSocket() {
    try {
      return ((await import("ws")) as { WebSocket: unknown }).WebSocket as WebSocketClass;
    } catch {
      return typeof WebSocket === "function" ? (WebSocket as unknown as WebSocketClass) : undefined;
    }
  },
  dial(cls, url, { protocols, extraHeaders, webSocketOptions }, cookies) {
    const cookie = cookies && cookies.header();
    const headers = { ...(cookie && { cookie }), ...extraHeaders };
    return new cls(url, protocols || [], { ...webSocketOptions, headers } as never);
  },
  newCookieJar,
};

/** Upper bound on the cookies of one connection; more are ignored. */
const MAX_COOKIES = 64;

/** A jar for one server: names and values, and `Max-Age=0` or a past date removes. Enough for sticky sessions. */
function newCookieJar(): CookieJar {
  const cookies = new Map<string, string>();
  return {
    store(headers) {
      for (const line of headers.getSetCookie()) {
        const [pair = "", ...attributes] = line.split(";");
        const eq = pair.indexOf("=");
        if (eq < 1) continue;
        const name = pair.slice(0, eq).trim();
        if (attributes.some(isExpired)) cookies.delete(name);
        else if (cookies.has(name) || cookies.size < MAX_COOKIES) cookies.set(name, pair.slice(eq + 1).trim());
      }
    },
    header: () => [...cookies].map(([name, value]) => `${name}=${value}`).join("; "),
  };
}

function isExpired(attribute: string): boolean {
  const [name = "", value = ""] = attribute.split("=");
  switch (name.trim().toLowerCase()) {
    case "max-age":
      return Number(value) <= 0;
    case "expires":
      return Date.parse(value) <= Date.now();
    default:
      return false;
  }
}
