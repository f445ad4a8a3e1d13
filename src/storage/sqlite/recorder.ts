import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Cause } from '../../domain/provenance.ts';
import {
  PositionConflictError,
  type PositionState,
  RecordConflictError,
  type StorageError,
} from '../errors.ts';
import {
  type EventKey,
  type History,
  type HistoryRequest,
  isEmpty,
  type ProcessEvent,
  type RecordedOperation,
  type RecordedPosition,
  type Recorder,
  type StoredOperation,
  type WriteLock,
} from '../recorder.ts';
import { historiesUpToSize } from '../sizes.ts';
import { causePipelineColumn } from '../sql/cause-columns.ts';
import { correlationDigits } from '../sql/correlation-column.ts';
import { dependenciesText } from '../sql/dependency-column.ts';
import { toOperation, toPosition, typesText } from '../sql/position-rows.ts';
import { toCauses, toEvent, toNotification, toPlace, toSnapshot } from '../sql/rows.ts';
import { storageError } from '../storage-location.ts';
import type { LogPlace, StoredEvent, StoredNotification, StoredSnapshot } from '../stored-event.ts';
import { BusyRetry } from './connection/busy-retry.ts';
import type { SqliteConnection } from './connection/sqlite-connection.ts';
import type { DatabaseFile } from './file.ts';
import { insertStrictly, row, rows, type Statements, sql } from './statements.ts';
import { commit, inTransaction, rollBack } from './transaction.ts';

/** Records in one SQLite file, which other recorders, threads and processes may use at the same time. */
export class SqliteRecorder implements Recorder {
  readonly #connection: SqliteConnection;
  readonly #busyRetry: BusyRetry;
  /** The write lock, while this recorder holds it, and the database that is locked. */
  #held: { readonly lock: WriteLock; readonly database: DatabaseSync } | undefined;

  /** Takes over a connection; `close()` closes it. */
  constructor(connection: SqliteConnection) {
    this.#connection = connection;
    this.#busyRetry = new BusyRetry(connection);
  }

