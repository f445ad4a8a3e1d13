import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changesBetween } from '../../../src/testing/graph-snapshots/graph-changes.ts';
import type {
  ApplicationSnapshot,
  GraphSnapshot,
} from '../../../src/testing/graph-snapshots/graph-snapshot.ts';
import { propertyRuns } from '../../support/seed.ts';

const names = fc.constantFrom('a', 'b', 'c');
const types = fc.uniqueArray(fc.constantFrom('A', 'A@2', 'B', 'C')).map((list) => list.sort());
const snapshot: fc.Arbitrary<ApplicationSnapshot> = fc
  .record(
    {
      recordedAs: names,
      remote: fc.constant(true as const),
      schema: fc.integer({ min: 1, max: 2 }),
      emits: types,
      reads: types,
      unlogged: types,
      handlesOwnEvents: fc.constant(true as const),
      begins: fc.dictionary(names, fc.constantFrom('end', '2026-11-01')),
      follows: fc.dictionary(names, fc.uniqueArray(fc.constantFrom('A', 'B'))),
    },
    { requiredKeys: ['emits', 'follows'] },
  )
  .map((one) => consistent(one));
const graph: fc.Arbitrary<GraphSnapshot> = fc
  .dictionary(names, snapshot)
  .map((all) => new Map(Object.entries(all)));

/** Leaves out what no system can have. */
function consistent(one: ApplicationSnapshot): ApplicationSnapshot {
  const { reads = [], unlogged = [], begins = {}, schema, recordedAs, ...rest } = one;
  const versionless = new Set(rest.emits.map((type) => type.split('@')[0]));
  const follows = Object.fromEntries(
    Object.entries(rest.follows)
      .filter(([, list]) => list.length > 0)
      .map(([name, list]) => [name, [...list].sort()]),
  );
  return {
    ...rest,
    follows,
    reads: reads.filter((type) => !rest.emits.includes(type)),
    unlogged: unlogged.filter((type) => versionless.has(type)),
    begins: Object.fromEntries(Object.entries(begins).filter(([name]) => name in follows)),
    ...(schema === undefined ? recordedAs !== undefined && { recordedAs } : { schema }),
  };
}

test('every difference is explained, and nothing else', () => {
  fc.assert(
    fc.property(graph, graph, (before, after) => {
      expect(changesBetween(before, before)).toEqual([]);
      const changes = changesBetween(before, after);
      const isSame = JSON.stringify([...before].sort()) === JSON.stringify([...after].sort());
      if (!isSame && changes.length === 0) expect(after).toEqual(before);
    }),
    propertyRuns(300, 3_000),
  );
});
