import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The tier that runs: `npm test` runs the quick tier, `npm run test:exhaustive` the exhaustive tier. */
    tier: 'quick' | 'exhaustive';
  }
}

/** Returns the value for the tier that runs. Files named `*.tiered.test.ts` run in both. */
export function byTier<T>(quick: T, exhaustive: T): T {
  return inject('tier') === 'quick' ? quick : exhaustive;
}
