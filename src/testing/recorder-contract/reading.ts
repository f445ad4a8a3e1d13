import assert from 'node:assert/strict';
import type { HistoryRequest, Recorder } from '../../storage/index.ts';
import { event, plain, processEvent, snapshot, tracked, versions } from './fixture.ts';
import type { Test, TestedStorage } from './tested-storage.ts';

/** Histories without snapshots. */
export function histories(test: Test): void {
  test('are returned in the order of the requests, each in the order of versions', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, [processEvent(event('a', 1), event('b', 1), event('a', 2))]);
    await recorder.record(1, [processEvent(event('b', 2), event('a', 3))]);
    const all = { after: 0, useSnapshot: false };
    const found = await recorder.histories([
      { originatorId: 'b', ...all },
      { originatorId: 'unknown', ...all },
      { originatorId: 'a', ...all },
      { originatorId: 'b', ...all },
    ]);
    const b = [event('b', 1), event('b', 2)];
    assert.deepEqual(
      found.map(({ events }) => events.map(plain)),
      [b, [], [event('a', 1), event('a', 2), event('a', 3)], b],
    );
    assert.ok(found.every((history) => history.snapshot === undefined));
    assert.deepEqual(await recorder.histories([]), []);
  });

  test('are bounded by versions', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, [processEvent(...[1, 2, 3, 4, 5].map((version) => event('a', version)))]);
    assert.deepEqual(await versions(recorder, { originatorId: 'a', after: 3 }), [4, 5]);
    assert.deepEqual(await versions(recorder, { originatorId: 'a', upTo: 2 }), [1, 2]);
    assert.deepEqual(await versions(recorder, { originatorId: 'a', after: 1, upTo: 4 }), [2, 3, 4]);
    assert.deepEqual(await versions(recorder, { originatorId: 'a', after: 4, upTo: 3 }), []);
    assert.deepEqual(await versions(recorder, { originatorId: 'a', after: 9 }), []);
  });
}

/** Snapshots, and histories that start at them. */
export function snapshots(test: Test): void {
  async function recorded(storage: TestedStorage): Promise<Recorder> {
    const recorder = await storage.open();
    await recorder.record(0, [
      { events: [1, 2, 3, 4, 5].map((version) => event('a', version)), snapshots: [snapshot('a', 4)] },
    ]);
    await recorder.recordSnapshots([snapshot('a', 2), snapshot('b', 3)]);
    return recorder;
  }

  async function found(recorder: Recorder, request: Partial<HistoryRequest>): Promise<unknown[]> {
    const [history] = await recorder.histories([
      { originatorId: 'a', after: 0, useSnapshot: true, ...request },
    ]);
    return [history?.snapshot, history?.events.map(({ originatorVersion }) => originatorVersion)];
  }

  test('the newest snapshot within the bounds is used if requested', async (storage) => {
    const recorder = await recorded(storage);
    assert.deepEqual(await found(recorder, {}), [snapshot('a', 4), [5]]);
    assert.deepEqual(await found(recorder, { useSnapshot: false }), [undefined, [1, 2, 3, 4, 5]]);
    assert.deepEqual(await found(recorder, { upTo: 4 }), [snapshot('a', 4), []]);
    assert.deepEqual(await found(recorder, { upTo: 3 }), [snapshot('a', 2), [3]]);
    assert.deepEqual(await found(recorder, { upTo: 1 }), [undefined, [1]]);
    assert.deepEqual(await found(recorder, { after: 3 }), [snapshot('a', 4), [5]]);
    assert.deepEqual(await found(recorder, { after: 4 }), [undefined, [5]]);
    assert.deepEqual(await found(recorder, { after: 2, upTo: 3 }), [undefined, [3]]);
    assert.deepEqual(await found(recorder, { originatorId: 'b' }), [snapshot('b', 3), []]);
  });

  test('a snapshot of the same aggregate and version is replaced', async (storage) => {
    const recorder = await recorded(storage);
    const newer = { ...snapshot('a', 4), schema: 2, state: '{"newer":true}' };
    await recorder.recordSnapshots([newer]);
    assert.deepEqual(await found(recorder, {}), [newer, [5]]);
    const newest = { ...newer, schema: 3 };
    await recorder.record(0, [{ events: [], snapshots: [newest] }]);
    assert.deepEqual(await found(recorder, {}), [newest, [5]]);
    await recorder.recordSnapshots([]);
    const [first, last] = [
      { ...newer, schema: 4 },
      { ...newer, schema: 5 },
    ];
    await recorder.recordSnapshots([first, last]);
    assert.deepEqual(await found(recorder, {}), [last, [5]]);
    await recorder.record(0, [{ events: [], snapshots: [last, first] }]);
    assert.deepEqual(await found(recorder, {}), [first, [5]]);
    assert.deepEqual(await found(recorder, { upTo: 3 }), [snapshot('a', 2), [3]]);
  });
}

