import assert from 'node:assert/strict';
import type { ParkedChange, ParkedContent, ParkedNotification } from '../../../storage/index.ts';
import { longNames, unusualNames } from '../extremes.ts';
import { event, processEvent, snapshot, tracked, versions } from '../fixture.ts';
import type { Test } from '../tested-storage.ts';
import {
  all,
  changing,
  content,
  numbers,
  type ParkedTest,
  type ParkingRecorder,
  parkedTest,
  parks,
  withoutIds,
} from './parked-fixture.ts';

/** Parked notifications. */
export function parked(test: Test): void {
  const testParked = parkedTest(test);
  recording(testParked);
  reading(testParked);
  extremes(testParked);
}

/** Parking, changing and deleting. */
function recording(test: ParkedTest): void {
  test('are recorded with everything else of a call', async (recorder, other, storage) => {
    assert.deepEqual([await all(recorder), await recorder.countParked()], [[], []]);
    const operation = { timestamp: 1, kind: 'retry', by: 'ada', reason: '', details: '{}' };
    const command = { key: 'k', timestamp: 1, fingerprint: 'f', outcome: '{}' };
    const whole = { ...tracked('up', 0, 3, event('a', 1)), snapshots: [snapshot('a', 1)], operation };
    assert.equal(await recorder.record(3, [{ ...whole, command, parked: [parks(3)] }]), 1);
    assert.equal(await other.record(3, [{ ...tracked('up', 3, 4), parked: [parks(4)] }]), 1);
    assert.equal(await other.record(3, [{ ...processEvent(event('a', 2)), parked: [parks(9, 'other')] }]), 2);
    assert.equal(await other.record(3, [changing(parks(1, 'é "up"'))]), 2);
    const expected = [
      { upstreamName: 'up', notificationId: 3, revision: 1, ...content('of 3') },
      { upstreamName: 'up', notificationId: 4, revision: 1, ...content('of 4') },
      { upstreamName: 'other', notificationId: 9, revision: 1, ...content('of 9') },
      { upstreamName: 'é "up"', notificationId: 1, revision: 1, ...content('of 1') },
    ];
    for (const one of [recorder, other]) {
      assert.deepEqual(withoutIds(await all(one, 3)), expected);
      assert.deepEqual([await one.head(3), (await one.position(3, 'up')).position], [2, 4]);
      assert.deepEqual(await one.operations(0, 10), [{ id: 1, ...operation }]);
      assert.deepEqual(await versions(one, { originatorId: 'a' }), [1, 2]);
    }
    for (const one of [recorder, other]) await one.close();
    const again = (await storage.open('orders', false)) as ParkingRecorder;
    assert.deepEqual(withoutIds(await all(again, 3)), expected);
  });

  test('keep their ids when they change, and have a revision that counts', async (recorder, other) => {
    await recorder.record(0, [changing(parks(5), parks(6), parks(7))]);
    const [first, second, third] = await all(other);
    assert.ok(first && second && third);
    const changed = content('changed', { isDue: true, attempts: 4, since: -1, reason: '"later"' });
    const change = (expected: number, one: ParkedContent): ParkedChange => ({
      ...{ upstreamName: 'up', notificationId: 6, expected },
      content: one,
    });
    await other.record(0, [changing(change(1, changed))]);
    assert.deepEqual(await all(recorder), [first, { ...second, ...changed, revision: 2 }, third]);
    await recorder.record(0, [tracked('up', 0, 7), changing(change(2, content('of 6')))]);
    assert.deepEqual(await all(other), [first, { ...second, revision: 3 }, third]);
  });

  test('are deleted, and parked again behind all others', async (recorder, other, storage) => {
    await recorder.record(0, [changing(parks(5), parks(6), parks(7))]);
    const before = await all(recorder);
    const removes = (notificationId: number, expected: number): ParkedChange => ({
      ...{ upstreamName: 'up', notificationId, expected },
      content: undefined,
    });
    await other.record(0, [{ ...processEvent(event('a', 1)), parked: [removes(5, 1)] }]);
    assert.deepEqual(await all(recorder), before.slice(1));
    await recorder.record(0, [changing(removes(7, 1), removes(6, 1))]);
    assert.deepEqual([await all(other), await other.countParked()], [[], []]);
    await recorder.close();
    await other.close();
    const again = (await storage.open('orders', false)) as ParkingRecorder;
    await again.record(0, [changing(parks(6), parks(5))]);
    const found = await all(again);
    assert.deepEqual(
      found.map(({ notificationId, revision }) => [notificationId, revision]),
      [
        [6, 1],
        [5, 1],
      ],
    );
    const last = Math.max(...before.map(({ id }) => id));
    assert.ok(found.every(({ id }) => id > last));
  });
}

