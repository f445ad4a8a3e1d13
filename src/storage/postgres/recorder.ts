import type { Cause } from '../../domain/provenance.ts';
import { Mutex } from '../../util/mutex.ts';
import { retry } from '../../util/retry.ts';
import { PositionConflictError, StorageError } from '../errors.ts';
import {
  type EventKey,
  type History,
  type HistoryRequest,
  isEmpty,
  type ProcessEvent,
  type RecordedOperation,
  type RecordedPosition,
  type Recorder,
  type WriteLock,
} from '../recorder.ts';
import { bytesPerUnit } from '../sizes.ts';
import type { Activity } from '../sql/driver-error.ts';
import { toOperation, toPosition, typesText } from '../sql/position-rows.ts';
import { type Row, toCauses, toEvent, toNotification, toPlace, toSnapshot } from '../sql/rows.ts';
import { recorderClosed, storageError } from '../storage-location.ts';
import type { LogPlace, StoredEvent, StoredNotification, StoredSnapshot } from '../stored-event.ts';
import { appendValues, type PromptValues, snapshotColumns } from './append-values.ts';
import { Batch, distinctSnapshots, type RecordedState } from './batch.ts';
import type { Connections, OpenTransaction, Query } from './connection/connections.ts';
import { promptPrefix } from './connection/listener.ts';
import type { ServerRetry } from './connection/server-retry.ts';
import { effectsOf, explained, isConflict, isForeignRefusal } from './errors.ts';
import { type Statement, type Statements, sql, statementsFor } from './statements.ts';
import type { ApplicationTables } from './tables.ts';

export interface PostgresRecorderOptions {
  readonly tables: ApplicationTables;
  readonly connections: Connections;
  readonly serverRetry: ServerRetry;
  readonly channel: string;
  /** Id in the prompts of this recorder, by which listeners of the same storage ignore them. */
  readonly writerId: string;
}

/** A batch that is being recorded. */
interface Attempt {
  readonly batch: Batch;
  readonly values: readonly unknown[];
  /** Whether the outcome of a try is unknown, so that the batch may already be recorded. */
  uncertain: boolean;
  /** The last error that may be due to a conflict. */
  refusedBy: unknown;
}

const largestInteger = 0x7fffffff;
/** Largest number of refusals of a statement for which no conflict is found. */
const maxRefusals = 20;
const refusalBackoff = { firstMs: 2, maxMs: 100 };

/** Records in the tables of one application, which recorders on other hosts may use at the same time. */
export class PostgresRecorder implements Recorder {
  readonly #options: PostgresRecorderOptions;
  readonly #statements: Statements;
  /** Records calls in their order. */
  readonly #writes = new Mutex();
  #closed = false;

  constructor(options: PostgresRecorderOptions) {
    this.#options = options;
    this.#statements = statementsFor(options.tables);
  }

