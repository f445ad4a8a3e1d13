import assert from 'node:assert/strict';
import type { ParkedChange, ParkedContent, ProcessEvent } from '../../../storage/index.ts';
import { event, processEvent, snapshot, tracked, versions } from '../fixture.ts';
import type { Test } from '../tested-storage.ts';
import {
  all,
  changing,
  content,
  numbers,
  type ParkedTest,
  parkedTest,
  parks,
  withoutIds,
} from './parked-fixture.ts';

/** Parked notifications that several writers change. */
export function parkedConflicts(test: Test): void {
  const testParked = parkedTest(test);
  conflicts(testParked);
  precedence(testParked);
  concurrency(testParked);
}

/** Calls that record() rejects. */
function conflicts(test: ParkedTest): void {
  test('a revision that is not as expected is rejected, with the whole call', async (recorder, other) => {
    await recorder.record(0, [{ ...tracked('up', 0, 3, event('a', 1)), parked: [parks(3), parks(4)] }]);
    await recorder.record(0, [changing({ ...parks(4), expected: 1 })]);
    const before = await all(recorder);
    const change = (notificationId: number, expected: number, own?: ParkedContent): ParkedChange => ({
      ...{ upstreamName: 'up', notificationId, expected },
      content: own,
    });
    const next = content('next');
    for (const one of [
      change(3, 0, next),
      change(3, 2, next),
      change(3, 0),
      change(3, 2),
      change(4, 1, next),
      change(4, 3, next),
      change(4, 1),
      change(9, 1, next),
      change(9, 1),
      change(9, 0),
    ]) {
      const rejected = {
        name: 'ParkedConflictError',
        code: 'PARKED_CONFLICT',
        applicationName: 'orders',
        upstreamName: 'up',
        notificationId: one.notificationId,
        expected: one.expected,
      };
      const operation = { timestamp: 1, kind: 'retry', by: 'ada', reason: '', details: '{}' };
      const command = { key: 'k', timestamp: 1, fingerprint: 'f', outcome: '{}' };
      const around = [
        { ...tracked('up', 3, 5, event('a', 2)), snapshots: [snapshot('a', 2)], parked: [parks(5)], command },
        { ...processEvent(event('b', 1)), parked: [one, parks(6)], operation },
        changing(change(one.notificationId === 3 ? 4 : 3, one.notificationId === 3 ? 2 : 1)),
      ];
      await assert.rejects(other.record(0, [changing(one)]), rejected);
      await assert.rejects(recorder.record(0, [tracked('up', 3, 4), changing(one)]), rejected);
      await assert.rejects(recorder.record(0, around), rejected);
    }
    for (const one of [recorder, other]) {
      assert.deepEqual(await all(one), before);
      assert.deepEqual([await one.head(0), (await one.position(0, 'up')).position], [1, 3]);
      assert.deepEqual(await versions(one, { originatorId: 'b' }), []);
      assert.deepEqual([await one.operations(0, 9), await one.command?.('k')], [[], undefined]);
    }
    const fine = { ...tracked('up', 3, 5, event('a', 2)), parked: [change(3, 1), change(4, 2), parks(5)] };
    assert.equal(await other.record(0, [fine]), 2);
    assert.deepEqual(await numbers(recorder), [5]);
  });

  test('a notification of another upstream or pipeline is another one', async (recorder) => {
    await recorder.record(0, [changing(parks(3))]);
    const due = content('due', { isDue: true });
    for (const change of [parks(3), { ...parks(3), expected: 1, content: undefined }]) {
      const elsewhere = { ...change, upstreamName: 'other' };
      if (change.expected === 0) await recorder.record(0, [changing(elsewhere)]);
      else await assert.rejects(recorder.record(1, [changing(change)]), { code: 'PARKED_CONFLICT' });
    }
    await assert.rejects(recorder.record(1, [changing({ ...parks(3), expected: 1, content: due })]), {
      code: 'PARKED_CONFLICT',
    });
    await recorder.record(1, [changing(parks(3))]);
    assert.deepEqual([await numbers(recorder), await numbers(recorder, 1)], [[3, 3], [3]]);
  });

  test('a notification that changes twice in a call is rejected', async (recorder) => {
    await recorder.record(0, [changing(parks(3))]);
    const again = { ...parks(3), expected: 1 };
    for (const call of [
      [changing(parks(5), parks(6), parks(5))],
      [changing(parks(5)), changing({ ...parks(5), expected: 1 })],
      [changing(again), processEvent(event('a', 1)), changing({ ...again, expected: 2, content: undefined })],
      [changing(again, again)],
    ]) {
      await assert.rejects(recorder.record(0, call), { code: 'PARKED_CONFLICT', upstreamName: 'up' });
    }
    assert.deepEqual([await numbers(recorder), await recorder.head(0)], [[3], 0]);
  });
}

