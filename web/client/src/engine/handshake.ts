// SPDX-License-Identifier: MIT

// This file reads the server's first packet. Nothing in it is trusted.

/** What the server said when the session began. Durations in milliseconds. */
export interface Handshake {
  readonly sid: string;
  readonly upgrades: readonly unknown[];
  readonly pingInterval: number;
  readonly pingTimeout: number;
  /** The largest request body the server takes, in bytes. Infinity when it did not say. */
  readonly maxPayload: number;
}

/** Reads a handshake. The answer is undefined when it is not a valid one. */
export function parseHandshake(data: unknown): Handshake | undefined {
  let value: unknown;
  try {
    value = JSON.parse(data as string);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || !value) return undefined;
  const { sid, upgrades, pingInterval, pingTimeout, maxPayload } = value as Record<string, unknown>;
  if (typeof sid !== "string" || !sid || !isDuration(pingInterval) || !isDuration(pingTimeout)) return undefined;
  return {
    sid,
    upgrades: Array.isArray(upgrades) ? upgrades : [],
    pingInterval,
    pingTimeout,
    maxPayload: isDuration(maxPayload) && maxPayload ? maxPayload : Infinity,
  };
}

function isDuration(value: unknown): value is number {
  return typeof value === "number" && value >= 0;
}
