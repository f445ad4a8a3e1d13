import { SingleThreadedRunner } from 'kahn';
import { describe, expect, test } from 'vitest';
import type { EventStore } from '../../../src/application/recording/event-store.ts';
import { countUndeclared } from '../../../src/runner/undeclared-events/type-scan.ts';
import {
  assertAllDeclared,
  warnOfUndeclared,
} from '../../../src/runner/undeclared-events/undeclared-report.ts';
import type { TypeCounts } from '../../../src/storage/recorder.ts';
import { storages } from '../../support/storages.ts';
import { until } from '../../support/until.ts';
import { watchWarnings } from '../../support/watchers/warnings.ts';
import { undeclaredEvents } from '../contract/undeclared-events.ts';

describe.each(storages)('on $name', ({ create }) => {
  undeclaredEvents({
    name: 'single-threaded',
    start: SingleThreadedRunner.start,
    createStorage: create,
    isFirstStorage: false,
  });
});

/** Counts events of one type, after a delay, and notes the size of each part. */
function slowRecorder(events: number, ms: number) {
  const limits: number[] = [];
  const countTypes = async (_pipelineId: number, after: number, limit: number): Promise<TypeCounts> => {
    limits.push(limit);
    const start = performance.now();
    while (performance.now() - start < ms); // as a file does, which is read in this thread
    const from = Math.max(after, 0);
    const last = Math.min(from + limit, events);
    return { counts: new Map([['Old', last - from]]), last: last > from ? last : undefined };
  };
  return { limits, countTypes };
}

test('all events are counted, in parts that are smaller where a part takes long', async () => {
  const recorder = slowRecorder(3_333, 6);
  const rests: number[] = [];
  const counted = await countUndeclared(recorder, 0, new Set(), async (ms) => void rests.push(ms));
  expect([...counted]).toEqual([['Old', 3_333]]);
  expect(recorder.limits.slice(0, 5)).toEqual([1_000, 500, 250, 125, 100]);
  expect(rests).toHaveLength(recorder.limits.length - 1);
  expect(Math.min(...rests)).toBeGreaterThanOrEqual(6);
});

test('declared types are not reported, and at most 100 others', async () => {
  const counts = new Map(Array.from({ length: 500 }, (_, i) => [`T${i}`, 1]));
  const countTypes = async () => ({ counts, last: 500 });
  const counted = await countUndeclared({ countTypes }, 0, new Set(['T0', 'T2']), async () => {});
  expect([...counted.keys()].slice(0, 3)).toEqual(['T1', 'T3', 'T4']);
  expect(counted.size).toBe(100);
});

test('a count in the background ends when the runner is closed', async () => {
  const recorder = slowRecorder(Infinity, 0);
  const stores = [{ applicationName: 'orders', recorder, emits: [] }] as unknown as EventStore[];
  const closed = new AbortController();
  const counting = { stores, pipelineIds: [0], runner: 'Runner', signal: closed.signal };
  const warnings = watchWarnings();
  const ended = warnOfUndeclared(counting);
  await until('several parts are counted', () => recorder.limits.length > 2);
  closed.abort();
  await ended;
  expect(warnings).toEqual([]);
});

test('a count that fails is reported', async () => {
  const countTypes = () => Promise.reject(new Error('disk on fire'));
  const stores = [
    { applicationName: 'orders', recorder: { countTypes }, emits: [] },
  ] as unknown as EventStore[];
  const { signal } = new AbortController();
  const warnings = watchWarnings();
  await warnOfUndeclared({ stores, pipelineIds: [0], runner: 'Runner', signal });
  await until('the warning is emitted', () => warnings.length > 0);
  expect(warnings[0]?.message).toBe('The types of recorded events could not be counted: disk on fire');
});

test('an abort of the start ends the count that it waits for', async () => {
  const recorder = slowRecorder(Infinity, 1);
  const stores = [{ applicationName: 'orders', recorder, emits: [] }] as unknown as EventStore[];
  const starting = new AbortController();
  const { signal } = starting;
  const counted = assertAllDeclared({ stores, pipelineIds: [0], runner: 'Runner', signal });
  counted.catch(() => {});
  await until('several parts are counted', () => recorder.limits.length > 2);
  starting.abort(new Error('no time'));
  await expect(counted).rejects.toThrow('no time');
});

test('storage that does not count types cannot refuse them', async () => {
  const stores = [{ applicationName: 'orders', recorder: {}, emits: [] }] as unknown as EventStore[];
  const counting = { stores, pipelineIds: [0], runner: 'Runner', signal: undefined };
  await expect(assertAllDeclared(counting)).rejects.toThrow(
    "The storage of 'orders' does not count types of events",
  );
});
