import type { Figures } from './figures.ts';

/** The result of comparing two sets of figures. */
export interface Comparison {
  /** Number of figures. */
  readonly compared: number;
  /** A line for each figure that differs. */
  readonly differences: readonly string[];
}

/** Compares all figures. */
export function compare(recorded: Figures, direct: Figures): Comparison {
  const recordedByName = named(recorded);
  const directByName = named(direct);
  const names = new Set([...recordedByName.keys(), ...directByName.keys()]);
  const differing = [...names].filter((name) => recordedByName.get(name) !== directByName.get(name));
  const differences = differing.map(
    (name) => `${name}: ${recordedByName.get(name)} recorded, ${directByName.get(name)} by the direct pass`,
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
