import type { Cause } from '../../domain/provenance.ts';
import type { ParkedCount, ParkedNotification, ParkedRequest } from '../parked.ts';
import {
  type EventKey,
  type History,
  type HistoryRequest,
  isEmpty,
  type ProcessEvent,
  type RecordedOperation,
  type RecordedPosition,
  type RecordedRows,
  type Recorder,
  type RowsKind,
  type StoredCommand,
  type TypeCounts,
  type WriteLock,
} from '../recorder.ts';
import { historiesUpToSize } from '../sizes.ts';
import { toCommand } from '../sql/command-rows.ts';
import { toParked, toParkedCount } from '../sql/parked-rows.ts';
import { toOperation, toPosition } from '../sql/position-rows.ts';
import { toCauses, toEvent, toNotification, toPlace, toSnapshot, toTypeCounts } from '../sql/rows.ts';
import { recorderClosed } from '../storage-location.ts';
import type { LogPlace, StoredNotification, StoredSnapshot } from '../stored-event.ts';
import type { SessionPurpose } from './connection/session.ts';
import type { ApplicationFile, DatabaseFile } from './layout/file.ts';
import { type ApplicationSession, RowWriter } from './row-writer.ts';
import { RowReaders } from './rows/row-readers.ts';
import { assertSqliteRows } from './rows/sqlite-rows.ts';
import { prepare, row, rows, rowsUpTo, type Statements } from './statements.ts';
import { SqliteWriteLock } from './write-lock.ts';

/** Number of rows up to which their size is counted row by row. For more rows, SQLite counts it faster. */
const fewRows = 16;

/** Returns the purpose of the session of a recorder. */
export function recordingIn(file: ApplicationFile): SessionPurpose<ApplicationFile, Statements> {
  return { file, prepare: (database) => prepare(database, file.tables), closed: recorderClosed };
}

/** Records in a SQLite file, which other recorders, threads and processes may use at the same time. */
export class SqliteRecorder implements Recorder {
  readonly #session: ApplicationSession;
  readonly #writer: RowWriter;
  /** Whether the last read of notifications found more than a few. */
  #readsMany = false;
  /** The last write lock that this recorder has taken. */
  #lock: WriteLock | undefined;
  #readers: RowReaders | undefined;

  /** Takes over a session; `close()` closes it. */
  constructor(session: ApplicationSession) {
    this.#session = session;
    this.#writer = new RowWriter(session);
  }

