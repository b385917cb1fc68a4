// SPDX-License-Identifier: MIT
// A node:test reporter for programs: one line of JSON for each scenario that ended, and for each file that failed whole.
import { outcomeOf } from "./table.mjs";

export default async function* events(source) {
  for await (const event of source) {
    const outcome = outcomeOf(event);
    if (outcome) yield `${JSON.stringify(outcome)}\n`;
    else if (event.type === "test:stdout" || event.type === "test:stderr") yield `${JSON.stringify({ said: event.data.message })}\n`;
  }
}
