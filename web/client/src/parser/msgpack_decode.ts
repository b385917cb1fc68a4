// SPDX-License-Identifier: MIT

// This file decodes MessagePack like the reference's msgpack parser. Input is untrusted: no length is believed before
// the bytes are there, and keys are only data.

import { platform } from "#platform";
import type { Received } from "../types.ts";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Decodes the single value in `bytes`. Binary data is returned as copied Buffers in Node and ArrayBuffers in browsers.
 * Throws an Error for an invalid value, and a RangeError for one that is nested too deeply.
 */
export function decode(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes);
  const value = reader.value();
  if (reader.left) throw new Error(reader.left + " trailing bytes");
  return value;
}

class Reader {
  private _at = 0;
  private readonly _view: DataView;

  constructor(private readonly _bytes: Uint8Array) {
    this._view = new DataView(_bytes.buffer, _bytes.byteOffset, _bytes.byteLength);
  }

  /** The number of bytes not read yet. */
  get left(): number {
    return this._bytes.length - this._at;
  }

  value(): unknown {
    const code = this._uint(1);
    if (code < 0x80) return code;
    if (code < 0x90) return this._map(code & 0x0f);
    if (code < 0xa0) return this._array(code & 0x0f);
    if (code < 0xc0) return this._string(code & 0x1f);
    if (code >= 0xe0) return code - 0x100;
    switch (code) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return code > 0xc2;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this._bin(this._uint(1 << (code - 0xc4)));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this._ext(this._uint(1 << (code - 0xc7)), true);
      case 0xca:
        return this._view.getFloat32(this._take(4));
      case 0xcb:
        return this._view.getFloat64(this._take(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return this._uint(1 << (code - 0xcc));
      case 0xd0:
        return this._view.getInt8(this._take(1));
      case 0xd1:
        return this._view.getInt16(this._take(2));
      case 0xd2:
        return this._int32();
      case 0xd3:
        return this._int64();
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this._ext(1 << (code - 0xd4), false);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this._string(this._uint(1 << (code - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this._array(this._uint(2 << (code - 0xdc)));
      case 0xde:
      case 0xdf:
        return this._map(this._uint(2 << (code - 0xde)));
      default:
        throw new Error("Could not parse");
    }
  }

  private _uint(size: number): number {
    if (size > 4) return this._uint(4) * 0x100000000 + this._uint(4);
    const at = this._take(size);
    return size < 2 ? this._view.getUint8(at) : size < 4 ? this._view.getUint16(at) : this._view.getUint32(at);
  }

  private _int32(): number {
    return this._view.getInt32(this._take(4));
  }

  private _int64(): number {
    return this._int32() * 0x100000000 + this._uint(4);
  }

  private _string(length: number): string {
    const at = this._take(length);
    return utf8.decode(this._bytes.subarray(at, at + length));
  }

  private _array(length: number): unknown[] {
    this._check(length);
    const list: unknown[] = [];
    while (list.length < length) list.push(this.value());
    return list;
  }

  private _map(length: number): Record<string, unknown> {
    this._check(length);
    const map: Record<string, unknown> = {};
    while (length--) {
      const key = String(this.value());
      const value = this.value();
      if (key === "__proto__") Object.defineProperty(map, key, { value, configurable: true, enumerable: true, writable: true });
      else map[key] = value;
    }
    return map;
  }

  private _bin(length: number): Received {
    return platform.received(this._buffer(length));
  }

  /** An extension: undefined, a Date, an ArrayBuffer; of other types the number and the bytes. */
  private _ext(length: number, sized: boolean): unknown {
    const type = this._view.getInt8(this._take(1));
    if (!type && sized) return this._buffer(length);
    if (!type && length === 8) return new Date(this._int64());
    const bytes = this._bin(length);
    return !type && length === 1 ? undefined : [type, bytes];
  }

  private _buffer(length: number): ArrayBuffer {
    const at = this._take(length);
    return new Uint8Array(this._bytes.subarray(at, at + length)).buffer;
  }

  /** Skips a number of bytes, and returns where they start. */
  private _take(length: number): number {
    this._check(length);
    const at = this._at;
    this._at += length;
    return at;
  }

  /** Checks that a value with a length has at least that many bytes. */
  private _check(length: number): void {
    if (length > this.left) throw new Error("Could not parse");
  }
}
