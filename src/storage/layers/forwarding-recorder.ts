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
import type { LogPlace, StoredNotification, StoredSnapshot } from '../stored-event.ts';

/** Passes all calls to another recorder. Base of recorders that change what goes in and comes out. */
export class ForwardingRecorder implements Recorder {
  protected readonly inner: Recorder;
  readonly lock?: () => Promise<WriteLock>;
  readonly rows?: (kind: RowsKind) => RecordedRows;
  readonly countTypes?: (pipelineId: number, after: number, limit: number) => Promise<TypeCounts>;
  readonly command?: (key: string) => Promise<StoredCommand | undefined>;
  readonly deleteCommands?: (before: number, limit: number) => Promise<number>;
  readonly parked?: (request: ParkedRequest) => Promise<readonly ParkedNotification[]>;
  readonly countParked?: () => Promise<readonly ParkedCount[]>;

  constructor(inner: Recorder) {
    this.inner = inner;
    const { lock, rows, countTypes, command, deleteCommands, parked, countParked } = inner;
    if (lock !== undefined) this.lock = () => this.#locked(lock.call(inner));
    if (rows !== undefined) this.rows = rows.bind(inner);
    if (countTypes !== undefined)
      this.countTypes = (...page) => this.explained(countTypes.apply(inner, page));
    if (command !== undefined)
      this.command = async (key) => {
        const found = await this.explained(command.call(inner, key));
        return found && this.commandOf(found);
      };
    if (deleteCommands !== undefined)
      this.deleteCommands = (before, limit) => this.explained(deleteCommands.call(inner, before, limit));
    if (parked !== undefined)
      this.parked = (request) => this.parkedOf(request, (one) => this.explained(parked.call(inner, one)));
    if (countParked !== undefined)
      this.countParked = async () => this.countsOf(await this.explained(countParked.call(inner)));
  }

  /** Returns the name under which storage keeps the log of an application. */
  recordedName(applicationName: string): string {
    return recordedNameIn(this.inner, applicationName);
  }

  /** Returns the result of a call of the inner recorder, with its error changed if needed. */
  protected explained<T>(result: Promise<T>): Promise<T> {
    return result;
  }

  /** Returns the write lock of the layer, or releases that of the inner recorder. */
  async #locked(locking: Promise<WriteLock>): Promise<WriteLock> {
    try {
      return this.lockOf(await this.explained(locking));
    } catch (error) {
      await locking.then((lock) => lock.release()).catch(() => {}); // the first error is the one to report
      throw error;
    }
  }

  /** Returns the write lock for a lock of the inner recorder. */
  protected lockOf(lock: WriteLock): WriteLock {
    return lock;
  }

  /** Returns the command for a command of the inner recorder. */
  protected commandOf(command: StoredCommand): StoredCommand | Promise<StoredCommand> {
    return command;
  }

  /** Returns the parked notifications that a request selects, which `read` reads from the inner recorder. */
  protected parkedOf(
    request: ParkedRequest,
    read: (request: ParkedRequest) => Promise<readonly ParkedNotification[]>,
  ): Promise<readonly ParkedNotification[]> {
    return read(request);
  }

  /** Returns the counts for the counts of the inner recorder. */
  protected countsOf(counts: readonly ParkedCount[]): readonly ParkedCount[] {
    return counts;
  }

  record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    return this.explained(this.inner.record(pipelineId, processEvents));
  }

  histories(requests: readonly HistoryRequest[], maxSize?: number): Promise<readonly History[]> {
    return this.explained(this.inner.histories(requests, maxSize));
  }

  locate(keys: readonly EventKey[]): Promise<readonly (LogPlace | undefined)[]> {
    return this.explained(this.inner.locate(keys));
  }

  notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize?: number,
  ): Promise<readonly StoredNotification[]> {
    return this.explained(this.inner.notifications(pipelineId, after, limit, maxSize));
  }

  causes(pipelineId: number, after: number, limit: number): Promise<readonly (Cause | undefined)[]> {
    return this.explained(this.inner.causes(pipelineId, after, limit));
  }

  head(pipelineId: number): Promise<number> {
    return this.explained(this.inner.head(pipelineId));
  }

  position(pipelineId: number, upstreamName: string): Promise<RecordedPosition> {
    return this.explained(this.inner.position(pipelineId, upstreamName));
  }

  logs(): Promise<readonly LogPlace[]> {
    return this.explained(this.inner.logs());
  }

  positions(): Promise<readonly RecordedPosition[]> {
    return this.explained(this.inner.positions());
  }

  recordHandledTypes(
    pipelineId: number,
    upstreamName: string,
    expectedVersion: number,
    types: readonly string[],
  ): Promise<number> {
    return this.explained(this.inner.recordHandledTypes(pipelineId, upstreamName, expectedVersion, types));
  }

  operations(after: number, limit: number): Promise<readonly RecordedOperation[]> {
    return this.explained(this.inner.operations(after, limit));
  }

  recordSnapshots(snapshots: readonly StoredSnapshot[]): Promise<void> {
    return this.explained(this.inner.recordSnapshots(snapshots));
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

/** A recorder that knows the names under which storage keeps logs. */
interface RenamingRecorder {
  recordedName(applicationName: string): string;
}

/** Returns the name under which the storage of a recorder keeps the log of an application. */
export function recordedNameIn(recorder: Recorder, applicationName: string): string {
  const { recordedName } = recorder as Recorder & Partial<RenamingRecorder>;
  return recordedName?.call(recorder, applicationName) ?? applicationName;
}
