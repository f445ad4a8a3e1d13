import type { Cause } from '../../domain/provenance.ts';
import type {
  EventKey,
  History,
  HistoryRequest,
  ProcessEvent,
  RecordedOperation,
  RecordedPosition,
  Recorder,
  StoredCommand,
  WriteLock,
} from '../recorder.ts';
import type { LogPlace, StoredNotification, StoredSnapshot } from '../stored-event.ts';

/** Passes all calls to another recorder. Base of recorders that change what goes in and comes out. */
export class ForwardingRecorder implements Recorder {
  protected readonly inner: Recorder;
  readonly lock?: () => Promise<WriteLock>;
  readonly command?: (key: string) => Promise<StoredCommand | undefined>;
  readonly countTypes?: NonNullable<Recorder['countTypes']>;
  readonly deleteCommands?: (before: number, limit: number) => Promise<number>;

  constructor(inner: Recorder) {
    this.inner = inner;
    const { lock, command, deleteCommands, countTypes } = inner;
    if (lock !== undefined) this.lock = async () => this.lockOf(await lock.call(inner));
    if (command !== undefined)
      this.command = async (key) => {
        const found = await command.call(inner, key);
        return found && this.commandOf(found);
      };
    if (countTypes !== undefined) this.countTypes = countTypes.bind(inner);
    if (deleteCommands !== undefined) this.deleteCommands = deleteCommands.bind(inner);
  }

  /** Returns the write lock for a lock of the inner recorder. */
  protected lockOf(lock: WriteLock): WriteLock {
    return lock;
  }

  /** Returns the command for a command of the inner recorder. */
  protected commandOf(command: StoredCommand): StoredCommand | Promise<StoredCommand> {
    return command;
  }

  record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    return this.inner.record(pipelineId, processEvents);
  }

  histories(requests: readonly HistoryRequest[], maxSize?: number): Promise<readonly History[]> {
    return this.inner.histories(requests, maxSize);
  }

  locate(keys: readonly EventKey[]): Promise<readonly (LogPlace | undefined)[]> {
    return this.inner.locate(keys);
  }

  notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize?: number,
  ): Promise<readonly StoredNotification[]> {
    return this.inner.notifications(pipelineId, after, limit, maxSize);
  }

  causes(pipelineId: number, after: number, limit: number): Promise<readonly (Cause | undefined)[]> {
    return this.inner.causes(pipelineId, after, limit);
  }

  head(pipelineId: number): Promise<number> {
    return this.inner.head(pipelineId);
  }

  position(pipelineId: number, upstreamName: string): Promise<RecordedPosition> {
    return this.inner.position(pipelineId, upstreamName);
  }

  logs(): Promise<readonly LogPlace[]> {
    return this.inner.logs();
  }

  positions(): Promise<readonly RecordedPosition[]> {
    return this.inner.positions();
  }

  recordHandledTypes(
    pipelineId: number,
    upstreamName: string,
    expectedVersion: number,
    types: readonly string[],
  ): Promise<number> {
    return this.inner.recordHandledTypes(pipelineId, upstreamName, expectedVersion, types);
  }

  operations(after: number, limit: number): Promise<readonly RecordedOperation[]> {
    return this.inner.operations(after, limit);
  }

  recordSnapshots(snapshots: readonly StoredSnapshot[]): Promise<void> {
    return this.inner.recordSnapshots(snapshots);
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}
