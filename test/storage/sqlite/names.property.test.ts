import fc from 'fast-check';
import { sqlite } from 'kahn/sqlite';
import { describe, expect, it } from 'vitest';
import { compareNames } from '../../../src/storage/name-order.ts';
import type { ProcessEvent } from '../../../src/storage/recorder.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { propertyRuns } from '../../support/seed.ts';
import { sqliteLayouts, temporaryDirectory } from '../../support/storages.ts';

const words = [
  'orders',
  'Orders',
  'events_orders',
  'orders_events',
  'applications',
  'sqlite_schema',
  'select',
  '"; drop table applications; --',
  "'",
  '$24',
  '$$',
  '%25',
  '..',
  '/',
  'ö',
  'o\u0308',
  '長'.repeat(60),
  'n'.repeat(120),
];

const nameArbitrary = fc.oneof(
  fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('')),
  fc.mixedCase(fc.constantFrom('orders', 'long'.repeat(80))),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  // Long names that differ at the end only.
  fc.integer({ min: 0, max: 3 }).map((last) => `${'long'.repeat(80)}${last}`),
);

/** Something of every table, from which `name` can be told. */
function contentsFor(name: string): ProcessEvent {
  const event = { originatorId: 'a', originatorVersion: 1, type: 'Named', data: name, timestamp: 0 };
  return {
    events: [event],
    snapshots: [{ originatorId: 'a', originatorVersion: 1, schema: 1, state: name }],
    tracking: { upstreamName: name, expected: 0, position: 1 },
    operation: { timestamp: 0, kind: name, by: '', reason: '', details: '{}' },
  };
}

describe.each(sqliteLayouts)('sqlite({ $name })', ({ optionsIn }) => {
  it('never mixes applications, whatever their names', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(nameArbitrary, { minLength: 2, maxLength: 6 }), async (names) => {
        const storage = await openStorage(
          sqlite({ ...optionsIn(temporaryDirectory()), synchronous: 'NORMAL' }),
        );
        const open = (applicationName: string) =>
          storage.openRecorder({ applicationName, setupTables: true });
        for (const name of names) {
          const recorder = await open(name);
          expect(await recorder.record(0, [contentsFor(name)])).toBe(1);
          await recorder.close();
        }
        for (const name of names) {
          const recorder = await open(name);
          const [history] = await recorder.histories([{ originatorId: 'a', after: 0, useSnapshot: true }]);
          expect([
            (await recorder.notifications(0, 0, 9)).map(({ data }) => data),
            history?.snapshot?.state,
            (await recorder.positions()).map(({ upstreamName }) => upstreamName),
            (await recorder.operations(0, 9)).map(({ kind }) => kind),
          ]).toEqual([[name], name, [name], [name]]);
          await recorder.close();
        }
        expect(await storage.applicationNames()).toEqual(names.toSorted(compareNames));
      }),
      propertyRuns(8, 100),
    );
  });
});
