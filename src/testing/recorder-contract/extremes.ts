import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { event, plain, processEvent, snapshot, tracked } from './fixture.ts';
import type { Test } from './tested-storage.ts';

/** Names with unusual characters. */
export const unusualNames: readonly string[] = [
  ...[
    'order',
    'Order',
    'ORDER',
    'ördér',
    '注文 🛒',
    'o\'r"d`e;r--',
    'a/b',
    'a\\b',
    '..',
    '.',
    '../orders',
    '%2e',
    '%',
  ],
  ...[
    'order ',
    ' ',
    'con',
    'a:b*c?',
    'line\nbreak',
    `${'n'.repeat(199)}A`,
    `${'n'.repeat(199)}B`,
    '長'.repeat(200),
  ],
];

/** Names of 1,024 bytes. Neither a UTF-8 table nor the compression of an index makes them shorter. */
export const longNames: readonly string[] = [
  createHash('shake256', { outputLength: 384 }).update('kahn').digest('base64url').repeat(2),
  `${'長'.repeat(341)}A`,
  `${'\u0001'.repeat(1_023)}A`,
];

/** Unusual names and ids. */
export function names(test: Test): void {
  test('applications may have unusual names', async (storage) => {
    for (const name of unusualNames)
      await (await storage.open(name)).record(0, [processEvent(event(name, 1))]);
    for (const name of unusualNames) {
      const recorder = await storage.open(name, false);
      assert.deepEqual(await recorder.notifications(0, 0, 10), [{ id: 1, ...event(name, 1) }]);
    }
    assert.deepEqual((await storage.applicationNames()).toSorted(), unusualNames.toSorted());
  });

  test('aggregates, upstreams and event types may have unusual names', async (storage) => {
    const recorder = await storage.open();
    const typed = unusualNames.map((name) => ({
      ...event(name, 1),
      type: name,
      data: JSON.stringify({ name }),
    }));
    await recorder.record(
      0,
      typed.map((one, index) => tracked(one.originatorId, 0, index + 1, one)),
    );
    const requests = unusualNames.map((originatorId) => ({ originatorId, after: 0, useSnapshot: true }));
    const found = await recorder.histories(requests);
    assert.deepEqual(
      found.flatMap(({ events }) => events.map(plain)),
      typed,
    );
    for (const [index, name] of unusualNames.entries())
      assert.equal((await recorder.position(0, name)).position, index + 1);
  });
}

/** Large data and many events. */
export function sizes(test: Test): void {
  test('names, ids and event types may have 1,024 bytes', async (storage) => {
    for (const long of longNames) {
      const recorder = await storage.open(long);
      const own = { ...event(long, 1), type: long, correlationId: long };
      const cause = { applicationName: long, pipelineId: 0, notificationId: 1 };
      await recorder.record(0, [
        { ...tracked(long, 0, 1, { ...own, cause }), snapshots: [snapshot(long, 1)] },
      ]);
      await recorder.record(0, [tracked(long, 1, 2, { ...own, originatorVersion: 2, cause })]);
      assert.deepEqual(await recorder.notifications(0, 0, 1), [{ id: 1, ...own, cause }]);
      assert.equal((await recorder.position(0, long)).position, 2);
      const [history] = await recorder.histories([{ originatorId: long, after: 0, useSnapshot: true }]);
      assert.deepEqual([history?.snapshot, history?.events.length], [snapshot(long, 1), 1]);
    }
  });

  test('an event and a snapshot may have a megabyte', async (storage) => {
    const recorder = await storage.open();
    const big = JSON.stringify({ text: 'é'.repeat(500_000) });
    await recorder.record(0, [
      {
        events: [{ ...event('a', 1), data: big, metadata: big }],
        snapshots: [{ ...snapshot('a', 1), state: big }],
      },
    ]);
    const [notification] = await recorder.notifications(0, 0, 1);
    assert.deepEqual([notification?.data, notification?.metadata], [big, big]);
    const [history] = await recorder.histories([{ originatorId: 'a', after: 0, useSnapshot: true }]);
    assert.equal(history?.snapshot?.state, big);
  });

  test('a call may have ten thousand events', async (storage) => {
    const recorder = await storage.open();
    const events = Array.from({ length: 10_000 }, (_, index) => ({
      ...event(`a${index % 100}`, Math.floor(index / 100) + 1),
      cause: { applicationName: 'up', pipelineId: 0, notificationId: index + 1 },
      correlationId: `${index % 7}`,
    }));
    assert.equal(
      await recorder.record(
        0,
        events.map((one) => processEvent(one)),
      ),
      10_000,
    );
    const read = await recorder.notifications(0, 0, 10_000);
    assert.deepEqual(
      read,
      events.map((one, index) => ({ id: index + 1, ...one })),
    );
  });
}
