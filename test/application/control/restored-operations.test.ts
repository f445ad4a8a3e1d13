import { join } from 'node:path';
import { type StorageDescription, System } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { expect, test, vi } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { ControlLog } from '../../../src/application/control/control-log.ts';
import { type OperationKind, operationOf } from '../../../src/application/control/operation-kinds.ts';
import { LateEffects } from '../../../src/application/parking/late-effects.ts';
import { SchemaHistory } from '../../../src/application/projection/schema-history.ts';
import type { Recorder } from '../../../src/storage/recorder.ts';
import { copyFile, restoreFile } from '../../support/restored-logs.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { JammedError, Labels, Parcels } from '../../support/systems/parking/parcel-desk.ts';

class Desk extends Labels {
  static override readonly applicationName: string = 'labels';
}
const desk = System.of([[Parcels, Desk]]);
const retried = { pipelineId: 0, upstreamName: 'parcels', effects: 1, after: 0 };

interface OpenDesk extends AsyncDisposable {
  readonly parcels: Parcels;
  readonly labels: Labels;
  readonly recorder: Recorder;
  /** Remembers what the file holds now; the returned function puts it back. */
  copied(): () => void;
}

async function open(): Promise<OpenDesk> {
  const directory = temporaryDirectory();
  const file = join(directory, 'desk.db');
  const storage: StorageDescription = sqlite({ file });
  const opened = new AsyncDisposableStack();
  const parcels = opened.use(await desk.open(Parcels, { storage }));
  const labels = opened.use(await desk.open(Desk, { storage }));
  labels.follow(parcels.log);
  const { recorder } = applicationInternals.storeOf(labels);
  const copied = () => {
    const copy = join(directory, 'copy.db');
    copyFile(file, copy);
    return () => restoreFile(file, copy);
  };
  return { parcels, labels, recorder, copied, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function record(recorder: Recorder, kind: OperationKind, details: object = {}): Promise<void> {
  const operation = operationOf(kind, { by: 'ada', reason: 'drill' }, details as never);
  await recorder.record(0, [{ events: [], snapshots: [], operation }]);
}

test('forgets operations that an older copy of the storage lacks', async () => {
  await using opened = await open();
  const { recorder } = opened;
  const control = ControlLog.of(recorder);
  await control.refresh();
  const restore = opened.copied();
  await record(recorder, 'retry', { pipelineId: 0, notifications: [] });
  await record(recorder, 'reset', { pipelineId: 0 });
  await record(recorder, 'pause');
  await control.refresh();
  expect(control).toMatchObject({ lastId: 3, lastRetryId: 1, restores: 0, pause: { by: 'ada' } });
  expect(control.repetitions.lastResetId).toBe(2);
  restore();
  await control.refresh();
  expect(control).toMatchObject({ lastId: 0, lastRetryId: 0, restores: 1, pause: undefined });
  expect(control.repetitions.lastResetId).toBe(0);
});

test('forgets schemas of a projection that an older copy of the storage lacks', async () => {
  await using opened = await open();
  const { recorder } = opened;
  const history = new SchemaHistory(recorder);
  await record(recorder, 'switch-schema', { schema: 1, tables: ['orders'] });
  const restore = opened.copied();
  await record(recorder, 'switch-schema', { schema: 2, from: 1, tables: ['customers'] });
  await record(recorder, 'drop-schema', { schema: 1 });
  await history.refresh();
  expect(history.live).toMatchObject({ schema: 2, tables: ['customers'] });
  expect([history.wasLive(1), history.wasDropped(1)]).toEqual([true, true]);
  restore();
  await history.refresh();
  expect(history.live).toMatchObject({ schema: 1, tables: ['orders'] });
  expect([history.wasLive(2), history.wasDropped(1)]).toEqual([false, false]);
});

test('tells watchers of a restored log that has as many operations again', async () => {
  await using opened = await open();
  const { recorder } = opened;
  const control = ControlLog.of(recorder);
  const restore = opened.copied();
  await record(recorder, 'pause');
  await control.refresh();
  const end = new AbortController();
  const resumed: boolean[] = [];
  control.watch(() => resumed.push(control.isResumedSince(1)), end.signal);
  restore();
  await record(recorder, 'retry', { pipelineId: 0, notifications: [] });
  await control.refresh();
  end.abort();
  expect(resumed).toEqual([true]); // what failed on the replaced storage may work
  expect(control.isResumedSince(1)).toBe(false);
});

test('reads notifications that were retried after a restore', async () => {
  await using opened = await open();
  const { recorder } = opened;
  const late = new LateEffects(recorder);
  const restore = opened.copied();
  await record(recorder, 'retried', { ...retried, notificationId: 1 });
  await record(recorder, 'retried', { ...retried, notificationId: 2 });
  await late.load();
  expect([...late.of('parcels', 0).keys()]).toEqual([1, 2]);
  restore();
  await record(recorder, 'retried', { ...retried, notificationId: 3 });
  await late.load();
  expect([...late.of('parcels', 0).keys()]).toEqual([3]);
});

test('processes parked notifications that are due again after a restore', async () => {
  await using opened = await open();
  const { parcels, labels, recorder } = opened;
  Desk.meanwhile = () => {
    throw new JammedError('jammed');
  };
  await parcels.send('a', 1);
  await labels.run();
  Desk.meanwhile = () => {};
  const [parked] = (await recorder.parked?.({ pipelineId: 0, after: 0, limit: 1 })) ?? [];
  if (parked === undefined) throw new Error('nothing is parked');
  const change = { ...parked, expected: parked.revision, content: { ...parked, isDue: true } };
  const notifications = [{ upstreamName: 'parcels', notificationId: 1 }];
  const operation = operationOf('retry', { by: 'ada', reason: 'mended' }, { pipelineId: 0, notifications });
  await recorder.record(0, [{ events: [], snapshots: [], parked: [change], operation }]);
  const restore = opened.copied();
  for (let runs = 1; runs <= 2; runs += 1) {
    await ControlLog.of(recorder).refresh();
    await labels.run();
    expect(await labels.printed('a')).toEqual([[1]]);
    expect(await recorder.countParked?.()).toEqual([]);
    await ControlLog.of(recorder).refresh();
    restore();
  }
});

test('a read that began before an operation does not look like a restore', async () => {
  await using opened = await open();
  const { recorder } = opened;
  await record(recorder, 'pause');
  let delayed: Promise<void> | undefined;
  const slow: Pick<Recorder, 'operations'> = {
    operations: async (after, limit) => {
      const page = await recorder.operations(after, limit);
      await delayed;
      return page;
    },
  };
  const control = ControlLog.of(slow as Recorder);
  const answer = Promise.withResolvers<void>();
  delayed = answer.promise;
  const reading = control.refresh();
  await record(recorder, 'retry', { pipelineId: 0, notifications: [] });
  const resumed = vi.fn();
  using end = Object.assign(new AbortController(), { [Symbol.dispose]: () => end.abort() });
  control.onResumedAfter(2, end.signal, resumed); // a worker has read the second operation, and failed
  answer.resolve();
  await reading;
  await control.refresh();
  expect(control.lastId).toBe(2);
  expect(resumed).not.toHaveBeenCalled();
  await record(recorder, 'resume');
  await control.refresh();
  expect(resumed).toHaveBeenCalledOnce();
});