/** Bounds of histories by size. */
export function historySizes(test: Test): void {
  test('histories are read up to a size, and at least one', async (storage) => {
    const recorder = await storage.open();
    const half = 'x'.repeat(500);
    for (const id of ['a', 'b', 'c', 'd']) {
      const events = [1, 2].map((version) => ({ ...event(id, version), data: half }));
      const snapshots = id === 'b' ? [{ ...snapshot('b', 1), state: half }] : [];
      await recorder.record(0, [{ events, snapshots }]);
    }
    const counts = async (ids: string, maxSize?: number) => {
      const requests = [...ids].map((originatorId) => ({ originatorId, after: 0, useSnapshot: true }));
      const found = await recorder.histories(requests, maxSize);
      for (const [i, { events }] of found.entries())
        for (const { originatorId, data } of events) assert.deepEqual([originatorId, data], [ids[i], half]);
      return found.map((one) => one.events.length + (one.snapshot === undefined ? 0 : 1));
    };
    assert.deepEqual(await counts('abcd'), [2, 2, 2, 2]);
    assert.deepEqual(await counts('abcd', 10_000_000), [2, 2, 2, 2]);
    assert.deepEqual(await counts('abcd', 1), [2]);
    assert.deepEqual(await counts('abcd', 1_000), [2]);
    assert.deepEqual(await counts('abcd', 1_001), [2, 2]);
    assert.deepEqual(await counts('b?cad', 2_001), [2, 0, 2, 2]);
    assert.deepEqual(await counts('??', 1), [0, 0]);
    assert.deepEqual(await counts('a', 1), [2]);
  });
}

/** Reading a log. */
export function notifications(test: Test): void {
  test('are read page by page', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, [
      processEvent(...Array.from({ length: 25 }, (_, index) => event('a', index + 1))),
    ]);
    const pages: number[][] = [];
    for (let after = 0; after < 25; after = pages.at(-1)?.at(-1) ?? 25) {
      pages.push((await recorder.notifications(0, after, 10)).map(({ id }) => id));
    }
    assert.deepEqual(
      pages.map((page) => [page.length, page[0], page.at(-1)]),
      [
        [10, 1, 10],
        [10, 11, 20],
        [5, 21, 25],
      ],
    );
    assert.deepEqual(await recorder.notifications(0, 25, 10), []);
    assert.deepEqual(await recorder.notifications(0, 1_000, 10), []);
    assert.deepEqual(await recorder.notifications(1, 0, 10), []);
    assert.deepEqual(await recorder.notifications(0, 3, 1), [{ id: 4, ...event('a', 4) }]);
  });

  test('are read up to a size, and at least one', async (storage) => {
    const recorder = await storage.open();
    const lengths = [10, 20, 70_000, 10, 40_000, 40_000, 10, 10];
    const events = lengths.map((length, index) => {
      const half = 'x'.repeat(length / 2);
      return {
        ...event('a', index + 1),
        data: half,
        ...(index === 0 ? { data: half + half } : { metadata: half }),
      };
    });
    for (const one of [events.slice(0, 3), events.slice(3, 7), events.slice(7)])
      await recorder.record(0, [processEvent(...one)]);
    const idsOf = async (after: number, limit: number, maxSize?: number) =>
      (await recorder.notifications(0, after, limit, maxSize)).map(({ id }) => id);
    assert.deepEqual(await idsOf(0, 100), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(await idsOf(0, 100, 1), [1]);
    assert.deepEqual(await idsOf(0, 100, 11), [1, 2]);
    assert.deepEqual(await idsOf(0, 100, 31), [1, 2, 3]);
    assert.deepEqual(await idsOf(0, 2, 31), [1, 2]);
    assert.deepEqual(await idsOf(2, 100, 70_000), [3]);
    assert.deepEqual(await idsOf(3, 100, 40_011), [4, 5, 6]);
    assert.deepEqual(await idsOf(4, 100, 1_000_000), [5, 6, 7, 8]);
    assert.deepEqual(await idsOf(8, 100, 1), []);
    assert.deepEqual(
      (await recorder.notifications(0, 0, 3, 70_030)).map(({ id, ...own }) => own),
      events.slice(0, 3),
    );
  });

  test('do not change after they were read', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, [processEvent(event('a', 1))]);
    const page = await recorder.notifications(0, 0, 10);
    const [history] = await recorder.histories([{ originatorId: 'a', after: 0, useSnapshot: false }]);
    await recorder.record(0, [processEvent(event('a', 2))]);
    assert.deepEqual([page.length, history?.events.length], [1, 1]);
  });
}

