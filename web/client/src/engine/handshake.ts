// SPDX-License-Identifier: MIT

// This file parses the server's first packet, which is untrusted.

/** The handshake of the server. Durations are in milliseconds. */
export interface Handshake {
  readonly sid: string;
  readonly upgrades: readonly unknown[];
  readonly pingInterval: number;
  readonly pingTimeout: number;
  /** The largest request body that the server accepts, in bytes. Infinity if it is not in the handshake. */
  readonly maxPayload: number;
}

/** Parses a handshake. Returns undefined if it is not valid. */
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
