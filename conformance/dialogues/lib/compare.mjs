// SPDX-License-Identifier: MIT
// Finds the differences between two records of one sequence, and the rows that explain them.

// The differences of two records: {step, what, theirs, ours}, "-" for a value that one side lacks.
export function differences(theirs, ours) {
  const found = [];
  for (let i = 0; i < Math.max(theirs.length, ours.length); i++) {
    if (theirs[i]?.label !== ours[i]?.label) continue; // a close that one side does not need
    const step = theirs[i].label;
    const sides = [lists(theirs[i]), lists(ours[i])];
    for (const what of new Set([...sides[0].keys(), ...sides[1].keys()])) {
      const [their, our] = sides.map((side) => side.get(what) ?? []);
      for (let n = 0; n < Math.max(their.length, our.length); n++) {
        if (their[n] !== our[n]) found.push({ step, what, theirs: their[n] ?? "-", ours: our[n] ?? "-" });
      }
    }
  }
  return found;
}

// The observations of a step, by kind: frames and packets may be repeated, in their order.
function lists(entry) {
  const map = new Map();
  for (const [what, value] of entry.seen) {
    if (!map.has(what)) map.set(what, []);
    map.get(what).push(value);
  }
  return map;
}

// The table of differences.md. A row explains a difference if each of its cells matches; "*" in a
// cell matches any text.
export class Rows {
  #rows = [];

  constructor(markdown) {
    for (const line of markdown.split("\n")) {
      const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
      if (!/^\d+$/.test(cells[1] ?? "")) continue;
      if (cells.length !== 8 || !cells[6]) throw new Error(`a row needs six cells and a reason: ${line}`);
      const [, number, sequences, what, theirs, ours] = cells;
      if (this.#rows.some((row) => row.number === number)) throw new Error(`row ${number} is there twice`);
      this.#rows.push({
        number,
        sequences: codes(sequences).map((pattern) => ({
          pattern,
          fits: matcher(pattern),
          used: 0,
          race: sequences.includes(`\`${pattern}\` (race)`),
        })),
        what: codes(what).map(matcher),
        theirs: codes(theirs).map(matcher),
        ours: codes(ours).map(matcher),
      });
    }
  }

  get size() {
    return this.#rows.length;
  }

  // The number of the row that explains a difference, or undefined. All matching rows count as used.
  explain(sequence, { what, theirs, ours }) {
    let number;
    for (const row of this.#rows) {
      const named = row.sequences.filter(({ fits }) => fits(sequence));
      const fits = (cell, value) => cell.some((match) => match(value));
      if (named.length === 0 || !fits(row.what, what) || !fits(row.theirs, theirs) || !fits(row.ours, ours)) continue;
      for (const one of named) one.used++;
      number ??= row.number;
    }
    return number;
  }

  // The unused rows and patterns: "row N" or "row N, pattern". A race may have had the other outcome.
  unused() {
    return this.#rows.flatMap(({ number, sequences }) => {
      const idle = sequences.filter(({ used, race }) => used === 0 && !race);
      if (idle.length > 0 && idle.length === sequences.length) return [`row ${number}`];
      return idle.map(({ pattern }) => `row ${number}, sequence ${pattern}`);
    });
  }
}

// The values of a cell, each in backticks.
function codes(cell) {
  const found = [...cell.matchAll(/`([^`]*)`/g)].map(([, code]) => code);
  if (found.length === 0) throw new Error(`nothing in backticks: ${cell}`);
  return found;
}

function matcher(pattern) {
  const source = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${source.join("[^]*")}$`);
  return (value) => expression.test(value);
}
