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

// The reason, or undefined.
export function leftOut(name) {
  if (!process.env.NODES) return undefined;
  return ALONE.find(([which]) => (typeof which === "string" ? which === name : which.test(name)))?.[1];
}
