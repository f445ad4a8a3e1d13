import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The tier that runs: `npm test` runs the quick one, `npm run test:exhaustive` the other. */
    tier: 'quick' | 'exhaustive';
  }
}

/** Returns what a test file takes in the tier that runs. Files named `*.tiered.test.ts` run in both. */
export function byTier<T>(quick: T, exhaustive: T): T {
  return inject('tier') === 'quick' ? quick : exhaustive;
}