/** Calls that break several rules. */
function precedence(test: ParkedTest): void {
  test('conflicts of keys, versions and positions come first', async (recorder, other) => {
    const command = { key: 'k', timestamp: 1, fingerprint: 'f', outcome: '{}' };
    const first = { ...tracked('up', 0, 3, event('a', 1)), parked: [parks(3)] };
    await recorder.record(0, [recorder.command === undefined ? first : { ...first, command }]);
    for (const refused of [changing(parks(3)), changing(parks(5), parks(5))]) {
      const calls = (conflicting: ProcessEvent): ProcessEvent[][] => [
        [{ ...conflicting, parked: refused.parked ?? [] }],
        [refused, conflicting],
        [conflicting, refused, processEvent(event('b', 1))],
      ];
      for (const call of calls(tracked('up', 2, 4)))
        await assert.rejects(other.record(0, call), { code: 'POSITION_CONFLICT' });
      for (const call of calls(processEvent(event('a', 1))))
        await assert.rejects(other.record(0, call), { code: 'RECORD_CONFLICT' });
      if (recorder.command === undefined) continue;
      for (const call of calls({ ...tracked('up', 2, 4, event('a', 1)), command }))
        await assert.rejects(other.record(0, call), { code: 'KEY_CONFLICT' });
    }
    assert.deepEqual(await numbers(recorder), [3]);
  });
}

/** Several writers. */
function concurrency(test: ParkedTest): void {
  test('of concurrent changes of one revision, exactly one is recorded', async (recorder, other) => {
    const race = async (change: (writer: number) => ParkedChange) => {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, (_, writer) =>
          [recorder, other][writer % 2]?.record(0, [
            { ...processEvent(event(`${change(0).expected} ${writer}`, 1)), parked: [change(writer)] },
          ]),
        ),
      );
      const codes = outcomes.flatMap((one) => (one.status === 'rejected' ? one.reason.code : []));
      assert.deepEqual(codes, new Array(9).fill('PARKED_CONFLICT'));
      return outcomes.findIndex(({ status }) => status === 'fulfilled');
    };
    const change = (expected: number) => (writer: number) => ({
      ...{ upstreamName: 'up', notificationId: 1, expected },
      content: content(`of ${writer}`),
    });
    for (const expected of [0, 1]) {
      const winner = await race(change(expected));
      assert.deepEqual(
        (await all(recorder)).map(({ originatorId, revision }) => [originatorId, revision]),
        [[`of ${winner}`, expected + 1]],
      );
    }
    await race(() => ({ ...change(2)(0), content: undefined }));
    assert.deepEqual([await all(other), await other.head(0)], [[], 3]);
  });

  test('of several pipelines are changed side by side, in any order', async (recorder, other) => {
    const writers = [recorder, other];
    const ids = [1, 2, 3, 4, 5, 6];
    await Promise.all(ids.map((id) => writers[id % 2]?.record(id, [changing(...ids.map((n) => parks(n)))])));
    const counts = ids.map((pipelineId) => ({ pipelineId, upstreamName: 'up', count: 6 }));
    assert.deepEqual(await recorder.countParked(), counts);
    const found = await Promise.all(ids.map((pipelineId) => all(other, pipelineId)));
    for (const page of found) withoutIds(page);
    assert.equal(new Set(found.flat().map(({ id }) => id)).size, 36);
    // Two writers change the same notifications in opposite orders.
    for (const expected of [1, 2, 3]) {
      const changes = ids.map((id) => ({ ...parks(id), expected, content: content(`${expected}`) }));
      const both = await Promise.allSettled([
        recorder.record(1, [changing(...changes)]),
        other.record(1, [changing(...changes.toReversed())]),
      ]);
      assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    }
    assert.deepEqual(
      (await all(other, 1)).map(({ revision }) => revision),
      new Array(6).fill(4),
    );
  });

  test('are recorded under the write lock', async (recorder, other) => {
    if (recorder.lock === undefined) return;
    const lock = await recorder.lock();
    const waiting = other.record(0, [changing(parks(1))]);
    await lock.record(0, [{ ...tracked('up', 0, 1, event('a', 1)), parked: [parks(1)] }]);
    await assert.rejects(waiting, { code: 'PARKED_CONFLICT', notificationId: 1 });
    const again = await recorder.lock();
    await assert.rejects(again.record(0, [changing(parks(1))]), { code: 'PARKED_CONFLICT' });
    assert.equal(await other.record(0, [changing({ ...parks(1), expected: 1, content: undefined })]), 1);
    assert.deepEqual(await recorder.countParked(), []);
  });
}
