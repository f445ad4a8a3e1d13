import type { Figures } from './figures.ts';

/** How two sets of figures compare. */
export interface Comparison {
  /** How many figures were compared. */
  readonly compared: number;
  /** A line for each figure that differs. */
  readonly differences: readonly string[];
}

/** Compares every single figure. */
export function compare(recorded: Figures, direct: Figures): Comparison {
  const ours = named(recorded);
  const theirs = named(direct);
  const names = new Set([...ours.keys(), ...theirs.keys()]);
  const differing = [...names].filter((name) => ours.get(name) !== theirs.get(name));
  const differences = differing.map(
    (name) => `${name}: ${ours.get(name)} recorded, ${theirs.get(name)} by the direct pass`,
  );
  return { compared: names.size, differences };
}

function named(figures: Figures): Map<string, number | undefined> {
  const { claims, airports, ...totals } = figures;
  const all = new Map<string, number | undefined>(Object.entries(totals));
  for (const [euros, count] of claims) all.set(`claims of ${euros} euro`, count);
  for (const [code, { departures, arrivals, delayMinutes, worstDelayMinutes }] of airports) {
    for (const [name, value] of Object.entries({ departures, arrivals, delayMinutes, worstDelayMinutes })) {
      all.set(`${name} of ${code}`, value);
    }
  }
  return all;
}
