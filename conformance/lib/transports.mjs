// SPDX-License-Identifier: MIT
// The three ways a client connects, and the client options of each.
export const TRANSPORTS = ["polling", "websocket", "upgrade"];

const wanted = process.env.TRANSPORTS?.split(",") ?? TRANSPORTS;
for (const each of wanted) if (!TRANSPORTS.includes(each)) throw new Error(`TRANSPORTS: ${each} is not one of ${TRANSPORTS.join(", ")}`);

// The transports on which a scenario runs that is for those in `on`: TRANSPORTS=upgrade, or polling,websocket, takes
// some of them. A scenario that is for none of these runs on all of its own: a shorter run still has every scenario.
export function transportsOf(on = TRANSPORTS) {
  const some = on.filter((each) => wanted.includes(each));
  return some.length > 0 ? some : on;
}

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
