// SPDX-License-Identifier: MIT

// This file turns the URL given to io() into a server and a namespace.

/** Longest accepted URL, in characters. */
const MAX_LENGTH = 8000;

// scheme, userinfo (ignored), host, port, path, query, hash (ignored). The path is the namespace and must stay as it
// was written, which `new URL` would not do.
const ABSOLUTE = /^(https?|wss?):\/\/(?:[^/?#@]*@)?(\[[^\]/?#]*\]|[^:/?#[\]]+)(?::(\d{0,5}))?(\/[^?#]*)?(?:\?([^#]*))?(?:#.*)?$/i;

/** The address of a server, and the rest of the URL. */
export interface Target {
  readonly secure: boolean;
  /** Without port; an IPv6 address in brackets. */
  readonly host: string;
  /** Never empty. */
  readonly port: string;
  /** The URL's path: the namespace. */
  readonly namespace: string;
  /** The URL's query, without `?`. */
  readonly query: string;
}

/** The part of `location` that is used. */
export interface PageLocation {
  readonly protocol: string;
  readonly host: string;
}

/** The page's address, if there is a page that has one. */
export function pageLocation(): PageLocation | undefined {
  return typeof location === "object" && location && location.host ? location : undefined;
}

/**
 * Accepts `http(s)://`, `ws(s)://`, `//host`, `/namespace`, `?query`, `host` and an empty text. All except the first
 * two need a page; without one, an empty text is this machine. Throws an Error for an invalid URL or one of more than
 * 8000 characters.
 */
export function parseTarget(url: string | undefined, page: PageLocation | undefined = pageLocation()): Target {
  let text = url === undefined ? "/" : url;
  if (text.length > MAX_LENGTH) throw new Error("URI too long");
  if (!/^(https?|wss?):\/\//i.test(text)) {
    if (!page && text) throw new Error(`"${text}" is not an absolute URL, and there is no page to complete it`);
    const { protocol, host } = page || { protocol: "http:", host: "localhost" };
    if (/^(\/(?!\/)|[?#]|$)/.test(text)) text = host + text;
    text = protocol + "//" + text.replace(/^\/\//, "");
  }
  const m = ABSOLUTE.exec(text);
  if (!m) throw new Error(`invalid URL "${text}"`);
  const [, scheme = "", host = "", port = "", path = "", query = ""] = m;
  const secure = /^(https|wss)$/i.test(scheme);
  return { secure, host, port: port || (secure ? "443" : "80"), namespace: path || "/", query };
}

/** `host`, or `host:port` unless it is the default port. */
export function authority(target: Target): string {
  return target.host + (target.port === (target.secure ? "443" : "80") ? "" : ":" + target.port);
}
