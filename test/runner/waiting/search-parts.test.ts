import fc from 'fast-check';
import type { Cause } from 'kahn/storage';
import { describe, expect, test } from 'vitest';
import { CauseCache } from '../../../src/runner/waiting/cause-cache.ts';
import { EarlierPositions } from '../../../src/runner/waiting/earlier-positions.ts';
import { IdRanges } from '../../../src/runner/waiting/id-ranges.ts';
import { propertyRuns } from '../../support/seed.ts';

/** A log that grows and may be unavailable, and counts the reads of its causes. */
class Log {
  length = 0;
  reads = 0;
  failure: Error | undefined;

  readonly head = async () => this.length;

  readonly operations = async () => [];

  readonly causes = async (_pipelineId: number, after: number, limit: number): Promise<Cause[]> => {
    this.reads += 1;
    if (this.failure !== undefined) throw this.failure;
    return this.between(after, Math.min(after + limit, this.length));
  };

  between(after: number, end: number): Cause[] {
    const count = Math.max(end - after, 0);
    return Array.from({ length: count }, (_, i) => ({
      applicationName: 'up',
      pipelineId: 0,
      notificationId: after + i + 1,
    }));
  }
}

describe('the cache of causes', () => {
  test('answers as the log does, while the log grows', async () => {
    const step = fc.tuple(fc.nat(300), fc.nat(900), fc.integer({ min: 1, max: 700 }));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
        const log = new Log();
        const cache = new CauseCache(log);
        for (const [growth, after, limit] of steps) {
          log.length += growth;
          const expected = log.between(after, Math.min(after + limit, log.length));
          expect(await cache.causes(0, after, limit)).toEqual(expected);
        }
      }),
      propertyRuns(100, 1_000),
    );
  });

  test('reads a chunk once for all callers, again when the log has grown, and after a failure', async () => {
    const log = new Log();
    const cache = new CauseCache(log);
    log.length = 300;
    await Promise.all([cache.causes(0, 0, 100), cache.causes(0, 50, 100), cache.causes(0, 0, 256)]);
    expect(log.reads).toBe(1);
    await cache.causes(0, 256, 44);
    expect(log.reads).toBe(2);
    log.length = 400;
    await Promise.all(Array.from({ length: 10 }, () => cache.causes(0, 256, 144)));
    expect(log.reads).toBe(3);
    log.failure = new Error('away');
    await expect(cache.causes(0, 512, 1)).rejects.toBe(log.failure);
    log.failure = undefined;
    log.length = 600;
    expect(await cache.causes(0, 512, 1)).toHaveLength(1);
  });
});

test('ranges of ids hold exactly the ids that were added, and spans join what is near', () => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { minLength: 1 });
  fc.assert(
    fc.property(ids, fc.nat(20), (all, gap) => {
      const sorted = all.toSorted((one, other) => one - other);
      const ranges = new IdRanges();
      for (const id of sorted) ranges.add(id);
      for (let id = 0; id <= 201; id += 1) expect(ranges.has(id)).toBe(all.includes(id));
      expect(ranges.last).toBe(sorted.at(-1));
      const spans = ranges.spans(gap);
      for (const id of sorted) {
        expect(spans.filter(({ first, last }) => first <= id && id <= last)).toHaveLength(1);
      }
      for (const { first, last } of spans)
        expect([ranges.has(first), ranges.has(last)]).toEqual([true, true]);
      const starts = sorted.filter((id, i) => i === 0 || id - sorted[i - 1]! > gap + 1);
      expect(spans.map(({ first }) => first)).toEqual(starts);
    }),
    propertyRuns(100, 1_000),
  );
});

test('earlier positions never skip an effect, however many there are', () => {
  const growth = fc.tuple(fc.nat(5), fc.nat(5));
  fc.assert(
    fc.property(fc.array(growth, { maxLength: 100 }), (steps) => {
      const earlier = new EarlierPositions();
      const seen: { head: number; position: number }[] = [];
      let [head, position] = [0, 0];
      for (const [more, further] of steps) {
        earlier.add(head, position); // effects up to the head are of notifications up to the position
        seen.push({ head, position });
        head += more;
        position += further;
      }
      expect(earlier.newest).toBe(seen.at(-1)?.position ?? 0);
      for (let first = 1; first <= position + 1; first += 1) {
        const before = earlier.headBefore(first);
        const safe = seen.filter((one) => one.position < first).map((one) => one.head);
        expect(before === 0 || safe.includes(before)).toBe(true);
      }
      const newest = seen.at(-1);
      if (newest !== undefined) expect(earlier.headBefore(newest.position + 1)).toBe(newest.head);
    }),
    propertyRuns(100, 1_000),
  );
});
