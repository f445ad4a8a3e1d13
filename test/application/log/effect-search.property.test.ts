import fc from 'fast-check';
import { memory } from 'kahn';
import type { Cause, StoredEvent } from 'kahn/storage';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type CauseRange,
  type CauseReader,
  type Effect,
  effectsOf,
} from '../../../src/application/log/effect-search.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { propertyRuns } from '../../support/seed.ts';

const pipelineId = 3;
const causedBy = (causeId: number): Cause => ({
  applicationName: 'orders',
  pipelineId,
  notificationId: causeId,
});
const others: readonly (Cause | undefined)[] = [
  undefined,
  { applicationName: 'payments', pipelineId, notificationId: 7 },
  { applicationName: 'orders', pipelineId: 4, notificationId: 7 },
];

/** Records a log with these causes; returns it as a reader that counts what is read. */
async function logOf(causes: readonly (Cause | undefined)[]) {
  const storage = await openStorage(memory());
  const recorder = await storage.openRecorder({ applicationName: 'shipping', setupTables: true });
  onTestFinished(async () => {
    await recorder.close();
    await storage.close();
  });
  const events = causes.map((cause, i): StoredEvent => {
    const event = { originatorId: 'a', originatorVersion: i + 1, type: 'Moved', data: '{}', timestamp: 0 };
    return cause === undefined ? event : { ...event, cause };
  });
  if (events.length > 0) await recorder.record(pipelineId, [{ events, snapshots: [] }]);
  const read = { rows: 0, pages: 0 };
  const reader: CauseReader = {
    head: (id) => recorder.head(id),
    operations: (after, limit) => recorder.operations(after, limit),
    causes: async (id, from, limit) => {
      const page = await recorder.causes(id, from, limit);
      read.rows += page.length;
      read.pages += 1;
      return page;
    },
  };
  return { reader, read };
}

const rangeOf = (first: number, last: number): CauseRange => ({
  applicationName: 'orders',
  pipelineId,
  first,
  last,
});

async function find(reader: CauseReader, range: CauseRange, from?: number): Promise<Effect[]> {
  const found: Effect[] = [];
  for await (const page of effectsOf(reader, pipelineId, range, from)) found.push(...page);
  return found;
}

function modelOf(causes: readonly (Cause | undefined)[], { first, last }: CauseRange): Effect[] {
  return causes.flatMap((cause, i) =>
    cause?.applicationName === 'orders' &&
    cause.pipelineId === pipelineId &&
    cause.notificationId >= first &&
    cause.notificationId <= last
      ? [{ notificationId: i + 1, causeId: cause.notificationId }]
      : [],
  );
}

/** Parts of a log: events of commands and other upstreams, or effects of the upstream, and how far its ids advance. */
const parts = fc.array(
  fc.record({
    length: fc.integer({ min: 1, max: 1_500 }),
    step: fc.integer({ min: 0, max: 3 }),
    share: fc.constantFrom(0, 0, 0.01, 0.3, 1),
  }),
  { maxLength: 6 },
);

function causesIn(log: readonly { length: number; step: number; share: number }[]): (Cause | undefined)[] {
  let last = 1;
  return log.flatMap(({ length, step, share }) =>
    Array.from({ length }, (_, i) => {
      if (Math.floor((i + 1) * share) === Math.floor(i * share)) return others[i % others.length];
      last += step;
      return causedBy(last);
    }),
  );
}

test('finds the same effects as a filter of the whole log, wherever the search begins', async () => {
  await fc.assert(
    fc.asyncProperty(parts, fc.nat(4_000), fc.nat(300), fc.nat(100), async (log, first, length, early) => {
      const causes = causesIn(log);
      const range = rangeOf(first, first + length);
      const expected = modelOf(causes, range);
      const { reader } = await logOf(causes);
      expect(await find(reader, range)).toEqual(expected);
      const before = (expected[0]?.notificationId ?? causes.length + 1) - 1;
      expect(await find(reader, range, Math.max(0, before - early))).toEqual(expected);
    }),
    propertyRuns(60, 300),
  );
});

describe('the work of a search in a log of 50,000 events', () => {
  const length = 50_000;

  test.each([
    { name: 'each third one an effect', every: 3, pages: 20, rows: 3_000 },
    { name: 'each 500th one an effect', every: 500, pages: 60, rows: 20_000 },
  ])('$name', async ({ every, pages, rows }) => {
    const causes = Array.from({ length }, (_, i) => ((i + 1) % every === 0 ? causedBy(i) : undefined));
    const { reader, read } = await logOf(causes);
    for (const place of [every, 25_000, 49_500]) {
      Object.assign(read, { rows: 0, pages: 0 });
      const [effect] = modelOf(causes, rangeOf(place, length));
      expect(await find(reader, rangeOf(effect!.causeId, effect!.causeId))).toEqual([effect]);
      expect(read.pages).toBeLessThanOrEqual(pages);
      expect(read.rows).toBeLessThanOrEqual(rows);
    }
  });

  test.each([[[]], [[10]], [[25_000]], [[49_999]], [[10, 25_000, 49_999]]])(
    'effects only at %s: reads no stretch of the log more than twice',
    async (places) => {
      const causes: (Cause | undefined)[] = Array.from({ length });
      for (const place of places) causes[place] = causedBy(place);
      const { reader, read } = await logOf(causes);
      for (const first of [1, 11, 20_000, 30_000, 60_000]) {
        Object.assign(read, { rows: 0, pages: 0 });
        expect(await find(reader, rangeOf(first, length))).toEqual(modelOf(causes, rangeOf(first, length)));
        expect(read.rows).toBeLessThanOrEqual(2.1 * length);
      }
    },
  );

  test('reads next to nothing when the place is known', async () => {
    const causes = Array.from({ length }, (_, i) => (i === 40_003 ? causedBy(9) : undefined));
    const { reader, read } = await logOf(causes);
    for await (const page of effectsOf(reader, pipelineId, rangeOf(9, 9), 40_000)) {
      expect(page).toEqual([{ notificationId: 40_004, causeId: 9 }]);
      break;
    }
    expect(read).toEqual({ rows: 32, pages: 2 });
  });

  test('ends at the head of the moment at which it began', async () => {
    const { reader, read } = await logOf(Array.from({ length: 100 }, (_, i) => causedBy(i + 1)));
    const growing: CauseReader = { ...reader, head: async () => 40 };
    expect(await find(growing, rangeOf(1, 100))).toHaveLength(40);
    expect(read.rows).toBeLessThanOrEqual(2 * 40);
  });
});
