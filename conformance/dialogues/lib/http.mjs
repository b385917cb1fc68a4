// SPDX-License-Identifier: MIT
// HTTP/1.1 by hand: a request as bytes, and the observable parts of its response.
import { PATIENCE } from "./wire.mjs";

const END_OF_HEAD = "\r\n\r\n";
const LINE = "\r\n";

// The bytes of a request. A body gets a Content-Length unless the headers say how it ends.
// Header values of undefined are left out; an array repeats the header; ":version" is that of HTTP.
export function requestBytes(method, target, { ":version": version = "1.1", ...headers } = {}, body) {
  const lines = [`${method} ${target} HTTP/${version}`];
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) lines.push(`${name}: ${one}`);
  }
  const framed = Object.keys(headers).some((name) => /^(content-length|transfer-encoding)$/i.test(name));
  if (body !== undefined && !framed) lines.push(`Content-Length: ${Buffer.byteLength(body)}`);
  const head = Buffer.from(lines.join(LINE) + END_OF_HEAD, "latin1");
  return body === undefined ? head : Buffer.concat([head, Buffer.from(body)]);
}

// A chunked body of the given pieces.
export function chunked(...pieces) {
  const parts = pieces.map((piece) => `${Buffer.byteLength(piece).toString(16)}${LINE}${piece}${LINE}`);
  return `${parts.join("")}0${END_OF_HEAD}`;
}

// Reads an answer: {status, headers, interim, framing, body}. headers is a Map from lower-case
// names to values; framing says how the body ended; interim are the 1xx answers before it.
// undefined if the connection ended without an answer.
export async function readAnswer(wire, method, patience = PATIENCE) {
  const interim = [];
  for (;;) {
    const head = await wire.readTo(END_OF_HEAD, patience);
    if (head === undefined) return undefined;
    const [first, ...lines] = head.toString("latin1").slice(0, -END_OF_HEAD.length).split(LINE);
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1]);
    if (status >= 100 && status < 200 && status !== 101) {
      interim.push(status);
      continue;
    }
    const headers = new Map();
    for (const line of lines) {
      const at = line.indexOf(":");
      const name = line.slice(0, at).toLowerCase();
      const value = line.slice(at + 1).trim();
      headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value);
    }
    return { status, version: first.slice(0, 8), headers, interim, ...(await readBody(wire, method, status, headers, patience)) };
  }
}

async function readBody(wire, method, status, headers, patience) {
  const length = headers.get("content-length");
  const isChunked = headers.get("transfer-encoding") === "chunked";
  const declared = isChunked ? "chunked" : length === undefined ? "none" : "content-length";
  if (status === 101) return { framing: "none", body: Buffer.alloc(0) };
  if (method === "HEAD" || status === 204 || status === 304) return { framing: declared, body: Buffer.alloc(0) };
  if (isChunked) return { framing: "chunked", body: await readChunks(wire, patience) };
  if (length !== undefined) {
    const body = await wire.read(Number(length), patience);
    return body ? { framing: "content-length", body } : { framing: "cut short", body: Buffer.alloc(0) };
  }
  return { framing: "until close", body: await wire.readAll(patience) };
}

async function readChunks(wire, patience) {
  const pieces = [];
  for (;;) {
    const line = await wire.readTo(LINE, patience);
    if (line === undefined) break;
    const size = parseInt(line.toString("latin1"), 16);
    const piece = await wire.read(size + LINE.length, patience);
    if (piece === undefined || size === 0) break;
    pieces.push(piece.subarray(0, size));
  }
  return Buffer.concat(pieces);
}