/** Dependencies of events. */
export function dependencies(test: Test): void {
  test('are returned with their notifications', async (storage) => {
    const recorder = await storage.open();
    const one = { ...event('a', 1), dependencies: [{ pipelineId: 1, notificationId: 7 }] };
    const two = {
      ...event('b', 1),
      dependencies: [
        { pipelineId: 0, notificationId: 1 },
        { pipelineId: 2_147_483_647, notificationId: 9_007_199_254_740_991 },
      ],
    };
    const again = (version: number) => ({ ...event('b', version), dependencies: one.dependencies });
    await recorder.record(2, [processEvent(one, event('a', 2))]);
    await recorder.record(2, [tracked('up', 0, 3, two)]);
    await recorder.record(2, [tracked('up', 3, 4, again(2))]);
    await recorder.record(2, [tracked('up', 4, 5, event('b', 3), again(4))]);
    await recorder.record(2, [{ ...tracked('up', 5, 6, again(5)), snapshots: [snapshot('b', 5)] }]);
    await recorder.record(2, [tracked('up', 6, 7, again(6)), tracked('other', 0, 1, event('b', 7))]);
    await recorder.record(2, [tracked('up', 7, 8, event('b', 8))]);
    const ofA = [one, event('a', 2)];
    const ofB = [two, again(2), event('b', 3), again(4), again(5), again(6), event('b', 7), event('b', 8)];
    assert.deepEqual(
      await recorder.notifications(2, 0, 20),
      [...ofA, ...ofB].map((stored, index) => ({ id: index + 1, ...stored })),
    );
    assert.deepEqual(await versions(recorder, { originatorId: 'b' }), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(
      [(await recorder.position(2, 'up')).position, (await recorder.position(2, 'other')).position],
      [8, 1],
    );
  });

  test('do not change how conflicts are rejected', async (storage) => {
    const recorder = await storage.open();
    const placed = { dependencies: [{ pipelineId: 1, notificationId: 7 }] };
    await recorder.record(0, [tracked('up', 0, 3, { ...event('a', 1), ...placed })]);
    const twice = recorder.record(0, [tracked('up', 3, 4, { ...event('a', 1), ...placed })]);
    await assert.rejects(twice, { code: 'RECORD_CONFLICT', attemptedVersion: 1, currentVersion: 1 });
    const early = recorder.record(0, [tracked('up', 2, 4, { ...event('a', 2), ...placed })]);
    await assert.rejects(early, { code: 'POSITION_CONFLICT', expected: 2, actual: 3 });
    assert.deepEqual([await recorder.head(0), (await recorder.position(0, 'up')).position], [1, 3]);
  });
}

/** Finding events in the logs. */
export function places(test: Test): void {
  test('are returned in the order of the keys, whatever the pipeline', async (storage) => {
    const recorder = await storage.open();
    await recorder.record(0, [processEvent(event('a', 1), event('b', 1))]);
    await recorder.record(2_147_483_647, [processEvent(event('a', 2)), processEvent(event('c', 1))]);
    await recorder.record(0, [processEvent(event('a', 3))]);
    const keys = [event('c', 1), event('a', 3), event('b', 2), event('a', 1), event('x', 1), event('a', 2)];
    const found = await recorder.locate([...keys, event('a', 3)]);
    assert.deepEqual(
      found.map((place) => place && [place.pipelineId, place.notificationId]),
      [[2_147_483_647, 2], [0, 3], undefined, [0, 1], undefined, [2_147_483_647, 1], [0, 3]],
    );
    assert.deepEqual(await recorder.locate([]), []);
  });

  test('include places of events just recorded by another recorder', async (storage) => {
    const [recorder, other] = [await storage.open(), await storage.open()];
    await other.record(3, [processEvent(event('a', 1))]);
    assert.deepEqual(await recorder.locate([event('a', 1)]), [{ pipelineId: 3, notificationId: 1 }]);
    await recorder.record(1, [processEvent(event('a', 2))]);
    assert.deepEqual(await other.locate([event('a', 2)]), [{ pipelineId: 1, notificationId: 1 }]);
  });
}

/** Counting events by type. */
export function typeCounts(test: Test): void {
  test('types are counted part by part, in the order of ids', async (storage) => {
    const recorder = await storage.open();
    const types = ['A', 'B', 'A', 'B@2', 'A', 'C'];
    const events = types.map((type, index) => ({ ...event('a', index + 1), type }));
    await recorder.record(3, [processEvent(...events.slice(0, 5))]);
    await recorder.record(4, [processEvent(...events.slice(5))]);
    const counted = async (after: number, limit: number) => {
      const found = await recorder.countTypes?.(3, after, limit);
      return [Object.fromEntries(found?.counts ?? []), found?.last];
    };
    assert.deepEqual(await counted(Number.MIN_SAFE_INTEGER, 100), [{ A: 3, B: 1, 'B@2': 1 }, 5]);
    assert.deepEqual(await counted(0, 2), [{ A: 1, B: 1 }, 2]);
    assert.deepEqual(await counted(2, 2), [{ A: 1, 'B@2': 1 }, 4]);
    assert.deepEqual(await counted(4, 2), [{ A: 1 }, 5]);
    assert.deepEqual(await counted(5, 2), [{}, undefined]);
  });
}
