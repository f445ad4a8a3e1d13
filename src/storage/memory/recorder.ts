import type { Cause } from '../../domain/provenance.ts';
import type { ParkedCount, ParkedNotification, ParkedRequest } from '../parked.ts';
import type {
  EventKey,
  History,
  HistoryRequest,
  ProcessEvent,
  RecordedOperation,
  RecordedPosition,
  RecordedRows,
  Recorder,
  RowsKind,
  StoredCommand,
  TypeCounts,
  WriteLock,
} from '../recorder.ts';
import { historiesUpToSize } from '../sizes.ts';
import { assertSqliteRows } from '../sqlite/rows/sqlite-rows.ts';
import { recorderClosed } from '../storage-location.ts';
import type { LogPlace, StoredNotification, StoredSnapshot } from '../stored-event.ts';
import { memoryLocation, rowsAcrossThreads } from './errors.ts';
import { MemoryRows } from './rows/memory-rows.ts';
import { RowsLock } from './rows/rows-lock.ts';
import type { SharableMemory } from './shared/sharable-memory.ts';

/** Records plain objects on the heap, where other recorders of the same application see them at once. */
export class MemoryRecorder implements Recorder {
  readonly #applicationName: string;
  #open: SharableMemory | undefined;
  /** The write lock that was taken last. */
  #lock: WriteLock | undefined;

  readonly #memoryRows: MemoryRows;
  /** The rows of the application, once it has asked for them. */
  #rows: RecordedRows | undefined;

  constructor(memory: SharableMemory, rows: MemoryRows = new MemoryRows()) {
    this.#applicationName = memory.applicationName;
    this.#open = memory;
    this.#memoryRows = rows;
  }

  async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    return this.#memory.record(pipelineId, processEvents);
  }

  async lock(): Promise<WriteLock> {
    const lock = await this.#memory.lock();
    this.#lock = lock;
    if (this.#rows === undefined) return lock;
    const turn = await this.#memoryRows.take();
    this.#lock = new RowsLock(this.#applicationName, lock, turn);
    if (this.#open === undefined) await this.#lock.release();
    void this.#memory; // throws if the recorder was closed meanwhile
    return this.#lock;
  }

  rows(kind: RowsKind): RecordedRows {
    const location = memoryLocation(this.#applicationName);
    assertSqliteRows(kind, location);
    if (this.#memory.isShared) throw rowsAcrossThreads([this.#applicationName]);
    if (this.#rows === undefined) this.#memoryRows.addUser(this.#applicationName);
    this.#rows ??= this.#memoryRows.of(this.#applicationName);
    return this.#rows;
  }

  async histories(requests: readonly HistoryRequest[], maxSize?: number): Promise<readonly History[]> {
    const content = this.#content;
    return historiesUpToSize(requests, (request) => content.history(request), maxSize);
  }

  async locate(keys: readonly EventKey[]): Promise<readonly (LogPlace | undefined)[]> {
    const content = this.#content;
    return keys.map((key) => content.locate(key));
  }

  async notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize?: number,
  ): Promise<readonly StoredNotification[]> {
    return this.#content.notifications(pipelineId, after, limit, maxSize);
  }

  async causes(pipelineId: number, after: number, limit: number): Promise<readonly (Cause | undefined)[]> {
    return this.#content.causes(pipelineId, after, limit);
  }

  async countTypes(pipelineId: number, after: number, limit: number): Promise<TypeCounts> {
    return this.#content.countTypes(pipelineId, after, limit);
  }

  async head(pipelineId: number): Promise<number> {
    return this.#content.head(pipelineId);
  }

  async position(pipelineId: number, upstreamName: string): Promise<RecordedPosition> {
    return this.#content.position(pipelineId, upstreamName);
  }

  async logs(): Promise<readonly LogPlace[]> {
    return this.#content.logs();
  }

  async positions(): Promise<readonly RecordedPosition[]> {
    return this.#content.positions();
  }

  async recordHandledTypes(
    pipelineId: number,
    upstreamName: string,
    expectedVersion: number,
    types: readonly string[],
  ): Promise<number> {
    return this.#memory.recordHandledTypes(pipelineId, { upstreamName, expectedVersion, types });
  }

  async operations(after: number, limit: number): Promise<readonly RecordedOperation[]> {
    return this.#content.operations(after, limit);
  }

  async command(key: string): Promise<StoredCommand | undefined> {
    return this.#content.command(key);
  }

  async deleteCommands(before: number, limit: number): Promise<number> {
    const most = Number.MAX_SAFE_INTEGER; // JSON has no infinite numbers
    return this.#memory.deleteCommands({ before: Math.min(before, most), limit: Math.min(limit, most) });
  }

  async parked(request: ParkedRequest): Promise<readonly ParkedNotification[]> {
    return this.#content.parked(request);
  }

  async countParked(): Promise<readonly ParkedCount[]> {
    return this.#content.countParked();
  }

  async recordSnapshots(snapshots: readonly StoredSnapshot[]): Promise<void> {
    await this.#memory.record(0, [{ events: [], snapshots }]);
  }

  async close(): Promise<void> {
    this.#open = undefined;
    if (this.#rows !== undefined) this.#memoryRows.removeUser(this.#applicationName);
    this.#rows = undefined;
    await this.#lock?.release();
  }

  get #content(): SharableMemory['content'] {
    return this.#memory.content;
  }

  get #memory(): SharableMemory {
    if (this.#open !== undefined) return this.#open;
    throw recorderClosed(memoryLocation(this.#applicationName));
  }
}
