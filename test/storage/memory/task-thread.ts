// A thread of its own: runs one task on the application 'orders' when it is told to go, and posts what comes of it.
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { ProcessEvent, Recorder } from '../../../src/storage/recorder.ts';
import { openStorage, type StorageDescription } from '../../../src/storage/storage.ts';

/** What the thread gets. */
export interface Task {
  readonly task: keyof typeof tasks;
  readonly storage: StorageDescription;
  readonly name: string;
  /** How much of it; tasks that never end have none. */
  readonly count: number;
  /** Where it tells how far it is; nothing has to arrive for that. */
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

/** Reads up to the notification `count`, and throws if one is not there when the next one is. */
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

/** Moves the position up to `count`, one by one, against others; returns how often it was this thread. */
async function race(recorder: Recorder): Promise<number> {
  let won = 0;
  for (let expected = 0; expected < count; expected = await recorder.position(0, 'up')) {
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

/** Records calls of 100 process events of three events each, and tells the position that was acknowledged. */
async function recordForever(recorder: Recorder): Promise<never> {
  const acknowledged = new Int32Array(progress);
  for (let position = await recorder.position(0, 'up'); ; position += 100) {
    const batch = Array.from({ length: 100 }, (_, index) => numbered(position + index, 3));
    await recorder.record(0, batch);
    Atomics.store(acknowledged, 0, position + 100);
    if (position % 500 === 0) await nextTurn();
  }
}

/** Stands still in the middle of recording, where an event is looked at the second time: the lock is held then. */
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
