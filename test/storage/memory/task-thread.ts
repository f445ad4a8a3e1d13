// Thread that runs one task on the application 'orders' after a message, and posts the outcome.
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { ProcessEvent, Recorder } from '../../../src/storage/recorder.ts';
import { openStorage, type StorageDescription } from '../../../src/storage/storage.ts';

/** Data of the worker. */
export interface Task {
  readonly task: keyof typeof tasks;
  readonly storage: StorageDescription;
  readonly name: string;
  /** Amount of work; undefined for tasks that never end. */
  readonly count: number;
  /** Shared memory for its progress, readable without messages. */
  readonly progress: SharedArrayBuffer;
}

const { task, storage, name, count, progress }: Task = workerData;
const tasks = { write, tail, race, recordForever, hang };

/** Records `count` process events of two events each, in calls of one to seven. */
async function write(recorder: Recorder): Promise<void> {
  for (let done = 0; done < count; ) {
    const size = Math.min(1 + (done % 7), count - done);
    const calls = Array.from({ length: size }, (_, index) => ({
      events: [event(name, 2 * (done + index) + 1), event(name, 2 * (done + index) + 2)],
      snapshots: [],
    }));
    await recorder.record(0, calls);
    done += size;
  }
}

/** Reads up to the notification `count`. Throws if there is a gap. */
async function tail(recorder: Recorder): Promise<number> {
  let last = 0;
  while (last < count) {
    for (const { id } of await recorder.notifications(0, last, 10)) {
      if (id !== last + 1) throw new Error(`There is ${id} after ${last}.`);
      last = id;
    }
    if (last > (await recorder.head(0))) throw new Error('There is more than the head says.');
    await nextTurn();
  }
  return last;
}

/** Moves the position up to `count`, one by one, like other threads. Returns the number of its own moves. */
async function race(recorder: Recorder): Promise<number> {
  let won = 0;
  for (let expected = 0; expected < count; expected = (await recorder.position(0, 'up')).position) {
    const next = { ...numbered(expected, 1), snapshots: [] };
    won += await recorder.record(0, [next]).then(
      () => 1,
      (error: { code: string }) => {
        if (error.code !== 'POSITION_CONFLICT') throw error;
        return 0;
      },
    );
  }
  return won;
}

/** Records calls of 100 process events of three events each, and shares the acknowledged position. */
async function recordForever(recorder: Recorder): Promise<never> {
  const acknowledged = new Int32Array(progress);
  for (let position = (await recorder.position(0, 'up')).position; ; position += 100) {
    const batch = Array.from({ length: 100 }, (_, index) => numbered(position + index, 3));
    await recorder.record(0, batch);
    Atomics.store(acknowledged, 0, position + 100);
    if (position % 500 === 0) await nextTurn();
  }
}

/** Blocks while it records and holds the lock, when an event is read the second time. */
async function hang(recorder: Recorder): Promise<void> {
  let looks = 0;
  const progressed = new Int32Array(progress);
  const { originatorVersion, ...rest } = event(name, 1);
  const hanging = Object.defineProperty({ ...rest, originatorVersion }, 'originatorVersion', {
    get() {
      looks += 1;
      if (looks < 2) return originatorVersion;
      Atomics.store(progressed, 0, 1);
      Atomics.notify(progressed, 0);
      return Atomics.wait(progressed, 0, 1);
    },
  });
  await recorder.record(0, [{ events: [event('before', 1), hanging], snapshots: [] }]);
}

function numbered(expected: number, events: number): ProcessEvent {
  return {
    events: Array.from({ length: events }, (_, index) => event(`${expected + 1}`, index + 1)),
    snapshots: [],
    tracking: { upstreamName: 'up', expected, position: expected + 1 },
  };
}

function event(originatorId: string, originatorVersion: number): ProcessEvent['events'][number] {
  return { originatorId, originatorVersion, type: 'Changed', data: `{"by":"${name}"}`, timestamp: 1 };
}

const openedStorage = await openStorage(storage);
const recorder = await openedStorage.openRecorder({ applicationName: 'orders', setupTables: true });
parentPort?.postMessage('ready');
if (parentPort !== null) await once(parentPort, 'message');
parentPort?.postMessage(await tasks[task](recorder));
