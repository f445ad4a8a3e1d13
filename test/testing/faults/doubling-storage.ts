import type { StorageDescription } from 'kahn';
import {
  openStorage as openInner,
  type ProcessEvent,
  type Recorder,
  type StorageOptions,
} from 'kahn/storage';
import { ForwardingRecorder } from '../../../src/storage/layers/forwarding-recorder.ts';
import { ForwardingStorage } from '../../../src/storage/layers/forwarding-storage.ts';
import type { OpenedStorage, RecorderOptions } from '../../../src/storage/storage.ts';

/** Describes a storage that repeats recordings whose answer is lost, also those that are recorded: it records them twice. */
export function doublingStorage({ module, options }: StorageDescription): StorageDescription {
  return { module: import.meta.url, options: { inner: { module, options } } };
}

export async function openStorage({ inner }: StorageOptions, writerId?: string): Promise<OpenedStorage> {
  return new DoublingStorage(await openInner(inner as unknown as StorageDescription, { writerId }));
}

class DoublingStorage extends ForwardingStorage {
  override async openRecorder(options: RecorderOptions): Promise<Recorder> {
    return new DoublingRecorder(await this.inner.openRecorder(options));
  }
}

class DoublingRecorder extends ForwardingRecorder {
  override async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    for (let sent = processEvents; ; ) {
      try {
        return await super.record(pipelineId, sent);
      } catch (error) {
        const { code } = error as { readonly code?: string };
        if (code === 'STORAGE_OUTCOME_UNKNOWN') continue;
        if (sent !== processEvents || !/^(POSITION|RECORD|KEY)_CONFLICT$/.test(code ?? '')) throw error;
        sent = processEvents.map(again);
      }
    }
  }
}

/** Returns what is recorded a second time, without what the storage would refuse. */
function again({ events }: ProcessEvent): ProcessEvent {
  const moved = events.map((event) => ({ ...event, originatorVersion: event.originatorVersion + 1 }));
  return { events: moved, snapshots: [] };
}
