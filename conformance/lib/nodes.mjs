// SPDX-License-Identifier: MIT
// What has another outcome on several servers (NODES=3) than on one: the scenarios that are left out, and why.
const ITS_OWN = "each server makes its own namespace";
const IN_MEMORY = "the sessions are in the memory of one server";
const ALONE = [
  ["binary to a room goes to the others in it", "it sends to the sockets of one server"],
  ["twenty that come at once find one namespace", ITS_OWN],
  ["it goes with its last socket, and comes again", ITS_OWN],
  ["it stays when one of two is refused", ITS_OWN],
  ["other servers that are not there answer at once", "there are other servers"],
  ["through the parent to rooms of all its children", "events of several namespaces have no order between servers"],
  ["msgpack: rooms and broadcasts", "dates between servers are texts"],
  [/recover/, IN_MEMORY],
];

// With several servers: upgrades that land on another one than the session.
export const upgradesAreRejected = process.env.NODES !== undefined && process.env.FORWARD_UPGRADES === "0";

// The reason, or undefined. on: the transports that the scenario is for.
export function leftOut(name, transport, on) {
  if (!process.env.NODES) return undefined;
  const upgraded = transport === "upgrade" && on !== undefined && !on.includes("polling");
  if (upgraded && upgradesAreRejected) return "an upgrade on another server is rejected";
  return ALONE.find(([which]) => (typeof which === "string" ? which === name : which.test(name)))?.[1];
}
