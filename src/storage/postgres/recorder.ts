import type { Cause } from '../../domain/provenance.ts';
import { Mutex } from '../../util/mutex.ts';
import { PositionConflictError } from '../errors.ts';
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
import { bytesPerUnit } from '../sizes.ts';
import { toCommand } from '../sql/command-rows.ts';
import type { Activity } from '../sql/driver-error.ts';
import { toParked, toParkedCount } from '../sql/parked-rows.ts';
import { toOperation, toPosition, typesText } from '../sql/position-rows.ts';
import {
  type Row,
  toCauses,
  toEvent,
  toNotification,
  toPlace,
  toSnapshot,
  toTypeCounts,
} from '../sql/rows.ts';
import { recorderClosed } from '../storage-location.ts';
import type { LogPlace, StoredEvent, StoredNotification, StoredSnapshot } from '../stored-event.ts';
import { snapshotColumns } from './appending/append-values.ts';
import { Appender, type AppenderOptions } from './appending/appender.ts';
import { Batch, distinctSnapshots } from './appending/batch.ts';
import { assertPostgresRows } from './rows/postgres-rows.ts';
import { RowReader } from './rows/row-reader.ts';
import { type Statement, type Statements, sql, statementsFor } from './statements.ts';
import { PostgresWriteLock } from './write-lock.ts';

const largestInteger = 0x7fffffff;

/** Records in the tables of one application, which recorders on other hosts may use at the same time. */
export class PostgresRecorder implements Recorder {
  readonly #options: AppenderOptions;
  readonly #statements: Statements;
  readonly #appender: Appender;
  /** Records calls in their order. */
  readonly #writes = new Mutex();
  /** The write lock, until it is used or released. */
  #held: WriteLock | undefined;
  #closed = false;
  /** Missing if the pool has a single connection, without which the holder of the lock could not read. */
  readonly lock?: () => Promise<WriteLock>;

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.#statements = statementsFor(options.tables);
    this.#appender = new Appender(options, this.#statements, (statement, values) =>
      this.#run(statement, values),
    );
    if (options.connections.canHoldTransaction) this.lock = () => this.#lock();
  }

  rows(kind: RowsKind): RecordedRows {
    const { tables, connections, serverRetry } = this.#options;
    assertPostgresRows(kind, tables, connections.canHoldTransaction);
    return new RowReader(connections, serverRetry, tables, () => this.#assertOpen());
  }

  async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    if (processEvents.every(isEmpty)) return this.head(pipelineId);
    this.#assertOpen();
    const batch = new Batch(pipelineId, processEvents);
    return this.#writes.run(() => this.#appender.append(batch));
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

  async countTypes(pipelineId: number, after: number, limit: number): Promise<TypeCounts> {
    return toTypeCounts(await this.#run(this.#statements.countTypes, [pipelineId, after, limit]));
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

  async command(key: string): Promise<StoredCommand | undefined> {
    const [row] = await this.#run(this.#statements.command, [key]);
    return toCommand(row);
  }

  async deleteCommands(before: number, limit: number): Promise<number> {
    const [row] = await this.#run(this.#statements.deleteCommands, [before, limit], 'recording');
    return Number(row?.[0]);
  }

  async parked(request: ParkedRequest): Promise<readonly ParkedNotification[]> {
    const { pipelineId, after, limit, upstreamName = null, isDue } = request;
    const values = [pipelineId, after, limit, upstreamName];
    const { parked, parkedByDue } = this.#statements;
    const rows =
      isDue === undefined
        ? await this.#run(parked, values)
        : await this.#run(parkedByDue, [...values, isDue]);
    return rows.map(toParked);
  }

  async countParked(): Promise<readonly ParkedCount[]> {
    return (await this.#run(this.#statements.countParked, [])).map(toParkedCount);
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
    await this.#held?.release();
    await this.#writes.run(async () => {});
  }

  async #lock(): Promise<WriteLock> {
    const free = await this.#writes.acquire(); // other calls of this recorder wait without a connection
    try {
      this.#assertOpen();
      const { connections, serverRetry, tables } = this.#options;
      const begin = () => connections.begin(sql.idleTimeout, this.#statements.lockLogs);
      const transaction = await serverRetry.run(tables, 'reading', begin);
      const lock = new PostgresWriteLock({
        transaction,
        tables,
        appender: this.#appender,
        recordUnlocked: (...call) => this.record(...call),
        ended: () => {
          this.#held = undefined;
        },
        free,
      });
      this.#held = lock;
      if (this.#closed) await lock.release();
      this.#assertOpen();
      return lock;
    } catch (error) {
      free();
      throw error;
    }
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
