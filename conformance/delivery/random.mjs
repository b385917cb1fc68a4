// SPDX-License-Identifier: MIT
// Random numbers that a seed repeats.

export class Random {
  #state;

  constructor(seed) {
    this.#state = fnv(Buffer.from(String(seed)));
  }

  // From 0 to n - 1.
  below(n) {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  }

  chance(percent) {
    return this.below(100) < percent;
  }

  pick(list) {
    return list[this.below(list.length)];
  }
}

// FNV-1a of 32 bits.
export function fnv(bytes) {
  let h = 0x811c9dc5;
  for (const byte of bytes) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}
