import assert from 'node:assert/strict';
import type { ProcessEvent, RecordedPosition, Recorder, Tracking } from '../../storage/index.ts';
import { event, snapshot, tracked } from './fixture.ts';
import type { Test } from './tested-storage.ts';

/** Moves a position. The mark is no field, but computed when it is read. */
class ComputedMark implements Tracking {
  readonly upstreamName = 'up';
  readonly expected: number;
  readonly position: number;

  constructor(expected: number, position: number) {
    this.expected = expected;
    this.position = position;
  }

  get mark(): string {
    return `mark ${this.position}`;
  }
}

/** Creates process events of all forms that move the position by one, each with a mark. */
function moves(position: number): readonly (readonly ProcessEvent[])[] {
  const placed = { dependencies: [{ pipelineId: 1, notificationId: 7 }] };
  const at = (index: number, ...events: Parameters<typeof event>[]) => {
    const tracking = new ComputedMark(position + index, position + index + 1);
    return { events: events.map(([id, version]) => event(id, version)), snapshots: [], tracking };
  };
  const [single, several, dependent, withSnapshot, twice] = [
    at(0, ['a', 1]),
    at(1, ['a', 2], ['b', 1]),
    at(2),
    { ...at(3), snapshots: [snapshot('a', 2)] },
    at(4),
  ];
  const events = [{ ...event('a', 3), ...placed }];
  return [[single], [several], [{ ...dependent, events }], [withSnapshot], [twice, at(5)], [at(6, ['d', 1])]];
}

function withVersion(processEvents: readonly ProcessEvent[], typesVersion: number): ProcessEvent[] {
  return processEvents.map((one) => ({
    ...one,
    ...(one.tracking && { tracking: { ...one.tracking, typesVersion } }),
  }));
}

/** Marks of positions. */
export function marks(test: Test): void {
  test('are recorded with positions, whatever else a call records', async (storage) => {
    const recorder = await storage.open();
    const at = { pipelineId: 3, upstreamName: 'up', typesVersion: 0 };
    assert.deepEqual(await recorder.position(3, 'up'), { ...at, position: 0 });
    for (const processEvents of moves(0)) {
      await recorder.record(3, processEvents);
      const { position = 0 } = processEvents.at(-1)?.tracking ?? {};
      const expected = { ...at, position, mark: `mark ${position}` };
      assert.deepEqual(await recorder.position(3, 'up'), expected);
      assert.deepEqual(await recorder.positions(), [expected]);
    }
    await recorder.record(3, [tracked('up', 7, 8, event('c', 1))]);
    assert.deepEqual(await recorder.position(3, 'up'), { ...at, position: 8 });
  });

  test('stay when a call is rejected', async (storage) => {
    const recorder = await storage.open();
    const marked = (expected: number, position: number, mark: string) => ({
      events: [],
      snapshots: [],
      tracking: { upstreamName: 'up', expected, position, mark },
    });
    await recorder.record(0, [marked(0, 1, 'one')]);
    await assert.rejects(recorder.record(0, [marked(0, 2, 'two')]), { code: 'POSITION_CONFLICT' });
    const call = recorder.record(0, [marked(1, 2, 'two'), tracked('other', 0, 1, event('a', 2))]);
    await assert.rejects(call, { code: 'RECORD_CONFLICT' });
    assert.equal((await recorder.position(0, 'up')).mark, 'one');
  });
}

const types = ['Order.Created', 'Order.Paid', '注文 🛒 "quoted"'];

/** Returns all positions, which the recorder must also find one by one. */
async function all(recorder: Recorder): Promise<readonly RecordedPosition[]> {
  const listed = await recorder.positions();
  for (const one of listed) {
    assert.deepEqual(await recorder.position(one.pipelineId, one.upstreamName), one);
  }
  return listed;
}

/** Handled types of positions. */
export function handledTypes(test: Test): void {
  test('are recorded with a version, and leave the position as it is', async (storage) => {
    const [recorder, other] = [await storage.open(), await storage.open()];
    assert.equal(await recorder.recordHandledTypes(0, 'up', 0, types), 1);
    const at = { pipelineId: 0, upstreamName: 'up' };
    assert.deepEqual(await all(other), [{ ...at, position: 0, handledTypes: types, typesVersion: 1 }]);
    const moved = { upstreamName: 'up', expected: 0, position: 5, mark: 'five', typesVersion: 1 };
    await other.record(0, [{ events: [event('a', 1)], snapshots: [], tracking: moved }]);
    assert.equal(await other.recordHandledTypes(0, 'up', 1, []), 2);
    assert.deepEqual(await all(recorder), [
      { ...at, position: 5, mark: 'five', handledTypes: [], typesVersion: 2 },
    ]);
    assert.deepEqual([await recorder.head(0), await recorder.head(1)], [1, 0]);
  });

  test('are those of one pipeline and upstream', async (storage) => {
    const recorder = await storage.open();
    await recorder.recordHandledTypes(2_147_483_647, 'up', 0, types);
    await recorder.record(0, [tracked('up', 0, 1), tracked('other', 0, 2)]);
    assert.deepEqual(
      (await all(recorder)).map((one) => [one.pipelineId, one.upstreamName, one.typesVersion]),
      [
        [0, 'other', 0],
        [0, 'up', 0],
        [2_147_483_647, 'up', 1],
      ],
    );
  });
}

/** Versions of handled types. */
export function typesVersions(test: Test): void {
  test('handled types are rejected unless the version is the expected one', async (storage) => {
    const [recorder, other] = [await storage.open(), await storage.open()];
    const refused = (expectedTypesVersion: number, actualTypesVersion: number) => ({
      name: 'PositionConflictError',
      code: 'POSITION_CONFLICT',
      applicationName: 'orders',
      upstreamName: 'up',
      expectedTypesVersion,
      actualTypesVersion,
    });
    await assert.rejects(recorder.recordHandledTypes(0, 'up', 1, types), refused(1, 0));
    assert.deepEqual(await all(recorder), []);
    await recorder.recordHandledTypes(0, 'up', 0, types);
    for (const expected of [0, 2]) {
      await assert.rejects(other.recordHandledTypes(0, 'up', expected, ['New']), refused(expected, 1));
    }
    assert.deepEqual((await all(other))[0]?.handledTypes, types);
    const outcomes = await Promise.allSettled(
      [recorder, other].map((one, index) => one.recordHandledTypes(0, 'up', 1, [`of ${index}`])),
    );
    assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
    assert.deepEqual((await all(other))[0]?.handledTypes, [`of ${winner}`]);
  });

  test('calls that expect another version conflict, whatever the calls record', async (storage) => {
    const recorder = await storage.open();
    await recorder.recordHandledTypes(0, 'up', 0, types);
    for (const processEvents of moves(0)) {
      const [{ tracking: { expected = 0 } = {} } = {}] = processEvents;
      for (const stale of [processEvents, withVersion(processEvents, 2)]) {
        await assert.rejects(recorder.record(0, stale), {
          code: 'POSITION_CONFLICT',
          expected,
          actual: expected,
          expectedTypesVersion: stale === processEvents ? 0 : 2,
          actualTypesVersion: 1,
          message: /version \d of the event types of 'up'.*version 1 is recorded/,
        });
      }
      assert.equal((await recorder.position(0, 'up')).position, expected);
      await recorder.record(0, withVersion(processEvents, 1));
    }
    assert.equal((await recorder.position(0, 'up')).position, 7);
  });
}