/** Reading pages and counts. */
function reading(test: ParkedTest): void {
  test('are read page by page, of one pipeline', async (recorder, other) => {
    await recorder.record(1, [changing(parks(1))]);
    for (const id of [4, 2, 5, 1]) await recorder.record(0, [changing(parks(id))]);
    await other.record(2, [changing(parks(1))]);
    await other.record(0, [changing(parks(3))]);
    const found = await all(other);
    assert.deepEqual(withoutIds(found).length, 5);
    assert.deepEqual(await numbers(other), [4, 2, 5, 1, 3]);
    const pages: (readonly ParkedNotification[])[] = [];
    for (let after = 0; ; ) {
      const page = await recorder.parked({ pipelineId: 0, after, limit: 2 });
      pages.push(page);
      if (page.length < 2) break;
      after = page.at(-1)?.id ?? 0;
    }
    assert.deepEqual(pages, [found.slice(0, 2), found.slice(2, 4), found.slice(4)]);
    const last = found.at(-1)?.id ?? 0;
    assert.deepEqual(await other.parked({ pipelineId: 0, after: last, limit: 5 }), []);
    assert.deepEqual(await other.parked({ pipelineId: 9, after: 0, limit: 5 }), []);
    const ids = [...found, ...(await all(other, 1)), ...(await all(other, 2))].map(({ id }) => id);
    assert.equal(new Set(ids).size, 7);
  });

  test('are selected by upstream, and by whether they are due', async (recorder, other) => {
    const due = { isDue: true };
    await recorder.record(0, [
      changing(parks(1), parks(2, 'up', due), parks(1, 'other'), parks(2, 'other', due)),
      changing(parks(3, 'up', due)),
    ]);
    const select = async (selection: object) => {
      const found = await other.parked({ pipelineId: 0, after: 0, limit: 10, ...selection });
      return found.map(({ upstreamName, notificationId }) => `${upstreamName} ${notificationId}`);
    };
    const isDue = true;
    assert.deepEqual(await select({}), ['up 1', 'up 2', 'other 1', 'other 2', 'up 3']);
    assert.deepEqual(await select({ isDue }), ['up 2', 'other 2', 'up 3']);
    assert.deepEqual(await select({ isDue: false }), ['up 1', 'other 1']);
    assert.deepEqual(await select({ upstreamName: 'up' }), ['up 1', 'up 2', 'up 3']);
    assert.deepEqual(await select({ upstreamName: 'up', isDue, limit: 1 }), ['up 2']);
    assert.deepEqual(await select({ upstreamName: 'up', isDue: false }), ['up 1']);
    assert.deepEqual(await select({ upstreamName: 'none' }), []);
    const [, , third] = await all(other);
    assert.deepEqual(await select({ isDue, after: third?.id }), ['other 2', 'up 3']);
  });

  test('are counted by pipeline and upstream', async (recorder, other, storage) => {
    const payments = (await storage.open('payments')) as ParkingRecorder;
    await payments.record(0, [changing(parks(1))]);
    await recorder.record(2_147_483_647, [changing(parks(1))]);
    await recorder.record(0, [changing(parks(1), parks(2), parks(7, 'other'))]);
    await recorder.record(0, [changing({ ...parks(2), expected: 1, content: undefined }, parks(4))]);
    const expected = [
      { pipelineId: 0, upstreamName: 'other', count: 1 },
      { pipelineId: 0, upstreamName: 'up', count: 2 },
      { pipelineId: 2_147_483_647, upstreamName: 'up', count: 1 },
    ];
    for (const one of [recorder, other]) assert.deepEqual(await one.countParked(), expected);
    assert.deepEqual(await payments.countParked(), [{ pipelineId: 0, upstreamName: 'up', count: 1 }]);
  });

  test('are neither read nor counted by a closed recorder', async (recorder) => {
    await recorder.close();
    const closed = { name: 'StorageError', code: 'STORAGE_CLOSED', applicationName: 'orders' };
    await assert.rejects(recorder.parked({ pipelineId: 0, after: 0, limit: 1 }), closed);
    await assert.rejects(recorder.countParked(), closed);
  });
}

/** Large numbers, long texts and many changes. */
function extremes(test: ParkedTest): void {
  test('may have unusual names, extreme numbers and long reasons', async (recorder, other) => {
    const names = [...unusualNames, ...longNames];
    const reason = JSON.stringify('注'.repeat(21_000));
    const extreme = { isDue: true, attempts: 2_147_483_647, since: 8.64e15, reason };
    const changes = names.map((name) => ({
      ...{ upstreamName: name, notificationId: Number.MAX_SAFE_INTEGER, expected: 0 },
      content: content(name, extreme),
    }));
    await recorder.record(0, [changing(...changes)]);
    assert.deepEqual(
      withoutIds(await all(other)),
      changes.map(({ expected: _, content: own, ...key }) => ({ ...key, revision: 1, ...own })),
    );
    assert.equal((await other.countParked()).length, names.length);
    for (const upstreamName of names) {
      const request = { pipelineId: 0, after: 0, limit: 9, upstreamName, isDue: true };
      assert.equal((await other.parked(request)).length, 1);
    }
  });

  test('may be thousands in a call', async (recorder, other) => {
    const many = Array.from({ length: 2_000 }, (_, index) => parks(2_000 - index));
    await recorder.record(0, [changing(...many.slice(0, 500)), changing(...many.slice(500))]);
    const expected = many.map(({ notificationId }) => notificationId);
    const found = await other.parked({ pipelineId: 0, after: 0, limit: 5_000 });
    assert.deepEqual(
      found.map(({ notificationId }) => notificationId),
      expected,
    );
    const due = many.map((change) => ({ ...change, expected: 1, content: content('due', { isDue: true }) }));
    await other.record(0, [changing(...due.toReversed())]);
    const page = await recorder.parked({ pipelineId: 0, after: 0, limit: 3, isDue: true });
    assert.deepEqual(
      page.map(({ id, revision }) => [id, revision]),
      found.slice(0, 3).map(({ id }) => [id, 2]),
    );
    await recorder.record(0, [changing(...due.map((one) => ({ ...one, expected: 2, content: undefined })))]);
    assert.deepEqual(await other.countParked(), []);
  });
}
