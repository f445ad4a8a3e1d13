import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { memory } from 'kahn';
import { afterEach, expect, it } from 'vitest';
import type { ProcessEvent, Recorder } from '../../../src/storage/recorder.ts';
import {
  type OpenedStorage,
  openStorage,
  type StorageDescription,
  storageForThreads,
} from '../../../src/storage/storage.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import type { Task } from './task-thread.ts';

const workers: Worker[] = [];

afterEach(async () => {
  for (const worker of workers.splice(0)) await worker.terminate();
});

interface Shared {
  openedStorage: OpenedStorage;
  recorder: Recorder;
  storage: StorageDescription;
}

async function share(): Promise<Shared> {
  const storage = memory();
  const openedStorage = await openStorage(storage);
  const recorder = await openedStorage.openRecorder({ applicationName: 'orders', setupTables: true });
  return { openedStorage, recorder, storage: await storageForThreads(storage) };
}

async function start(
  task: Task['task'],
  { storage }: Shared,
  own: { name?: string; count?: number; progress?: SharedArrayBuffer } = {},
): Promise<Worker> {
  const given = { name: task, count: 0, progress: new SharedArrayBuffer(4), ...own };
  const workerData: Task = { task, storage, ...given };
  const worker = new Worker(new URL('./task-thread.ts', import.meta.url), { workerData });
  workers.push(worker);
  await once(worker, 'message');
  return worker;
}

/** Starts all tasks at once, and resolves with the messages of the threads. */
async function run(started: readonly Worker[]): Promise<unknown[]> {
  const answers = started.map((worker) => once(worker, 'message'));
  for (const worker of started) worker.postMessage('go');
  return (await Promise.all(answers)).flat();
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

it('has no gaps while several threads write and others read', async () => {
  const shared = await share();
  const names = ['ada', 'bob', 'cyd', 'dan'];
  const writers = await Promise.all(names.map((name) => start('write', shared, { name, count: 700 })));
  const readers = await Promise.all(upTo(2).map(() => start('tail', shared, { count: 4 * 1_400 })));
  const answers = await run([...writers, ...readers]);
  expect(answers.slice(-2)).toEqual([5_600, 5_600]);
  const all = await shared.recorder.notifications(0, 0, 10_000);
  expect(all.map(({ id }) => id)).toEqual(upTo(5_600));
  for (const name of names) {
    const own = all.filter(({ originatorId }) => originatorId === name);
    expect(own.map((one) => one.originatorVersion)).toEqual(upTo(1_400));
    // the two events of a process event are adjacent
    expect(own.every(({ id }, index) => index % 2 === 0 || id === own[index - 1]!.id + 1)).toBe(true);
  }
});

it('moves a position once although several threads try', async () => {
  const shared = await share();
  const racers = await Promise.all(upTo(4).map(() => start('race', shared, { count: 2_000 })));
  const won = (await run(racers)) as number[];
  expect(won.reduce((sum, one) => sum + one)).toBe(2_000);
  expect((await shared.recorder.position(0, 'up')).position).toBe(2_000);
  const all = await shared.recorder.notifications(0, 0, 10_000);
  expect(all.map(({ originatorId }) => originatorId)).toEqual(upTo(2_000).map(String));
});

function made(originatorId: string, originatorVersion: number): ProcessEvent {
  return {
    events: [{ originatorId, originatorVersion, type: 'Made', data: '{}', timestamp: 1 }],
    snapshots: [],
  };
}

/** Terminates a thread while it records, and checks its records. */
async function terminateWriter(shared: Shared, afterMs: number): Promise<void> {
  const progress = new SharedArrayBuffer(4);
  const writer = await start('recordForever', shared, { progress });
  const { threadId } = writer;
  writer.postMessage('go');
  await sleep(afterMs);
  await writer.terminate();
  const acknowledged = Atomics.load(new Int32Array(progress), 0);
  const position = (await shared.recorder.position(0, 'up')).position;
  expect(position).toBeGreaterThanOrEqual(acknowledged);
  expect(position % 100).toBe(0);
  expect(await shared.recorder.head(0)).toBe(3 * position);
  shared.openedStorage.threadEnded?.(threadId);
}

it('keeps whole process events when threads are terminated while they record', async () => {
  const shared = await share();
  const random = randomNumbers(seed);
  const waits = upTo(15).map(() => 1 + random() * 30);
  for (const [round, ms] of waits.entries()) {
    await terminateWriter(shared, ms);
    const expected = (await shared.recorder.position(0, 'up')).position;
    const moved = { upstreamName: 'up', expected, position: expected };
    await shared.recorder.record(0, [{ events: [], snapshots: [], tracking: moved }]); // the lock is free
    expect(await shared.recorder.head(0), `round ${round}`).toBe(3 * expected);
  }
  const all = await shared.recorder.notifications(0, 0, 10_000_000);
  const wrong = all.filter(
    ({ id, originatorId, originatorVersion }, index) =>
      id !== index + 1 || originatorId !== `${Math.ceil(id / 3)}` || originatorVersion !== ((id - 1) % 3) + 1,
  );
  expect(wrong).toEqual([]);
});

it('waits for the lock of a dead thread without blocking, until threadEnded() is called', async () => {
  const shared = await share();
  const progress = new SharedArrayBuffer(4);
  const hanging = await start('hang', shared, { progress });
  const { threadId } = hanging;
  hanging.postMessage('go');
  await Atomics.waitAsync(new Int32Array(progress), 0, 0).value;
  const { recorder, openedStorage } = shared;
  const calls = [1, 2, 3].map((version) => recorder.record(0, [made('a', version)]));
  expect(await recorder.head(0)).toBe(0); // reads do not wait
  await hanging.terminate();
  openedStorage.threadEnded?.(threadId + 1); // another thread
  expect(await Promise.race([Promise.all(calls), sleep(100, 'waiting')])).toBe('waiting');
  openedStorage.threadEnded?.(threadId);
  expect(await Promise.all(calls)).toEqual([1, 2, 3]); // in the order of the calls
  expect((await recorder.notifications(0, 0, 10)).map(({ originatorId }) => originatorId)).toEqual([
    'a',
    'a',
    'a',
  ]);
  await run([await start('write', shared, { name: 'b', count: 5 })]);
  expect(await recorder.head(0)).toBe(13);
});

it('stops waiting for a lock that is never released', async () => {
  const shared = await share();
  const progress = new SharedArrayBuffer(4);
  const hanging = await start('hang', shared, { progress });
  hanging.postMessage('go');
  await Atomics.waitAsync(new Int32Array(progress), 0, 0).value;
  const calls = [1, 2].map((version) => shared.recorder.record(0, [made('a', version)]));
  const busy = { code: 'STORAGE_BUSY', transient: true, applicationName: 'orders' };
  await Promise.all(calls.map((call) => expect(call).rejects.toMatchObject(busy)));
  expect(await shared.recorder.record(0, [])).toBe(0); // nothing to write
});
