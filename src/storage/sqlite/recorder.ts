import type { DatabaseSync } from 'node:sqlite';
import { PositionConflictError, RecordConflictError } from '../errors.ts';
import type { EventKey, History, HistoryRequest, ProcessEvent, Recorder, Tracking } from '../recorder.ts';
import { dependenciesText } from '../sql/dependency-column.ts';
import { toEvent, toNotification } from '../sql/rows.ts';
import type { LogPlace, StoredEvent, StoredNotification, StoredSnapshot } from '../stored-event.ts';
import { type DatabaseFile, explained, siteError } from './errors.ts';
import { prepare, type Row, row, rows, type Statements, sql } from './statements.ts';
import { inTransaction } from './transaction.ts';

/** A recorder of one SQLite file; other recorders, threads and processes may use the same file. */
export class SqliteRecorder implements Recorder {
  readonly #site: DatabaseFile;
  readonly #database: DatabaseSync;
  readonly #statements: Statements;

  /** Takes over an open database that has the tables, and closes it in the end. */
  constructor(site: DatabaseFile, database: DatabaseSync) {
    this.#site = site;
    this.#database = database;
    this.#statements = prepare(database);
  }

  async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    if (processEvents.every(isEmpty)) return this.head(pipelineId);
    return this.#use(() => {
      try {
        return inTransaction(this.#database, sql.beginWrite, () => this.#write(pipelineId, processEvents));
      } catch (error) {
        throw error instanceof Refusal ? error.explain() : error;
      }
    });
  }

  async histories(requests: readonly HistoryRequest[]): Promise<readonly History[]> {
    // One transaction: all answers are of one moment, and the lock is taken once.
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
  ): Promise<readonly StoredNotification[]> {
    return this.#use(({ notifications }) =>
      rows(notifications, pipelineId, after, limit).map(toNotification),
    );
  }

  async head(pipelineId: number): Promise<number> {
    return this.#use(({ head }) => Number(row(head, pipelineId)?.[0]));
  }

  async position(pipelineId: number, upstreamName: string): Promise<number> {
    return this.#use(({ position }) => Number(row(position, pipelineId, upstreamName)?.[0] ?? 0));
  }

  async recordSnapshots(snapshots: readonly StoredSnapshot[]): Promise<void> {
    this.#use(() => inTransaction(this.#database, sql.beginWrite, () => this.#putSnapshots(snapshots)));
  }

  async close(): Promise<void> {
    if (this.#database.isOpen) this.#database.close();
  }

  #use<T>(work: (statements: Statements) => T): T {
    if (!this.#database.isOpen) {
      throw siteError('STORAGE_CLOSED', this.#site, 'this recorder is closed. Open another one to go on.');
    }
    try {
      return work(this.#statements);
    } catch (error) {
      throw explained(error, this.#site);
    }
  }

  #write(pipelineId: number, processEvents: readonly ProcessEvent[]): number {
    const { head, movePosition } = this.#statements;
    let last = Number(row(head, pipelineId)?.[0]);
    for (const { events, snapshots, tracking } of processEvents) {
      for (const event of events) {
        last += 1;
        if (!this.#insert(pipelineId, last, event)) throw new Refusal(() => this.#recordConflict(event));
      }
      this.#putSnapshots(snapshots);
      if (tracking === undefined) continue;
      const { upstreamName, position, expected } = tracking;
      const { changes } = movePosition.run(pipelineId, upstreamName, position, expected);
      if (changes === 0) throw new Refusal(() => this.#positionConflict(pipelineId, tracking));
    }
    return last;
  }

  /** Whether it was the next version. */
  #insert(pipelineId: number, id: number, event: StoredEvent): boolean {
    const { insertEvent, insertDependent } = this.#statements;
    const { originatorId, originatorVersion, type, data, timestamp, dependencies } = event;
    const { changes } =
      dependencies === undefined
        ? insertEvent.run(pipelineId, id, originatorId, originatorVersion, type, data, timestamp)
        : insertDependent.run(
            pipelineId,
            id,
            originatorId,
            originatorVersion,
            type,
            data,
            timestamp,
            dependenciesText(dependencies),
          );
    return changes > 0;
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
    return new RecordConflictError(this.#site.applicationName, originatorId, originatorVersion, current);
  }

  #positionConflict(pipelineId: number, { upstreamName, expected }: Tracking): PositionConflictError {
    const actual = Number(row(this.#statements.position, pipelineId, upstreamName)?.[0] ?? 0);
    return new PositionConflictError(this.#site.applicationName, upstreamName, expected, actual);
  }
}

/** Ends a transaction that would break a rule; what is on record can only be told once it is rolled back. */
class Refusal extends Error {
  readonly explain: () => Error;

  constructor(explain: () => Error) {
    super();
    this.explain = explain;
  }
}

function isEmpty({ events, snapshots, tracking }: ProcessEvent): boolean {
  return events.length === 0 && snapshots.length === 0 && tracking === undefined;
}

function toPlace(found: Row | undefined): LogPlace | undefined {
  return found && { pipelineId: Number(found[0]), notificationId: Number(found[1]) };
}

function toSnapshot(originatorId: string, [originatorVersion, schema, state]: Row): StoredSnapshot {
  return { originatorId, originatorVersion, schema, state } as StoredSnapshot;
}
