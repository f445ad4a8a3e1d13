import assert from 'node:assert/strict';
import type { Recorder, StoredEvent } from '../../storage/index.ts';
import { event, processEvent, snapshot, tracked } from './fixture.ts';
import type { Test } from './tested-storage.ts';

type Provenance = Pick<StoredEvent, 'cause' | 'correlationId' | 'metadata' | 'dependencies'>;

const cause = { applicationName: 'up', pipelineId: 2, notificationId: 7 };
const uuid = '0190f3a2-7c1e-7d3a-9b52-3f1f0c6de2aa';
const metadata = '{"user":"ada \u0001\\u0000 🛒"}';

/** Correlation ids that a storage could mistake for others. */
const correlationIds = [
  uuid,
  uuid.toUpperCase(),
  `FF${uuid.slice(2)}`,
  `ff${uuid.slice(2)}`,
  '00000000-0000-0000-0000-000000000000',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  uuid.replaceAll('-', ''),
  `{${uuid}}`,
  ` ${uuid}`,
  `${uuid}\n`,
  `0190f3a27-c1e-7d3a-9b52-3f1f0c6de2aa`,
  ...['', ' ', '0', 'null', '\\x00', 'order 17', 'o\'r"d`e;r--', 'ÿ', '\ufeffmark', '注文 🛒', 'line\nbreak'],
  'n'.repeat(15),
  'n'.repeat(16),
  '長'.repeat(2_000),
];

const variants: readonly Provenance[] = [
  {},
  { cause },
  { cause: { ...cause, pipelineId: 0 } },
  {
    cause: { applicationName: "o'r 注文", pipelineId: 2_147_483_647, notificationId: 9_007_199_254_740_991 },
  },
  { correlationId: uuid },
  { correlationId: 'order 17' },
  { metadata },
  { cause, correlationId: uuid },
  { cause, correlationId: uuid, metadata },
  { correlationId: uuid, dependencies: [{ pipelineId: 1, notificationId: 1 }] },
  { cause, correlationId: uuid, metadata, dependencies: [{ pipelineId: 0, notificationId: 3 }] },
];

/** Records a group of events of one aggregate in each call of `record`, and checks that their provenance is returned. */
async function assertKept(
  recorder: Recorder,
  record: (events: readonly StoredEvent[], position: number) => Promise<number>,
  groups: readonly (readonly Provenance[])[],
): Promise<void> {
  const before = await recorder.head(2);
  const kept: StoredEvent[] = [];
  for (const [index, group] of groups.entries()) {
    const first = before + kept.length + 1;
    const events = group.map((provenance, offset) => ({ ...event('a', first + offset), ...provenance }));
    await record(events, index + 1);
    kept.push(...events);
  }
  assert.deepEqual(
    await recorder.notifications(2, before, kept.length + 1),
    kept.map((one, index) => ({ id: before + index + 1, ...one })),
  );
  assert.deepEqual(
    await recorder.causes(2, before, kept.length + 1),
    kept.map((one) => one.cause),
  );
}

/** Causes, correlation ids and metadata of events. */
export function provenance(test: Test): void {
  const alone = variants.map((one) => [one]);
  const mixed = [variants, variants.toReversed(), [...variants.slice(7, 9), ...variants.slice(7, 9)]];

  test('is returned with notifications that were recorded without a position', async (storage) => {
    const recorder = await storage.open();
    const record = (events: readonly StoredEvent[]) => recorder.record(2, [processEvent(...events)]);
    await assertKept(recorder, record, [...alone, ...mixed]);
  });

  test('is returned with notifications that were recorded with a position', async (storage) => {
    const recorder = await storage.open();
    const record = (events: readonly StoredEvent[], position: number) =>
      recorder.record(2, [tracked('up', position - 1, position, ...events)]);
    await assertKept(recorder, record, [...alone, ...mixed]);
  });

  test('is returned with notifications of calls with several process events', async (storage) => {
    const recorder = await storage.open();
    const record = (events: readonly StoredEvent[], position: number) =>
      recorder.record(2, [
        ...events.map((one) => processEvent(one)),
        { ...tracked('up', position - 1, position), snapshots: [snapshot('a', position)] },
        tracked('other', position - 1, position),
      ]);
    await assertKept(recorder, record, [...alone, ...mixed]);
  });

  test('is returned with notifications of a call with causes in several logs', async (storage) => {
    const recorder = await storage.open();
    const names = ['up', 'other', 'up'];
    const group = names.map((applicationName, index) => ({
      cause: { applicationName, pipelineId: 2, notificationId: index + 1 },
      correlationId: uuid,
    }));
    const record = (events: readonly StoredEvent[], position: number) =>
      recorder.record(2, [tracked('up', position - 1, position, ...events)]);
    await assertKept(recorder, record, [group, group, group.toReversed()]);
  });

  test('includes correlation ids of any form', async (storage) => {
    const recorder = await storage.open();
    const record = (events: readonly StoredEvent[]) => recorder.record(2, [processEvent(...events)]);
    const each = correlationIds.map((correlationId) => ({ correlationId }));
    await assertKept(recorder, record, [...each.map((one) => [one]), each]);
  });

  test('does not change how conflicts are rejected', async (storage) => {
    const recorder = await storage.open();
    const full = { cause, correlationId: uuid, metadata };
    await recorder.record(0, [tracked('up', 0, 3, { ...event('a', 1), ...full })]);
    const twice = recorder.record(0, [tracked('up', 3, 4, { ...event('a', 1), ...full })]);
    await assert.rejects(twice, { code: 'RECORD_CONFLICT', attemptedVersion: 1, currentVersion: 1 });
    const gap = recorder.record(0, [tracked('up', 3, 4, { ...event('a', 3), ...full })]);
    await assert.rejects(gap, { code: 'RECORD_CONFLICT', attemptedVersion: 3, currentVersion: 1 });
    const early = recorder.record(0, [tracked('up', 2, 4, { ...event('a', 2), ...full })]);
    await assert.rejects(early, { code: 'POSITION_CONFLICT', expected: 2, actual: 3 });
    assert.deepEqual([await recorder.head(0), (await recorder.position(0, 'up')).position], [1, 3]);
  });
}

/** Reading causes alone. */
export function causes(test: Test): void {
  test('are read page by page', async (storage) => {
    const recorder = await storage.open();
    const all = Array.from({ length: 25 }, (_, index) =>
      index % 5 === 0 ? undefined : { ...cause, notificationId: index },
    );
    const events = all.map((one, index) => ({ ...event('a', index + 1), ...(one && { cause: one }) }));
    await recorder.record(0, [processEvent(...events)]);
    assert.deepEqual(await recorder.causes(0, 0, 10), all.slice(0, 10));
    assert.deepEqual(await recorder.causes(0, 10, 10), all.slice(10, 20));
    assert.deepEqual(await recorder.causes(0, 20, 10), all.slice(20));
    assert.deepEqual(await recorder.causes(0, 12, 1), [all[12]]);
    assert.deepEqual(await recorder.causes(0, 25, 10), []);
    assert.deepEqual(await recorder.causes(0, 1_000, 10), []);
    assert.deepEqual(await recorder.causes(1, 0, 10), []);
  });
}
