// SPDX-License-Identifier: MIT
// The three ways a client connects, and the client options of each.
export const TRANSPORTS = ["polling", "websocket", "upgrade"];

const OPTIONS = {
  polling: { transports: ["polling"] },
  websocket: { transports: ["websocket"] },
  upgrade: { transports: ["polling", "websocket"] },
};

export function transportOptions(transport) {
  return { ...OPTIONS[transport] };
}

// The transport a connection ends up on.
export function finalTransport(transport) {
  return transport === "polling" ? "polling" : "websocket";
}
