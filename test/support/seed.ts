import { inject } from 'vitest';
import { byTier } from './tier.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    seed: number;
  }
}

/** Seed of all random choices of this run, printed at its start. Set `KAHN_SEED` to repeat it. */
export const seed: number = inject('seed');

/** Number of cases that a property is checked with in each tier, drawn from the seed of the run. */
export function propertyRuns(quick: number, exhaustive: number): { numRuns: number; seed: number } {
  return { numRuns: byTier(quick, exhaustive), seed };
}
