// SPDX-License-Identifier: MIT
// The places where connections are cut.

// A frame of a WebSocket client: header, mask, payload.
const FRAME = 6;

// Each step of the upgrade, from the handshake to the first frames after it, and traffic.
// `bytes` is the span after the pattern in which the cut is.
export const UPGRADE_STEPS = [
  { step: "the handshake", dir: "down", pattern: '0{"sid"', bytes: 120 },
  { step: "the request for a WebSocket", dir: "up", pattern: "Upgrade: websocket", bytes: 200 },
  { step: "its answer", dir: "down", pattern: "101 Switching", bytes: 130 },
  { step: "the probe", dir: "up", pattern: "Sec-WebSocket-Key", bytes: 150 },
  { step: "after the probe", dir: "up", pattern: "2probe", bytes: 1 },
  { step: "the answer to the probe", dir: "down", pattern: "3probe", bytes: 1 },
  { step: "the noop", dir: "down", pattern: "\r\n\r\n6", bytes: 1 },
  { step: "the upgrade packet", dir: "up", pattern: "2probe", bytes: FRAME + 1 },
  { step: "after the upgrade packet", dir: "up", pattern: "2probe", more: FRAME + 1, bytes: 30 },
  { step: "the first frames", dir: "down", pattern: "3probe", bytes: 200 },
  { step: "a poll", dir: "down", pattern: "HTTP/1.1 200", skip: 4, bytes: 400 },
  { step: "a post", dir: "up", pattern: "POST /socket.io", skip: 3, bytes: 500 },
  { step: "an event for the client", dir: "down", pattern: '["down"', skip: 12, bytes: 100 },
  { step: "an event for the server", dir: "up", pattern: '["up', skip: 6, bytes: 60 },
];

export const RECOVERY_STEPS = [
  { step: "CONNECT", dir: "up", pattern: '40{"', bytes: 100 },
  { step: "the answer to CONNECT", dir: "down", pattern: '40{"sid"', bytes: 70 },
  { step: "the missed events", dir: "down", pattern: '40{"sid"', bytes: 600 },
  { step: "the first event", dir: "down", pattern: '["down"', bytes: 60 },
  { step: "a later event", dir: "down", pattern: '["down"', skip: 10, bytes: 200 },
  { step: "an event for the server", dir: "up", pattern: '["up', skip: 4, bytes: 60 },
  { step: "the handshake", dir: "down", pattern: '0{"sid"', bytes: 120 },
];

// A point of a step, for Link.at.
export function pointOf(step, random) {
  const { dir, pattern, skip = 0, more = 0, bytes } = step;
  const n = random.below(100);
  const how = n < 45 ? "fin" : n < 88 ? "reset" : n < 97 ? "hold" : "swallow";
  return { dir, pattern, skip: random.below(skip + 1), more: more + random.below(bytes), how };
}
