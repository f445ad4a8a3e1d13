import { ParkingLimitError, PolicyError, PolicyRetryError, System, verify } from 'kahn';
import { beforeEach, describe, expect, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { parkedReasonOf } from '../../../src/application/parking/parked-reason.ts';
import { processApplicationInternals } from '../../../src/application/process-application.ts';
import type { ParkedNotification } from '../../../src/storage/parked.ts';
import { storages } from '../../support/storages.ts';
import { JammedError, Labels, Parcels } from '../../support/systems/parking/parcel-desk.ts';

let broken: Set<number>;
class Desk extends Labels {
  static override readonly applicationName: string = 'labels';
}
beforeEach(() => {
  broken = new Set();
  Desk.meanwhile = (number) => {
    if (broken.has(number)) throw new JammedError(`no ${number}`);
  };
});

async function parked(labels: Labels): Promise<readonly ParkedNotification[]> {
  const { recorder } = applicationInternals.storeOf(labels);
  return (await recorder.parked?.({ pipelineId: 0, after: 0, limit: 10_000 })) ?? [];
}

/** Records an operation, which the application obeys in its next run. */
async function operate(labels: Labels, kind: 'retry' | 'discard' | 'pause' | 'resume'): Promise<void> {
  const { recorder } = applicationInternals.storeOf(labels);
  const details = JSON.stringify({ pipelineId: 0, notifications: [] });
  const operation = { timestamp: Date.now(), kind, by: 'ada', reason: 'mended', details };
  await recorder.record(0, [{ events: [], snapshots: [], operation }]);
  await processApplicationInternals.controlOf(labels).refresh();
}

/** Marks parked notifications as due, as an operator does, and processes them. */
async function retry(labels: Labels, ...ids: readonly number[]): Promise<void> {
  const { recorder } = applicationInternals.storeOf(labels);
  for (const one of await parked(labels)) {
    const { upstreamName, notificationId, revision, originatorId, attempts, since, reason } = one;
    if (!ids.includes(notificationId)) continue;
    const content = { originatorId, isDue: true, attempts, since, reason };
    const change = { upstreamName, notificationId, expected: revision, content };
    await recorder.record(0, [{ events: [], snapshots: [], parked: [change] }]);
  }
  await operate(labels, 'retry');
  await labels.run();
}

describe.each(storages)('parking on $name', ({ create }) => {
  async function open(sent: readonly (readonly [string, number])[], App: typeof Labels = Desk) {
    const storage = create();
    const opened = new AsyncDisposableStack();
    const parcels = opened.use(await Parcels.open({ storage }));
    const labels = opened.use(await App.open({ storage }));
    for (const [id, number] of sent) await parcels.send(id, number);
    labels.follow(parcels.log);
    return { storage, parcels, labels, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  }

  test('puts a notification aside, and those of the same aggregate behind it', async () => {
    broken.add(2);
    await using desk = await open([
      ['a', 1],
      ['b', 2],
      ['a', 3],
      ['b', 4],
      ['c', 5],
    ]);
    expect(await desk.labels.run()).toBe(5);
    expect(await desk.labels.printed('a', 'b', 'c')).toEqual([[1, 3], [], [5]]);
    const rows = await parked(desk.labels);
    expect(rows.map(({ notificationId, attempts, isDue }) => [notificationId, attempts, isDue])).toEqual([
      [2, 1, false],
      [4, 0, false],
    ]);
    expect(rows.map(({ reason }) => parkedReasonOf(reason))).toMatchObject([
      { error: { name: 'JammedError', message: 'no 2' } },
      { behind: { upstreamName: 'parcels', notificationId: 2 } },
    ]);
  });

  test('processes what is due before new notifications, and then what was parked behind it', async () => {
    broken.add(2);
    await using desk = await open([
      ['b', 2],
      ['b', 4],
      ['a', 5],
    ]);
    await desk.labels.run();
    await desk.parcels.send('b', 6);
    broken.clear();
    await retry(desk.labels, 1);
    expect(await desk.labels.printed('a', 'b')).toEqual([[5], [2, 4, 6]]);
    expect(await parked(desk.labels)).toEqual([]);
    const verified = await verify(desk.storage, System.of([[Parcels, Desk]]));
    expect(verified).toMatchObject({ isSound: true, causes: 4 });
  });

  test('obeys a pause between two notifications that are due', async () => {
    broken.add(1).add(2).add(3);
    await using desk = await open([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    await desk.labels.run();
    Desk.meanwhile = (number) => (number === 1 ? operate(desk.labels, 'pause') : undefined);
    await expect(retry(desk.labels, 1, 2, 3)).rejects.toMatchObject({ code: 'PAUSED' });
    expect(await desk.labels.printed('a', 'b', 'c')).toEqual([[1], [], []]);
    await operate(desk.labels, 'resume');
    await desk.labels.run();
    expect(await desk.labels.printed('a', 'b', 'c')).toEqual([[1], [2], [3]]);
  });

  test('keeps a notification that fails again, and all behind it', async () => {
    broken.add(2);
    await using desk = await open([
      ['b', 2],
      ['b', 4],
    ]);
    await desk.labels.run();
    await retry(desk.labels, 1, 2);
    expect((await parked(desk.labels)).map(({ attempts, isDue }) => [attempts, isDue])).toEqual([
      [2, false],
      [0, true],
    ]);
    await desk.parcels.send('b', 6);
    await desk.labels.run();
    expect(await desk.labels.printed('b')).toEqual([[]]);
    expect(await parked(desk.labels)).toHaveLength(3);
  });

  test('continues behind a notification that is discarded', async () => {
    broken.add(2);
    await using desk = await open([
      ['b', 2],
      ['b', 4],
    ]);
    await desk.labels.run();
    const { recorder } = applicationInternals.storeOf(desk.labels);
    const change = { upstreamName: 'parcels', notificationId: 1, expected: 1, content: undefined };
    await recorder.record(0, [{ events: [], snapshots: [], parked: [change] }]);
    await operate(desk.labels, 'discard');
    await desk.labels.run();
    expect(await desk.labels.printed('b')).toEqual([[4]]);
  });

  test('stops at an error without a rule, and keeps what was before it', async () => {
    class Strict extends Desk {
      static override readonly errorRules = [{ error: TypeError, action: 'park' }] as const;
    }
    broken.add(2);
    await using desk = await open(
      [
        ['a', 1],
        ['b', 2],
      ],
      Strict,
    );
    await expect(desk.labels.run()).rejects.toThrow(PolicyError);
    expect(await desk.labels.printed('a', 'b')).toEqual([[1], []]);
    expect(await parked(desk.labels)).toEqual([]);
  });

  test('stops at the limit instead of parking all that follows', async () => {
    class Limited extends Desk {
      static override readonly parking = { limit: 2 };
    }
    for (const number of [1, 2, 4]) broken.add(number);
    await using desk = await open(
      [
        ['a', 1],
        ['b', 2],
        ['c', 3],
        ['d', 4],
        ['e', 5],
      ],
      Limited,
    );
    const error = await desk.labels.run().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ParkingLimitError);
    expect(error).toMatchObject({ notificationId: 4, limit: 2, cause: { message: 'no 4' } });
    expect(await desk.labels.printed('c', 'e')).toEqual([[3], []]);
    expect(await parked(desk.labels)).toHaveLength(2);
  });

  test('leaves the order of an aggregate to the caller if byAggregate is false', async () => {
    class Loose extends Desk {
      static override readonly parking = { byAggregate: false };
    }
    broken.add(2);
    await using desk = await open(
      [
        ['b', 2],
        ['b', 4],
      ],
      Loose,
    );
    await desk.labels.run();
    expect(await desk.labels.printed('b')).toEqual([[4]]);
    broken.clear();
    await retry(desk.labels, 1);
    expect(await desk.labels.printed('b')).toEqual([[4, 2]]);
  });

  test('tries again as often as a rule says, in order, and then parks', async () => {
    class Patient extends Desk {
      static override readonly errorRules = [
        { error: JammedError, retry: { times: 2, firstMs: 1, maxMs: 2 }, action: 'park' },
      ] as const;
    }
    broken.add(2);
    await using desk = await open(
      [
        ['a', 1],
        ['b', 2],
        ['c', 3],
      ],
      Patient,
    );
    for (const tries of [1, 2]) {
      const error = await desk.labels.run().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(PolicyRetryError);
      expect(error).toMatchObject({ notificationId: 2, tries });
      expect(await desk.labels.printed('a', 'c')).toEqual([[1], []]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await desk.labels.run();
    expect(await desk.labels.printed('a', 'b', 'c')).toEqual([[1], [], [3]]);
    expect(await parked(desk.labels)).toMatchObject([{ attempts: 3 }]);
  });
});
