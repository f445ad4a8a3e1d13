import { isDeepStrictEqual } from 'node:util';
import { type Combination, nameOf } from './matrix.ts';
import { type Outcome, outcomeOf } from './run.ts';

/** A run that differs from the first run of its case, or that failed. */
export interface Difference {
  readonly name: string;
  readonly reason: string;
}

export interface ComparisonOptions {
  /** Server on which the systems are kept that run on PostgreSQL. */
  readonly postgresUrl: string;
  /** Number of combinations that run at the same time. */
  readonly jobs: number;
  /** Called after each run, with the difference if there is one. */
  done(combination: Combination, difference: Difference | undefined): void;
}

/** Runs combinations, and returns those whose result is not equal to that of the first one of the same case. */
export async function differences(
  all: readonly Combination[],
  { postgresUrl, jobs, done }: ComparisonOptions,
): Promise<readonly Difference[]> {
  const found: Difference[] = [];
  const expected = new Map<string, readonly string[]>();
  const expectedLogs = new Map<string, string>();

  const compare = (combination: Combination, { state, logs }: Outcome): string | undefined => {
    const { name } = combination.tested;
    const first = expected.get(name) ?? state;
    expected.set(name, first);
    if (!isDeepStrictEqual(state, first)) return firstDifference(first, state);
    if (logs === undefined) return undefined;
    const firstLogs = expectedLogs.get(name) ?? logs;
    expectedLogs.set(name, firstLogs);
    return logs === firstLogs ? undefined : 'The logs differ from those of the first run with a clock.';
  };

  const reasonOf = async (combination: Combination): Promise<string | undefined> => {
    try {
      const outcome = await outcomeOf(combination, postgresUrl);
      return outcome && compare(combination, outcome);
    } catch (error) {
      return String((error as Error)?.stack ?? error);
    }
  };

  const left = all.values();
  const work = async () => {
    for (const combination of left) {
      const reason = await reasonOf(combination);
      const difference = reason === undefined ? undefined : { name: nameOf(combination), reason };
      if (difference !== undefined) found.push(difference);
      done(combination, difference);
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return found;
}

function firstDifference(expected: readonly string[], actual: readonly string[]): string {
  const lost = expected.find((text) => !actual.includes(text));
  const added = actual.find((text) => !expected.includes(text));
  return `expected: ${lost ?? 'fewer texts'}\nfound: ${added ?? 'fewer texts'}`;
}
