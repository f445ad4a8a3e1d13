// Storage of runners that are wrong on purpose: it forgets positions, or hands out events in another order.
import type { StorageDescription } from 'kahn';
import { ForwardingRecorder } from '../../../src/storage/layers/forwarding-recorder.ts';
import { ForwardingStorage } from '../../../src/storage/layers/forwarding-storage.ts';
import type { ProcessEvent, RecordedPosition, Recorder, WriteLock } from '../../../src/storage/recorder.ts';
import {
  describeStorage,
  openStorage as openInner,
  type RecorderOptions,
} from '../../../src/storage/storage.ts';
import type { StoredNotification } from '../../../src/storage/stored-event.ts';

type Wrong = (recorder: Recorder) => Recorder;

/** Returns a storage with another recorder of one application. */
export function wrongStorage(
  inner: StorageDescription,
  applicationName: string,
  wrong: Wrong,
): StorageDescription {
  class WrongStorage extends ForwardingStorage {
    override async openRecorder(options: RecorderOptions): Promise<Recorder> {
      const recorder = await this.inner.openRecorder(options);
      return options.applicationName === applicationName ? wrong(recorder) : recorder;
    }
  }
  const openStorage = async () => new WrongStorage(await openInner(inner));
  return describeStorage({ moduleUrl: `test:wrong-storage-${crypto.randomUUID()}`, openStorage }, {});
}

/** Keeps positions until it is closed, and records none. */
export class ForgettingRecorder extends ForwardingRecorder {
  readonly #positions = new Map<string, number>();

  override async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    const head = await super.record(pipelineId, withoutTracking(processEvents));
    this.#move(pipelineId, processEvents);
    return head;
  }

  override async position(pipelineId: number, upstreamName: string): Promise<RecordedPosition> {
    const recorded = await super.position(pipelineId, upstreamName);
    return { ...recorded, position: this.#positions.get(`${pipelineId} ${upstreamName}`) ?? 0 };
  }

  protected override lockOf(lock: WriteLock): WriteLock {
    return {
      get handle() {
        return lock.handle;
      },
      record: async (pipelineId, processEvents) => {
        const head = await lock.record(pipelineId, withoutTracking(processEvents));
        this.#move(pipelineId, processEvents);
        return head;
      },
      release: (reason) => lock.release(reason),
    };
  }

  #move(pipelineId: number, processEvents: readonly ProcessEvent[]): void {
    for (const { tracking } of processEvents)
      if (tracking !== undefined)
        this.#positions.set(`${pipelineId} ${tracking.upstreamName}`, tracking.position);
  }
}

function withoutTracking(processEvents: readonly ProcessEvent[]): readonly ProcessEvent[] {
  return processEvents.map(({ tracking: _, ...rest }) => rest);
}

/** Hands out each two events of a log in the opposite order. */
export class ReorderingRecorder extends ForwardingRecorder {
  override async notifications(
    pipelineId: number,
    after: number,
    limit: number,
  ): Promise<readonly StoredNotification[]> {
    const start = after - (after % 2);
    const found = await super.notifications(pipelineId, start, 2 * Math.ceil((after - start + limit) / 2));
    const swapped = found.map((one, i) => ({ ...(found[i % 2 === 0 ? i + 1 : i - 1] ?? one), id: one.id }));
    return swapped.slice(after - start, after - start + limit);
  }
}