  async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    if (processEvents.every(isEmpty)) return this.head(pipelineId);
    return this.#change(() => this.#write(pipelineId, processEvents));
  }

  async lock(): Promise<WriteLock> {
    const lock: WriteLock = {
      record: async (pipelineId, processEvents) => {
        if (this.#held?.lock !== lock) return this.record(pipelineId, processEvents);
        return this.#connection.use('recording', () => this.#recordHeld(pipelineId, processEvents));
      },
      release: async () => {
        if (this.#held?.lock === lock) this.#endHeld();
      },
    };
    await this.#whenFree(() => {
      this.#database.exec(sql.beginWrite);
      this.#held = { lock, database: this.#database };
    });
    return lock;
  }

  async histories(requests: readonly HistoryRequest[], maxSize?: number): Promise<readonly History[]> {
    // One transaction, so that all histories are of one moment and the lock is taken once.
    return this.#read(() => historiesUpToSize(requests, (request) => this.#history(request), maxSize));
  }

  async locate(keys: readonly EventKey[]): Promise<readonly (LogPlace | undefined)[]> {
    return this.#read(({ place }) =>
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
    return this.#use(({ notifications }) =>
      rows(notifications, pipelineId, after, limit, maxSize).map((found) => toNotification(found, log)),
    );
  }

  async causes(pipelineId: number, after: number, limit: number): Promise<readonly (Cause | undefined)[]> {
    const log = { storage: this.#file, pipelineId };
    return this.#use(({ causes }) => toCauses(rows(causes, pipelineId, after, limit), { after, limit }, log));
  }

  async head(pipelineId: number): Promise<number> {
    return this.#use(({ head }) => Number(row(head, pipelineId)?.[0]));
  }

  async position(pipelineId: number, upstreamName: string): Promise<RecordedPosition> {
    return this.#use(() => this.#position(pipelineId, upstreamName));
  }

  async logs(): Promise<readonly LogPlace[]> {
    return this.#use(({ logs }) => rows(logs).flatMap((found) => toPlace(found) ?? []));
  }

  async positions(): Promise<readonly RecordedPosition[]> {
    return this.#use(({ positions }) => rows(positions).map((found) => toPosition(found, this.#file)));
  }

  async recordHandledTypes(
    pipelineId: number,
    upstreamName: string,
    expectedVersion: number,
    types: readonly string[],
  ): Promise<number> {
    return this.#change(() => {
      const { setTypes } = this.#statements;
      const { changes } = setTypes.run(pipelineId, upstreamName, typesText(types), expectedVersion);
      if (changes > 0) return expectedVersion + 1;
      throw new Refusal(() => {
        const { position } = this.#position(pipelineId, upstreamName);
        return this.#positionConflict(pipelineId, upstreamName, { position, typesVersion: expectedVersion });
      });
    });
  }

  async operations(after: number, limit: number): Promise<readonly RecordedOperation[]> {
    return this.#use(({ operations }) => rows(operations, after, limit).map(toOperation));
  }

  async recordSnapshots(snapshots: readonly StoredSnapshot[]): Promise<void> {
    await this.#change(() => this.#putSnapshots(snapshots));
  }

  async close(): Promise<void> {
    this.#connection.close();
  }

  get #file(): DatabaseFile {
    return this.#connection.file;
  }

  /** The open database, during `#use`. */
  get #database(): DatabaseSync {
    return this.#connection.opened.database;
  }

  /** The statements of the open database, during `#use`. */
  get #statements(): Statements {
    return this.#connection.opened.statements;
  }

  #use<T>(work: (statements: Statements) => T): T | Promise<T> {
    return this.#busyRetry.run(() => this.#connection.use('reading', work));
  }

  /** Reads everything as of one moment. */
  #read<T>(work: (statements: Statements) => T): T | Promise<T> {
    return this.#use((statements) =>
      this.#held === undefined
        ? inTransaction(this.#database, sql.begin, () => work(statements))
        : work(statements),
    );
  }

  /** Does the work in a transaction, and throws the conflict if the work is refused. */
  #change<T>(work: () => T): T | Promise<T> {
    return this.#whenFree(() => {
      try {
        return inTransaction(this.#database, sql.beginWrite, work);
      } catch (error) {
        throw error instanceof Refusal ? error.explain() : error;
      }
    });
  }

  /** Does the work when there is no other writer, in the order of the calls. */
  #whenFree<T>(work: () => T): T | Promise<T> {
    return this.#busyRetry.runInOrder(() => {
      if (this.#held !== undefined) throw lockHeld(this.#file);
      return this.#connection.use('recording', work);
    });
  }

  #recordHeld(pipelineId: number, processEvents: readonly ProcessEvent[]): number {
    try {
      if (this.#held?.database !== this.#database) throw lockLost(this.#file);
      const head = this.#write(pipelineId, processEvents);
      commit(this.#database);
      this.#held = undefined;
      return head;
    } catch (error) {
      this.#endHeld();
      throw error instanceof Refusal ? error.explain() : error;
    }
  }

  #endHeld(): void {
    const database = this.#held?.database;
    this.#held = undefined;
    if (database?.isOpen) rollBack(database);
  }

  #write(pipelineId: number, processEvents: readonly ProcessEvent[]): number {
    const { head, movePosition } = this.#statements;
    let last = Number(row(head, pipelineId)?.[0]);
    for (const { events, snapshots, tracking, operation } of processEvents) {
      for (const event of events) {
        last += 1;
        if (!this.#insert(this.#statements.insertEvent, pipelineId, last, event))
          throw this.#refusal(pipelineId, last, event);
      }
      this.#putSnapshots(snapshots);
      if (operation !== undefined) this.#addOperation(operation);
      if (tracking === undefined) continue;
      const { upstreamName, position, mark = null, expected, typesVersion = 0 } = tracking;
      const { changes } = movePosition.run(pipelineId, upstreamName, position, mark, expected, typesVersion);
      if (changes > 0) continue;
      const state = { position: expected, typesVersion };
      throw new Refusal(() => this.#positionConflict(pipelineId, upstreamName, state));
    }
    return last;
  }

  /** Inserts an event and returns true if its version is the next version. */
  #insert(statement: StatementSync, pipelineId: number, id: number, event: StoredEvent): boolean {
    const { originatorId, originatorVersion, type, data, timestamp } = event;
    const { dependencies, cause, correlationId, metadata } = event;
    const { changes } = statement.run(
      pipelineId,
      id,
      originatorId,
      originatorVersion,
      type,
      data,
      timestamp,
      dependenciesText(dependencies),
      cause?.applicationName ?? null,
      causePipelineColumn(cause, pipelineId),
      cause?.notificationId ?? null,
      correlationId === undefined ? null : correlationDigits(correlationId),
      metadata ?? null,
    );
    return changes > 0;
  }

  /** Explains, in the transaction, why an event was not inserted. */
  #refusal(pipelineId: number, id: number, event: StoredEvent): Error {
    const { originatorId, originatorVersion } = event;
    const newest = Number(row(this.#statements.newestVersion, originatorId)?.[0]);
    if (originatorVersion !== newest + 1) return new Refusal(() => this.#recordConflict(event));
    this.#insert(this.#database.prepare(insertStrictly), pipelineId, id, event); // throws what the constraint says
    const reason = `a trigger of its table ignores version ${originatorVersion} of aggregate '${originatorId}'.`;
    return storageError('STORAGE_REFUSED', this.#file, reason);
  }

  #putSnapshots(snapshots: readonly StoredSnapshot[]): void {
    for (const { originatorId, originatorVersion, schema, state } of snapshots) {
      this.#statements.putSnapshot.run(originatorId, originatorVersion, schema, state);
    }
  }

  #history({ originatorId, after, upTo = Infinity, useSnapshot }: HistoryRequest): History {
    const found = useSnapshot ? row(this.#statements.snapshot, originatorId, after, upTo) : undefined;
    const snapshot = found && toSnapshot(originatorId, found);
    const start = snapshot?.originatorVersion ?? after;
    const events = rows(this.#statements.events, originatorId, start, upTo);
    return { snapshot, events: events.map((event) => toEvent(originatorId, event)) };
  }

  #recordConflict({ originatorId, originatorVersion }: StoredEvent): RecordConflictError {
    const current = Number(row(this.#statements.newestVersion, originatorId)?.[0]);
    return new RecordConflictError(this.#file.applicationName, originatorId, originatorVersion, current);
  }

  #addOperation({ timestamp, kind, by, reason, details }: StoredOperation): void {
    this.#statements.addOperation.run(timestamp, kind, by, reason, details);
  }

  #position(pipelineId: number, upstreamName: string): RecordedPosition {
    const found = row(this.#statements.position, pipelineId, upstreamName);
    return found === undefined
      ? { pipelineId, upstreamName, position: 0, typesVersion: 0 }
      : toPosition(found, this.#file);
  }

  #positionConflict(
    pipelineId: number,
    upstreamName: string,
    expected: PositionState,
  ): PositionConflictError {
    const actual = this.#position(pipelineId, upstreamName);
    return new PositionConflictError(this.#file.applicationName, upstreamName, expected, actual);
  }
}

function lockHeld(file: DatabaseFile): StorageError {
  return storageError('STORAGE_BUSY', file, 'its write lock was held for longer than busyTimeoutMs.');
}

function lockLost(file: DatabaseFile): StorageError {
  return storageError(
    'STORAGE_BUSY',
    file,
    'its write lock ended when the file was opened again. Try again.',
  );
}

/** Thrown to roll a transaction back. The conflict is then explained from the recorded rows. */
class Refusal extends Error {
  readonly explain: () => Error;

  constructor(explain: () => Error) {
    super();
    this.explain = explain;
  }
}
