import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Cause } from '../../domain/provenance.ts';
import { PositionConflictError, type PositionState, RecordConflictError } from '../errors.ts';
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
} from '../recorder.ts';
import { causePipelineColumn } from '../sql/cause-columns.ts';
import { correlationDigits } from '../sql/correlation-column.ts';
import { dependenciesText } from '../sql/dependency-column.ts';
import type { Activity } from '../sql/driver-error.ts';
import { toOperation, toPosition, typesText } from '../sql/position-rows.ts';
import { toCauses, toEvent, toNotification, toPlace, toSnapshot } from '../sql/rows.ts';
import { storageError } from '../storage-location.ts';
import type { LogPlace, StoredEvent, StoredNotification, StoredSnapshot } from '../stored-event.ts';
import type { SqliteConnection } from './connection.ts';
import type { DatabaseFile } from './file.ts';
import { insertStrictly, row, rows, type Statements, sql } from './statements.ts';
import { inTransaction } from './transaction.ts';

/** Records in one SQLite file, which other recorders, threads and processes may use at the same time. */
export class SqliteRecorder implements Recorder {
  readonly #connection: SqliteConnection;

  /** Takes over a connection; `close()` closes it. */
  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    if (processEvents.every(isEmpty)) return this.head(pipelineId);
    return this.#change(() => this.#write(pipelineId, processEvents));
  }

  async histories(requests: readonly HistoryRequest[]): Promise<readonly History[]> {
    // One transaction, so that all histories are of one moment and the lock is taken once.
    return this.#use(() =>
      inTransaction(this.#database, sql.begin, () => requests.map((request) => this.#history(request))),
    );
  }

  async locate(keys: readonly EventKey[]): Promise<readonly (LogPlace | undefined)[]> {
    return this.#use(({ place }) =>
      inTransaction(this.#database, sql.begin, () =>
        keys.map(({ originatorId, originatorVersion }) =>
          toPlace(row(place, originatorId, originatorVersion)),
        ),
      ),
    );
  }

  async notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize = Number.MAX_SAFE_INTEGER,
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
    this.#use(
      () => inTransaction(this.#database, sql.beginWrite, () => this.#putSnapshots(snapshots)),
      'recording',
    );
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

  #use<T>(work: (statements: Statements) => T, activity: Activity = 'reading'): T {
    return this.#connection.use(activity, work);
  }

  /** Does the work in a transaction, and throws the conflict if the work is refused. */
  #change<T>(work: () => T): T {
    return this.#use(() => {
      try {
        return inTransaction(this.#database, sql.beginWrite, work);
      } catch (error) {
        throw error instanceof Refusal ? error.explain() : error;
      }
    }, 'recording');
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

/** Thrown to roll a transaction back. The conflict is then explained from the recorded rows. */
class Refusal extends Error {
  readonly explain: () => Error;

  constructor(explain: () => Error) {
    super();
    this.explain = explain;
  }
}
