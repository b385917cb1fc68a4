// SPDX-License-Identifier: MIT

// This file tests the delays of a reconnection.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TransportError } from "./errors.ts";
import { Backoff, Reconnect } from "./reconnect.ts";

const options = { reconnectionDelay: 100, reconnectionDelayMax: 1000, randomizationFactor: 0.5 };

test("delays double up to the maximum, and the jitter stays within its bounds", () => {
  for (let round = 0; round < 200; round++) {
    const backoff = new Backoff(options);
    for (const delay of [100, 200, 400, 800, 1000, 1000, 1000]) {
      const next = backoff.next();
      assert.ok(next >= delay * 0.5 && next <= delay * 1.5, `${next} for ${delay}`);
      assert.equal(next, Math.round(next));
    }
  }
});

test("at the maximum the delays differ, so that clients do not come back together", () => {
  const delays = Array.from({ length: 100 }, () => {
    const backoff = new Backoff({});
    for (let i = 0; i < 10; i++) backoff.next();
    return backoff.next();
  });
  assert.ok(new Set(delays).size > 80);
  assert.ok(delays.some((d) => d > 5000) && delays.some((d) => d < 5000));
  assert.ok(delays.every((d) => d >= 2500 && d <= 7500));
});

test("a factor outside 0 to 1 means no jitter; 0 means the default delays", () => {
  for (const randomizationFactor of [0, -1, 1.5, NaN]) {
    const backoff = new Backoff({ reconnectionDelay: 0, reconnectionDelayMax: 0, randomizationFactor });
    assert.deepEqual([1, 2, 3, 4, 5].map(() => backoff.next()), [1000, 2000, 4000, 5000, 5000]);
  }
});

test("many attempts do not overflow", () => {
  const backoff = new Backoff({ ...options, randomizationFactor: 0 });
  for (let i = 0; i < 5000; i++) backoff.next();
  assert.equal(backoff.next(), 1000);
});

test("a short connection does not bring the delay back to its start, a stable one does", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
  const reconnect = new Reconnect({ ...options, randomizationFactor: 0 });
  const lost = (after: number): number => {
    reconnect.opened();
    t.mock.timers.tick(after);
    reconnect.lost();
    return reconnect.delay(undefined);
  };
  assert.deepEqual([lost(10), lost(9999), lost(10), lost(10000), lost(0)], [100, 200, 400, 100, 200]);
  reconnect.reset();
  assert.equal(reconnect.delay(undefined), 100);
});

test("the first delay is anywhere up to the base when the server goes away", () => {
  const reasons = [
    { description: "websocket connection closed", context: { code: 1001 } },
    { description: "websocket connection closed", context: { code: 1012 } },
    { description: "websocket connection closed", context: { code: 1013 } },
    new TransportError("xhr poll error", 503),
  ];
  for (const why of reasons) {
    const delays = Array.from({ length: 200 }, () => new Reconnect(options).delay(why));
    assert.ok(delays.every((d) => d >= 0 && d <= 100));
    assert.ok(delays.some((d) => d < 25) && delays.some((d) => d > 75));
  }
  const plain = Array.from({ length: 200 }, () => new Reconnect(options).delay({ description: "x", context: { code: 1006 } }));
  assert.ok(plain.every((d) => d >= 50));
});

test("Retry-After is honoured, up to five minutes", () => {
  const delay = (retryAfter: number): number =>
    new Reconnect(options).delay(new TransportError("xhr poll error", 503, "", { retryAfter }));
  assert.ok(delay(2000) >= 2000 && delay(2000) <= 2100);
  assert.ok(delay(1e12) <= 300_100);
});

test("attempts are counted since a server last answered", () => {
  const reconnect = new Reconnect({ reconnectionAttempts: 2 });
  assert.equal(reconnect.exhausted, false);
  reconnect.attempts = 2;
  assert.equal(reconnect.exhausted, true);
  reconnect.opened();
  reconnect.lost();
  assert.equal(reconnect.exhausted, true, "an open connection alone is no success");
  reconnect.answered();
  assert.equal(reconnect.exhausted, false);
  assert.equal(new Reconnect({ reconnectionAttempts: 0 }).exhausted, false);
});
