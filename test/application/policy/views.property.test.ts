import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { propertyRuns } from '../../support/seed.ts';
import { storages } from '../../support/storages.ts';
import { play, programs } from './programs.ts';

const scenarios = fc.record({
  given: programs(['Card', 'Gold', 'Ledger'], ['a', 'c', 'c']),
  batchSize: fc.integer({ min: 2, max: 50 }),
  cacheSize: fc.constantFrom(0, 4, 1_000),
});

describe.each(storages)('aggregates that are got as several classes, on $name', ({ name, create }) => {
  test('look the same, and record the same or fail alike, at every batch size', async () => {
    const property = fc.asyncProperty(scenarios, async ({ given, batchSize, cacheSize }) => {
      const one = await play(create(), given, { batchSize: 1 });
      expect(await play(create(), given, { batchSize, cacheSize })).toEqual(one);
    });
    await fc.assert(property, name === 'memory' ? propertyRuns(150, 1_500) : propertyRuns(8, 60));
  });
});