  async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    if (processEvents.every(isEmpty)) return this.head(pipelineId);
    this.#assertOpen();
    const batch = new Batch(pipelineId, processEvents);
    return this.#writes.run(() => this.#record(batch));
  }

  async lock(): Promise<WriteLock> {
    this.#assertOpen();
    const { connections, serverRetry, tables } = this.#options;
    const transaction = await serverRetry.run(tables, 'reading', async () => {
      const begun = await connections.begin();
      try {
        await begun.query(sql.idleTimeout);
        await begun.query(this.#statements.lockLogs);
        return begun;
      } catch (error) {
        await begun.rollBack();
        throw error;
      }
    });
    return {
      record: (pipelineId, processEvents) =>
        this.#recordIn(transaction, this.#attemptOf(new Batch(pipelineId, processEvents))),
      release: () => transaction.rollBack(),
    };
  }

  async histories(requests: readonly HistoryRequest[], maxSize?: number): Promise<readonly History[]> {
    this.#assertOpen();
    if (requests.length === 0) return [];
    const values: unknown[] = [
      requests.map(({ originatorId }) => originatorId),
      requests.map(({ after }) => Math.min(after, largestInteger)),
      requests.map(({ upTo = largestInteger }) => Math.min(upTo, largestInteger)),
      requests.map(({ useSnapshot }) => useSnapshot),
    ];
    const { histories, historiesUpTo } = this.#statements;
    const isBounded = maxSize !== undefined && requests.length > 1; // a single history is read in any case
    const rows = isBounded
      ? await this.#run(historiesUpTo, [...values, maxSize])
      : await this.#run(histories, values);
    return historiesIn(rows, requests, isBounded ? maxSize : Infinity);
  }

  async locate(keys: readonly EventKey[]): Promise<readonly (LogPlace | undefined)[]> {
    this.#assertOpen();
    if (keys.length === 0) return [];
    const rows = await this.#run(this.#statements.places, [
      keys.map(({ originatorId }) => originatorId),
      keys.map(({ originatorVersion }) => originatorVersion),
    ]);
    return rows.map(toPlace);
  }

  async notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize: number = Number.MAX_SAFE_INTEGER,
  ): Promise<readonly StoredNotification[]> {
    const rows = await this.#run(this.#statements.notifications, [pipelineId, after, limit, maxSize]);
    return rows.map((row) => toNotification(row, { storage: this.#options.tables, pipelineId }));
  }

  async causes(pipelineId: number, after: number, limit: number): Promise<readonly (Cause | undefined)[]> {
    const rows = await this.#run(this.#statements.causes, [pipelineId, after, limit]);
    return toCauses(rows, { after, limit }, { storage: this.#options.tables, pipelineId });
  }

  async head(pipelineId: number): Promise<number> {
    const [row] = await this.#run(this.#statements.head, [pipelineId]);
    return Number(row?.[0]);
  }

  async position(pipelineId: number, upstreamName: string): Promise<RecordedPosition> {
    const [row = []] = await this.#run(this.#statements.positions, [pipelineId, [upstreamName]]);
    return toPosition(row, this.#options.tables);
  }

  async logs(): Promise<readonly LogPlace[]> {
    const rows = await this.#run(this.#statements.logs, []);
    return rows.map(([pipelineId, head]) => ({
      pipelineId: Number(pipelineId),
      notificationId: Number(head),
    }));
  }

  async positions(): Promise<readonly RecordedPosition[]> {
    const rows = await this.#run(this.#statements.allPositions, []);
    return rows.map((row) => toPosition(row, this.#options.tables));
  }

  async recordHandledTypes(
    pipelineId: number,
    upstreamName: string,
    expectedVersion: number,
    types: readonly string[],
  ): Promise<number> {
    const values = [pipelineId, upstreamName, expectedVersion, typesText(types)];
    const [row] = await this.#writes.run(() => this.#run(this.#statements.setTypes, values));
    if (row !== undefined) return Number(row[0]);
    const actual = await this.position(pipelineId, upstreamName);
    const expected = { position: actual.position, typesVersion: expectedVersion };
    throw new PositionConflictError(this.#options.tables.applicationName, upstreamName, expected, actual);
  }

  async operations(after: number, limit: number): Promise<readonly RecordedOperation[]> {
    const rows = await this.#run(this.#statements.operations, [after, limit]);
    return rows.map(toOperation);
  }

  async recordSnapshots(snapshots: readonly StoredSnapshot[]): Promise<void> {
    this.#assertOpen();
    if (snapshots.length === 0) return;
    await this.#run(
      this.#statements.putSnapshots,
      snapshotColumns(distinctSnapshots(snapshots)),
      'recording',
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#writes.run(async () => {});
  }

  #assertOpen(): void {
    if (this.#closed) throw recorderClosed(this.#options.tables);
  }

  /** Runs an idempotent statement. */
  #run(
    statement: Statement,
    values: readonly unknown[],
    activity: Activity = 'reading',
  ): Promise<readonly Row[]> {
    this.#assertOpen();
    const { connections, serverRetry, tables } = this.#options;
    return serverRetry.run(tables, activity, () => connections.query(statement, values));
  }

  /**
   * Tries until the batch is recorded or conflicts. If the outcome of a try is unknown, as when the connection breaks
   * before the answer, another try follows. That try is refused if the first one has recorded the batch or records it
   * later; the recorded commit id then identifies this call.
   */
  async #record(batch: Batch): Promise<number> {
    const { tables } = this.#options;
    const attempt = this.#attemptOf(batch);
    let refusal: StorageError | undefined;
    const work = async () => {
      const head = batch.isConsistent ? await this.#append(attempt) : undefined;
      const recorded = head ?? (await this.#explainRefusal(attempt));
      if (recorded !== undefined) return recorded;
      if (isForeignRefusal(attempt.refusedBy)) throw explained(attempt.refusedBy, tables, 'recording');
      refusal = tooManyWriters(tables);
      throw refusal;
    };
    try {
      return await retry(work, {
        backoff: refusalBackoff,
        maxTries: maxRefusals,
        isTransient: (error) => error === refusal,
      });
    } catch (error) {
      throw attempt.uncertain && error instanceof StorageError ? outcomeUnknown(tables, error) : error;
    }
  }

  #attemptOf(batch: Batch): Attempt {
    const { tables, channel, writerId } = this.#options;
    const prefix = promptPrefix(writerId, tables.applicationName, batch.pipelineId);
    return attemptOf(batch, [channel, prefix], tables);
  }

  /** Records a batch. Returns the id of its last notification, or undefined if the statement was refused. */
  #append(attempt: Attempt): Promise<number | undefined> {
    const { serverRetry, tables, connections } = this.#options;
    const send = (query: Query) => this.#send(query, attempt);
    const activity = () => (attempt.uncertain ? 'reading' : 'recording');
    // Waiting for a connection leaves the outcome certain.
    return serverRetry.run(tables, activity, () => connections.use(send));
  }

  async #send(query: Query, attempt: Attempt): Promise<number | undefined> {
    try {
      const [row] = await query(this.#statements.append[attempt.batch.shape], attempt.values);
      return row && Number(row[0]);
    } catch (error) {
      if (effectsOf(error).commit === 'unknown') attempt.uncertain = true;
      else if (isConflict(error)) {
        attempt.refusedBy = error;
        return undefined;
      }
      throw error;
    }
  }

  /** Records a batch in the transaction that holds the write lock, and ends it. */
  async #recordIn(transaction: OpenTransaction, attempt: Attempt): Promise<number> {
    const { tables } = this.#options;
    try {
      const head = attempt.batch.isConsistent ? await this.#send(transaction.query, attempt) : undefined;
      if (head !== undefined) {
        attempt.uncertain = true;
        await transaction.commit();
        return head;
      }
    } catch (thrown) {
      await transaction.rollBack();
      const error = explained(thrown, tables, 'recording');
      throw attempt.uncertain && error instanceof StorageError ? outcomeUnknown(tables, error) : error;
    }
    await transaction.rollBack();
    await this.#explainRefusal(attempt);
    throw isForeignRefusal(attempt.refusedBy)
      ? explained(attempt.refusedBy, tables, 'recording')
      : tooManyWriters(tables);
  }

  /**
   * Explains why a batch was refused. Returns the head of the log if an earlier try recorded the batch, and undefined
   * if there is no conflict by then. Throws the conflict.
   */
  async #explainRefusal({ batch, uncertain }: Attempt): Promise<number | undefined> {
    if (uncertain) {
      const last = await this.#lastRecorded(batch);
      if (last !== undefined) return last;
      if (await this.#isOperated(batch)) return this.head(batch.pipelineId);
    }
    const recorded = await this.#recordedState(batch);
    // Without events and operations, it does not matter which call has moved the positions.
    const isPosition = batch.events.length === 0 && batch.operations.length === 0;
    if (uncertain && isPosition && batch.isReached(recorded)) return this.head(batch.pipelineId);
    const conflict = batch.conflictWith(recorded, this.#options.tables.applicationName);
    if (conflict !== undefined) throw conflict;
    return undefined;
  }

  /** Returns the notification id of the batch's last event if this batch is recorded. */
  async #lastRecorded({ events, commitId }: Batch): Promise<number | undefined> {
    const [first] = events;
    if (first === undefined) return undefined;
    const { originatorId, originatorVersion } = first;
    const [row] = await this.#run(this.#statements.committed, [originatorId, originatorVersion, commitId]);
    return row && Number(row[0]) + events.length - 1;
  }

  /** Returns whether the batch has operations that are recorded. */
  async #isOperated({ operations, commitId }: Batch): Promise<boolean> {
    if (operations.length === 0) return false;
    return (await this.#run(this.#statements.operated, [commitId])).length > 0;
  }

  async #recordedState({ pipelineId, firsts, trackings }: Batch): Promise<RecordedState> {
    const ids = firsts.map(({ originatorId }) => originatorId);
    const names = trackings.map(({ upstreamName }) => upstreamName);
    const versions = await this.#run(this.#statements.newestVersions, [ids]);
    const positions = await this.#run(this.#statements.positions, [pipelineId, names]);
    return {
      versions: new Map(ids.map((id, i) => [id, Number(versions[i]?.[0])])),
      positions: new Map(positions.map((row) => [String(row[1]), toPosition(row, this.#options.tables)])),
    };
  }
}

/** @throws {@link StorageError} STORAGE_REFUSED if the values are too large for a statement. */
function attemptOf(batch: Batch, prompt: PromptValues, tables: ApplicationTables): Attempt {
  try {
    return { batch, values: appendValues(batch, prompt), uncertain: false, refusedBy: undefined };
  } catch (error) {
    throw explained(error, tables, 'recording');
  }
}

function tooManyWriters(tables: ApplicationTables): StorageError {
  const reason = `too many concurrent writers: the commit was refused ${maxRefusals} times. Try again.`;
  return storageError('STORAGE_BUSY', tables, reason);
}

function outcomeUnknown(tables: ApplicationTables, cause: StorageError): StorageError {
  const reason =
    'the connection broke before the server confirmed the commit, and could not be restored in time. ' +
    'The events are recorded as a whole or not at all: get the aggregates again to find out.';
  return storageError('STORAGE_OUTCOME_UNKNOWN', tables, reason, { cause });
}

/** Returns the histories in rows, up to the last one with rows if the size of the rows may have reached `maxSize`. */
function historiesIn(
  rows: readonly Row[],
  requests: readonly HistoryRequest[],
  maxSize: number,
): readonly History[] {
  const histories = requests.map((): { snapshot: StoredSnapshot | undefined; events: StoredEvent[] } => ({
    snapshot: undefined,
    events: [],
  }));
  let size = 0;
  for (const [number = 0, place, ...row] of rows) {
    const index = Number(number) - 1;
    const history = histories[index];
    const originatorId = requests[index]?.originatorId ?? '';
    size += String(row[2]).length;
    if (place !== 0) history?.events.push(toEvent(originatorId, row));
    else if (history !== undefined) history.snapshot = snapshotIn(originatorId, row);
  }
  return size * bytesPerUnit < maxSize ? histories : histories.slice(0, Number(rows.at(-1)?.[0]));
}

/** Columns: originatorVersion, type, state, schema. */
function snapshotIn(originatorId: string, [version = 0, , state = '', schema = 0]: Row): StoredSnapshot {
  return toSnapshot(originatorId, [version, schema, state]);
}
