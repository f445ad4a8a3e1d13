import type { Cause } from 'kahn';
import { describe, expect, test } from 'vitest';
import { NearestCauses } from '../../../src/application/following/causality/nearest-causes.ts';
import type { Recorder } from '../../../src/storage/recorder.ts';

function causeIn(applicationName: string, notificationId: number): Cause {
  return { applicationName, pipelineId: 0, notificationId };
}

/** A log of causes that counts the reads. */
function logOf(causes: (Cause | undefined)[]) {
  const reads: (readonly [after: number, limit: number])[] = [];
  const recorder = {
    async causes(pipelineId: number, after: number, limit: number) {
      expect(pipelineId).toBe(0);
      reads.push([after, limit]);
      return causes.slice(after, after + limit);
    },
  } as unknown as Recorder;
  return { causes, reads, recorder };
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

describe('the nearest cause in a followed log', () => {
  test('is the cause itself if its log is followed, without a read', async () => {
    const x = logOf([causeIn('a', 1)]);
    const causes = new NearestCauses(new Set(['a']), new Map([['x', x.recorder]]));
    expect(await causes.find(causeIn('a', 7))).toEqual(causeIn('a', 7));
    expect(await causes.find(causeIn('unknown', 7))).toBeUndefined();
    expect(x.reads).toEqual([]);
  });

  test('is found through intermediates, ends at applications that are not read and at commands', async () => {
    const x = logOf([causeIn('a', 5), undefined, causeIn('elsewhere', 1)]);
    const y = logOf([causeIn('x', 1), causeIn('x', 2), causeIn('x', 3)]);
    const recorders = new Map([
      ['x', x.recorder],
      ['y', y.recorder],
    ]);
    const causes = new NearestCauses(new Set(['a']), recorders);
    expect(await causes.find(causeIn('y', 1))).toEqual(causeIn('a', 5));
    expect(await causes.find(causeIn('y', 2))).toBeUndefined();
    expect(await causes.find(causeIn('y', 3))).toBeUndefined();
    expect([...x.reads, ...y.reads]).toHaveLength(2);
  });

  test('is read by pages, in any order, and each notification once while it is in memory', async () => {
    const x = logOf(numbers(1_000).map((id) => causeIn('a', 2 * id)));
    const causes = new NearestCauses(new Set(['a']), new Map([['x', x.recorder]]));
    for (const id of [1, 256, 257, 999, 1_000, 512, 513, 300, 2])
      expect(await causes.find(causeIn('x', id))).toEqual(causeIn('a', 2 * id));
    expect(x.reads).toEqual([
      [0, 256],
      [256, 256],
      [768, 256],
      [512, 256],
    ]);
    x.causes.push(causeIn('a', 5_000));
    expect(await causes.find(causeIn('x', 1_001))).toEqual(causeIn('a', 5_000));
    expect(x.reads.at(-1)).toEqual([1_000, 24]);
  });

  test('is undefined while a log ends before the cause', async () => {
    const x = logOf([causeIn('a', 1)]);
    const causes = new NearestCauses(new Set(['a']), new Map([['x', x.recorder]]));
    expect(await causes.find(causeIn('x', 3))).toBeUndefined();
    x.causes.push(causeIn('a', 2), causeIn('a', 3));
    expect(await causes.find(causeIn('x', 3))).toEqual(causeIn('a', 3));
  });

  test('is found at the end of a long way, which is walked once', async () => {
    const length = 5_000;
    const x = logOf([causeIn('a', 1), ...numbers(length).map((id) => causeIn('y', id))]);
    const y = logOf(numbers(length + 1).map((id) => causeIn('x', id)));
    const recorders = new Map([
      ['x', x.recorder],
      ['y', y.recorder],
    ]);
    const causes = new NearestCauses(new Set(['a']), recorders);
    expect(await causes.find(causeIn('y', length))).toEqual(causeIn('a', 1));
    const reads = () => x.reads.length + y.reads.length;
    expect(reads()).toBeLessThan(2 * (length / 256 + 2));
    const before = reads();
    expect(await causes.find(causeIn('y', length + 1))).toEqual(causeIn('a', 1));
    expect(await causes.find(causeIn('x', length + 1))).toEqual(causeIn('a', 1));
    expect(reads() - before).toBeLessThan(3);
  });

  test('is found with a bounded number of pages in memory', async () => {
    const x = logOf(numbers(256 * 40).map((id) => causeIn('a', id)));
    const causes = new NearestCauses(new Set(['a']), new Map([['x', x.recorder]]));
    for (let id = 1; id <= 256 * 40; id += 256) await causes.find(causeIn('x', id));
    expect(x.reads).toHaveLength(40);
    await causes.find(causeIn('x', 256 * 40));
    await causes.find(causeIn('x', 256 * 8 + 1));
    expect(x.reads).toHaveLength(40);
    await causes.find(causeIn('x', 256 * 8));
    expect(x.reads).toHaveLength(41);
  });
});
