import { StorageError } from '../errors.ts';
import type { History, HistoryRequest, ProcessEvent, Recorder } from '../recorder.ts';
import type { StoredNotification, StoredSnapshot } from '../stored-event.ts';
import type { ApplicationMemory } from './application-memory.ts';

/**
 * A recorder that keeps everything on the heap, as plain objects; others of the same application see it at
 * once.
 */
export class MemoryRecorder implements Recorder {
  readonly #applicationName: string;
  #open: ApplicationMemory | undefined;

  constructor(memory: ApplicationMemory) {
    this.#applicationName = memory.applicationName;
    this.#open = memory;
  }

  async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    return this.#memory.record(pipelineId, processEvents);
  }

  async histories(requests: readonly HistoryRequest[]): Promise<readonly History[]> {
    const memory = this.#memory;
    return requests.map((request) => memory.history(request));
  }

  async notifications(
    pipelineId: number,
    after: number,
    limit: number,
  ): Promise<readonly StoredNotification[]> {
    return this.#memory.notifications(pipelineId, after, limit);
  }

  async head(pipelineId: number): Promise<number> {
    return this.#memory.head(pipelineId);
  }

  async position(pipelineId: number, upstreamName: string): Promise<number> {
    return this.#memory.position(pipelineId, upstreamName);
  }

  async recordSnapshots(snapshots: readonly StoredSnapshot[]): Promise<void> {
    this.#memory.recordSnapshots(snapshots);
  }

  async close(): Promise<void> {
    this.#open = undefined;
  }

  get #memory(): ApplicationMemory {
    if (this.#open !== undefined) return this.#open;
    throw new StorageError(
      'STORAGE_CLOSED',
      this.#applicationName,
      `The memory recorder of application '${this.#applicationName}' is closed: open another one to go on.`,
    );
  }
}
