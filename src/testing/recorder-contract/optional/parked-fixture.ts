import assert from 'node:assert/strict';
import type {
  ParkedChange,
  ParkedContent,
  ParkedNotification,
  ProcessEvent,
  Recorder,
} from '../../../storage/index.ts';
import { processEvent } from '../fixture.ts';
import type { Test, TestedStorage } from '../tested-storage.ts';

/** A recorder that parks notifications. */
export type ParkingRecorder = Recorder & Required<Pick<Recorder, 'parked' | 'countParked'>>;
/** Defines one test with two recorders of an application. */
export type ParkedTest = (
  name: string,
  body: (recorder: ParkingRecorder, other: ParkingRecorder, storage: TestedStorage) => Promise<void>,
) => void;

/** Defines a test of a storage with two of its recorders. */
export function parkedTest(test: Test): ParkedTest {
  return (name, body) =>
    test(name, async (storage) => {
      const open = async () => (await storage.open()) as ParkingRecorder;
      await body(await open(), await open(), storage);
    });
}

/** Creates what is kept of a notification. */
export function content(originatorId: string, fields: Partial<ParkedContent> = {}): ParkedContent {
  const reason = JSON.stringify({ of: originatorId, 'é "x"\x1f🛒': null });
  return { originatorId, isDue: false, attempts: 3, since: 1_700_000_000_000, reason, ...fields };
}

/** Creates a change that parks a notification for the first time. */
export function parks(
  notificationId: number,
  upstreamName = 'up',
  fields?: Partial<ParkedContent>,
): ParkedChange {
  return { upstreamName, notificationId, expected: 0, content: content(`of ${notificationId}`, fields) };
}

/** Creates a process event that does nothing but change what is parked. */
export function changing(...changes: ParkedChange[]): ProcessEvent {
  return { ...processEvent(), parked: changes };
}

/** Reads the parked notifications of a pipeline. */
export async function all(recorder: ParkingRecorder, pipelineId = 0): Promise<readonly ParkedNotification[]> {
  return await recorder.parked({ pipelineId, after: 0, limit: 1_000 });
}

/** Reads the numbers of the parked notifications of a pipeline. */
export async function numbers(recorder: ParkingRecorder, pipelineId = 0): Promise<number[]> {
  return (await all(recorder, pipelineId)).map(({ notificationId }) => notificationId);
}

/** Checks that ids ascend, and returns the rest. */
export function withoutIds(found: readonly ParkedNotification[]): Omit<ParkedNotification, 'id'>[] {
  const ids = found.map(({ id }) => id);
  assert.deepEqual(
    ids,
    [...new Set(ids)].sort((a, b) => a - b),
  );
  assert.ok(ids.every((id) => Number.isSafeInteger(id) && id > 0));
  return found.map(({ id: _, ...rest }) => rest);
}