  async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    if (processEvents.every(isEmpty)) return this.head(pipelineId);
    return this.#session.change(() => this.#writer.write(pipelineId, processEvents));
  }

  async lock(): Promise<WriteLock> {
    const lock = new SqliteWriteLock(this.#session, this.#writer, (...call) => this.record(...call));
    await lock.begin();
    this.#lock = lock;
    return lock;
  }

  rows(kind: RowsKind): RecordedRows {
    assertSqliteRows(kind, this.#file);
    this.#readers ??= new RowReaders(this.#file);
    return this.#readers;
  }

  async histories(requests: readonly HistoryRequest[], maxSize?: number): Promise<readonly History[]> {
    const read = () => historiesUpToSize(requests, (request) => this.#history(request), maxSize);
    const [first] = requests;
    if (requests.length === 1 && first?.useSnapshot === false) return this.#session.read(read); // a single statement
    // One transaction, so that all histories are of one moment and the lock is taken once.
    return this.#session.readTogether(read);
  }

  async locate(keys: readonly EventKey[]): Promise<readonly (LogPlace | undefined)[]> {
    return this.#session.readTogether(({ place }) =>
      keys.map(({ originatorId, originatorVersion }) => toPlace(row(place, originatorId, originatorVersion))),
    );
  }

  async notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize: number = Number.MAX_SAFE_INTEGER,
  ): Promise<readonly StoredNotification[]> {
    const log = { storage: this.#file, pipelineId };
    return this.#session.read(({ notifications, notificationsUpTo }) => {
      const found = this.#readsMany
        ? rows(notificationsUpTo, pipelineId, after, limit, maxSize)
        : rowsUpTo(maxSize, notifications, pipelineId, after, limit);
      this.#readsMany = found.length > fewRows;
      return found.map((notification) => toNotification(notification, log));
    });
  }

  async causes(pipelineId: number, after: number, limit: number): Promise<readonly (Cause | undefined)[]> {
    const log = { storage: this.#file, pipelineId };
    return this.#session.read(({ causes }) =>
      toCauses(rows(causes, pipelineId, after, limit), { after, limit }, log),
    );
  }

  async countTypes(pipelineId: number, after: number, limit: number): Promise<TypeCounts> {
    return this.#session.read(({ countTypes }) => toTypeCounts(rows(countTypes, pipelineId, after, limit)));
  }

  async head(pipelineId: number): Promise<number> {
    return this.#session.read(({ head }) => Number(row(head, pipelineId)?.[0]));
  }

  async position(pipelineId: number, upstreamName: string): Promise<RecordedPosition> {
    return this.#session.read(() => this.#writer.position(pipelineId, upstreamName));
  }

  async logs(): Promise<readonly LogPlace[]> {
    return this.#session.read(({ logs }) => {
      const places = rows(logs).flatMap((found) => toPlace(found) ?? []);
      return places.filter(({ notificationId }) => notificationId > 0);
    });
  }

  async positions(): Promise<readonly RecordedPosition[]> {
    return this.#session.read(({ positions }) =>
      rows(positions).map((found) => toPosition(found, this.#file)),
    );
  }

  async recordHandledTypes(
    pipelineId: number,
    upstreamName: string,
    expectedVersion: number,
    types: readonly string[],
  ): Promise<number> {
    return this.#session.change(() =>
      this.#writer.setHandledTypes(pipelineId, upstreamName, expectedVersion, types),
    );
  }

  async operations(after: number, limit: number): Promise<readonly RecordedOperation[]> {
    return this.#session.read(({ operations }) => rows(operations, after, limit).map(toOperation));
  }

  async command(key: string): Promise<StoredCommand | undefined> {
    return this.#session.read(({ command }) => toCommand(row(command, key)));
  }

  async deleteCommands(before: number, limit: number): Promise<number> {
    return this.#session.change(() =>
      Number(this.#session.statements.deleteCommands.run(before, limit).changes),
    );
  }

  async parked(request: ParkedRequest): Promise<readonly ParkedNotification[]> {
    const { pipelineId, after, limit, upstreamName = null, isDue } = request;
    return this.#session.read(({ parked, parkedByDue }) => {
      const found =
        isDue === undefined
          ? rows(parked, pipelineId, after, limit, upstreamName)
          : rows(parkedByDue, pipelineId, after, limit, upstreamName, Number(isDue));
      return found.map(toParked);
    });
  }

  async countParked(): Promise<readonly ParkedCount[]> {
    return this.#session.read(({ countParked }) => rows(countParked).map(toParkedCount));
  }

  async recordSnapshots(snapshots: readonly StoredSnapshot[]): Promise<void> {
    await this.#session.change(() => this.#writer.putSnapshots(snapshots));
  }

  async close(): Promise<void> {
    await this.#lock?.release();
    this.#readers?.close();
    this.#session.close();
  }

  get #file(): DatabaseFile {
    return this.#session.file;
  }

  #history({ originatorId, after, upTo = Infinity, useSnapshot }: HistoryRequest): History {
    const found = useSnapshot ? row(this.#session.statements.snapshot, originatorId, after, upTo) : undefined;
    const snapshot = found && toSnapshot(originatorId, found);
    const start = snapshot?.originatorVersion ?? after;
    const events = rows(this.#session.statements.events, originatorId, start, upTo);
    return { snapshot, events: events.map((event) => toEvent(originatorId, event)) };
  }
}
