import { expect } from 'vitest';
import type { Recorder } from '../../src/storage/recorder.ts';

/** Checks that a recorder returns the rows that the fixtures with tables of version 1 have. */
export async function expectRowsOfVersion1(recorder: Recorder): Promise<void> {
  const first = { originatorId: 'a', originatorVersion: 1, type: 'Made', data: '{"by":"ada"}' };
  const second = { originatorId: 'a', originatorVersion: 2, type: 'Changed', data: '{}' };
  expect(await recorder.notifications(0, 0, 10)).toEqual([
    { id: 1, ...first, timestamp: 1_700_000_000_001 },
    { id: 2, ...second, timestamp: 1_700_000_000_002 },
  ]);
  expect((await recorder.position(0, 'up')).position).toBe(7);
  const [history] = await recorder.histories([{ originatorId: 'a', after: 0, useSnapshot: true }]);
  expect([history?.snapshot?.originatorVersion, history?.events.length]).toEqual([1, 1]);
}
