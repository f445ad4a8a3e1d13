import { ForwardingRecorder } from '../../storage/layers/forwarding-recorder.ts';
import { ForwardingStorage } from '../../storage/layers/forwarding-storage.ts';
import type { ProcessEvent, Recorder, WriteLock } from '../../storage/recorder.ts';
import type { RecorderOptions, StorageLayer } from '../../storage/storage.ts';
import type { StoredEvent } from '../../storage/stored-event.ts';

/** Receives the events of an application as soon as they are recorded. */
export type RecordedListener = (applicationName: string, events: readonly StoredEvent[]) => void;

/** Returns a layer that calls a listener with all events that are recorded, also those outside of the logs. */
export function observing(listener: RecordedListener): StorageLayer {
  return (storage) => {
    class ObservedStorage extends ForwardingStorage {
      override async openRecorder(options: RecorderOptions): Promise<Recorder> {
        const recorded = (events: readonly StoredEvent[]) => listener(options.applicationName, events);
        return new ObservedRecorder(await this.inner.openRecorder(options), recorded);
      }
    }
    return new ObservedStorage(storage);
  };
}

class ObservedRecorder extends ForwardingRecorder {
  readonly #recorded: (events: readonly StoredEvent[]) => void;

  constructor(inner: Recorder, recorded: (events: readonly StoredEvent[]) => void) {
    super(inner);
    this.#recorded = recorded;
  }

  protected override lockOf(lock: WriteLock): WriteLock {
    return {
      get handle() {
        return lock.handle;
      },
      record: async (pipelineId, processEvents) =>
        this.#noted(await lock.record(pipelineId, processEvents), processEvents),
      release: (reason) => lock.release(reason),
    };
  }

  override async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    return this.#noted(await super.record(pipelineId, processEvents), processEvents);
  }

  #noted(head: number, processEvents: readonly ProcessEvent[]): number {
    this.#recorded(processEvents.flatMap(({ events }) => events));
    return head;
  }
}
