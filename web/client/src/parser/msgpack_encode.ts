// SPDX-License-Identifier: MIT

// This file encodes MessagePack in the forms of the reference's msgpack parser: the shortest ones, undefined as
// extension 0 of one byte, a Date as extension 0 of eight.

import { bytesOf, isBinary, isBlob, tagOf } from "../engine/packet.ts";
import type { Binary } from "../types.ts";

const TWO_32 = 0x100000000;
const utf8 = new TextEncoder();

/** The code of a value's shortest form with a length of its own; the next two are those of 2 and of 4 bytes. */
const enum Head {
  BIN = 0xc4,
  STR = 0xd9,
  /** Arrays and maps have no form of 1 byte; the code is where it would be. */
  ARRAY = 0xdb,
  MAP = 0xdd,
}

/**
 * Encodes a value. Bytes are copied, of a view only its own part, and become binary data of the format. A Blob is not
 * read: the message is then a Blob, too. Throws a TypeError for data that the format can't express, and a RangeError
 * for a cycle.
 */
export function encode(value: unknown): Binary | Blob {
  const writer = new Writer();
  writer.value(value);
  return writer.end();
}

class Writer {
  private _bytes = new Uint8Array(256);
  private _view = new DataView(this._bytes.buffer);
  private _length = 0;
  /** What comes before `_bytes`, when there is a Blob. */
  private readonly _parts: BlobPart[] = [];

  /** The message. The writer must not be used after. */
  end(): Binary | Blob {
    const rest = this._flush();
    return this._parts.length ? new Blob([...this._parts, rest]) : rest;
  }

  value(value: unknown): void {
    switch (typeof value) {
      case "string":
        this._string(value);
        break;
      case "number":
        this._number(value);
        break;
      case "boolean":
        this._byte(value ? 0xc3 : 0xc2);
        break;
      case "undefined":
        this._raw([0xd4, 0, 0]);
        break;
      case "object":
        if (value) this._object(value);
        else this._byte(0xc0);
        break;
      default:
        throw new TypeError("Could not encode a " + typeof value);
    }
  }

  private _string(text: string): void {
    const bytes = utf8.encode(text);
    if (bytes.length < 32) this._byte(0xa0 | bytes.length);
    else this._head(Head.STR, bytes.length);
    this._raw(bytes);
  }

  private _number(n: number): void {
    if (Math.floor(n) !== n || n < -TWO_32 * 0x80000000 || n >= TWO_32 * TWO_32) {
      this._byte(0xcb);
      this._room(8).setFloat64(this._length, n);
      this._length += 8;
    } else if (n >= -32 && n < 128) this._byte(n);
    else if (n >= 0) {
      if (n < 0x100) this._uint(1, 0xcc, n);
      else if (n < 0x10000) this._uint(2, 0xcd, n);
      else if (n < TWO_32) this._uint(4, 0xce, n);
      else this._long(0xcf, n);
    } else if (n >= -0x80) this._uint(1, 0xd0, n);
    else if (n >= -0x8000) this._uint(2, 0xd1, n);
    else if (n >= -0x80000000) this._uint(4, 0xd2, n);
    else this._long(0xd3, n);
  }

  private _object(value: object): void {
    if (Array.isArray(value)) {
      if (value.length < 16) this._byte(0x90 | value.length);
      else this._head(Head.ARRAY, value.length);
      for (let i = 0; i < value.length; i++) this.value(value[i]); // its holes too
    } else if (isBlob(value)) {
      this._head(Head.BIN, value.size);
      this._parts.push(this._flush(), value);
    } else if (isBinary(value)) {
      const bytes = bytesOf(value as Binary);
      this._head(Head.BIN, bytes.length);
      this._raw(bytes);
    } else if (tagOf(value) === "[object Date]") {
      this._byte(0xd7);
      this._long(0, (value as Date).getTime());
    } else if (typeof (value as { toJSON?: unknown }).toJSON === "function") {
      this.value((value as { toJSON(): unknown }).toJSON());
    } else {
      const members = Object.entries(value).filter(([, v]) => typeof v !== "function");
      if (members.length < 16) this._byte(0x80 | members.length);
      else this._head(Head.MAP, members.length);
      for (const [key, v] of members) {
        this._string(key);
        this.value(v);
      }
    }
  }

  private _head(head: Head, length: number): void {
    if (length < 0x100 && head < Head.ARRAY) this._uint(1, head, length);
    else if (length < 0x10000) this._uint(2, head + 1, length);
    else if (length < TWO_32) this._uint(4, head + 2, length);
    else throw new TypeError("Could not encode what is so large");
  }

  private _byte(b: number): void {
    this._room(1).setUint8(this._length++, b);
  }

  /** A code and an integer of 1, 2 or 4 bytes. */
  private _uint(size: 1 | 2 | 4, code: number, n: number): void {
    this._byte(code);
    const view = this._room(size);
    if (size < 2) view.setUint8(this._length, n);
    else if (size < 4) view.setUint16(this._length, n);
    else view.setUint32(this._length, n);
    this._length += size;
  }

  /** A code and an integer of 8 bytes. */
  private _long(code: number, n: number): void {
    this._uint(4, code, Math.floor(n / TWO_32));
    this._room(4).setUint32(this._length, n >>> 0);
    this._length += 4;
  }

  private _raw(bytes: ArrayLike<number>): void {
    this._room(bytes.length);
    this._bytes.set(bytes, this._length);
    this._length += bytes.length;
  }

  /** Makes room for more bytes. */
  private _room(size: number): DataView {
    const wanted = this._length + size;
    if (wanted > this._bytes.length) {
      const larger = new Uint8Array(Math.max(wanted, 2 * this._bytes.length));
      larger.set(this._bytes.subarray(0, this._length));
      this._bytes = larger;
      this._view = new DataView(larger.buffer);
    }
    return this._view;
  }

  /** A copy of the bytes written since the last call. */
  private _flush(): Uint8Array<ArrayBuffer> {
    const bytes = this._bytes.slice(0, this._length);
    this._length = 0;
    return bytes;
  }
}
