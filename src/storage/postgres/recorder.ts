import { Mutex } from '../../util/mutex.ts';
import { backOff } from '../../util/retry.ts';
import { StorageError } from '../errors.ts';
import type { EventKey, History, HistoryRequest, ProcessEvent, Recorder, Tracking } from '../recorder.ts';
import { dependenciesText } from '../sql/dependency-column.ts';
import { toEvent, toNotification } from '../sql/rows.ts';
import type { LogPlace, StoredEvent, StoredNotification, StoredSnapshot } from '../stored-event.ts';
import { Batch, distinctSnapshots, type RecordedState } from './batch.ts';
import type { Connections, Query } from './connection/connections.ts';
import { promptPrefix } from './connection/listener.ts';
import type { Retry } from './connection/retry.ts';
import { isAnswer, siteError, sqlState } from './errors.ts';
import { type Row, type Statement, type Statements, statementsFor } from './statements.ts';
import type { ApplicationTables } from './tables.ts';

/** What a recorder works with. */
export interface PostgresRecorderOptions {
  readonly tables: ApplicationTables;
  readonly connections: Connections;
  readonly retry: Retry;
  readonly channel: string;
  /** Who records: its own listener need not be told. */
  readonly writerId: string;
}

/** One batch on its way to being recorded. */
interface Attempt {
  readonly batch: Batch;
  readonly values: readonly unknown[];
  /** Whether a try may have recorded it without our knowing. */
  uncertain: boolean;
}

const largestInteger = 0x7fffffff;
const conflicting: readonly unknown[] = ['23505', '23502']; // unique_violation, not_null_violation: see the statement
/** How often a statement may be refused although nothing is in its way any more. */
const maxRefusals = 20;
const refusalBackoff = { firstMs: 2, maxMs: 100 };

/** A recorder of one application's tables; others, on any host, may use the same. */
export class PostgresRecorder implements Recorder {
  readonly #options: PostgresRecorderOptions;
  readonly #statements: Statements;
  /** Calls are recorded in their order. */
  readonly #writes = new Mutex();
  #closed = false;

  constructor(options: PostgresRecorderOptions) {
    this.#options = options;
    this.#statements = statementsFor(options.tables);
  }

  async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    const batch = new Batch(processEvents);
    if (batch.isEmpty) return this.head(pipelineId);
    this.#assertOpen();
    return this.#writes.run(() => this.#record(pipelineId, batch));
  }

  async histories(requests: readonly HistoryRequest[]): Promise<readonly History[]> {
    this.#assertOpen();
    if (requests.length === 0) return [];
    const rows = await this.#read(this.#statements.histories, [
      requests.map(({ originatorId }) => originatorId),
      requests.map(({ after }) => Math.min(after, largestInteger)),
      requests.map(({ upTo = largestInteger }) => Math.min(upTo, largestInteger)),
      requests.map(({ useSnapshot }) => useSnapshot),
    ]);
    const histories = requests.map((): { snapshot: StoredSnapshot | undefined; events: StoredEvent[] } => ({
      snapshot: undefined,
      events: [],
    }));
    for (const [number, place, ...row] of rows) {
      const index = Number(number) - 1;
      const history = histories[index];
      const originatorId = requests[index]?.originatorId ?? '';
      if (place === 0 && history !== undefined) history.snapshot = toSnapshot(originatorId, row);
      else history?.events.push(toEvent(originatorId, row));
    }
    return histories;
  }

  async locate(keys: readonly EventKey[]): Promise<readonly (LogPlace | undefined)[]> {
    this.#assertOpen();
    if (keys.length === 0) return [];
    const rows = await this.#read(this.#statements.places, [
      keys.map(({ originatorId }) => originatorId),
      keys.map(({ originatorVersion }) => originatorVersion),
    ]);
    return rows.map(toPlace);
  }

  async notifications(
    pipelineId: number,
    after: number,
    limit: number,
  ): Promise<readonly StoredNotification[]> {
    const rows = await this.#read(this.#statements.notifications, [pipelineId, after, limit]);
    return rows.map(toNotification);
  }

  async head(pipelineId: number): Promise<number> {
    const [row] = await this.#read(this.#statements.head, [pipelineId]);
    return Number(row?.[0]);
  }

  async position(pipelineId: number, upstreamName: string): Promise<number> {
    const [row] = await this.#read(this.#statements.positions, [pipelineId, [upstreamName]]);
    return Number(row?.[0]);
  }

  async recordSnapshots(snapshots: readonly StoredSnapshot[]): Promise<void> {
    this.#assertOpen();
    if (snapshots.length === 0) return;
    await this.#read(this.#statements.putSnapshots, columnsOf(distinctSnapshots(snapshots)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#writes.run(async () => {});
  }

  #assertOpen(): void {
    if (!this.#closed) return;
    const reason = 'this recorder is closed. Open another one to go on.';
    throw siteError('STORAGE_CLOSED', this.#options.tables, reason);
  }

  /** Asks what may be asked again at will. */
  #read(statement: Statement, values: readonly unknown[]): Promise<readonly Row[]> {
    this.#assertOpen();
    const { connections, retry, tables } = this.#options;
    return retry.run(tables, () => connections.query(statement, values));
  }

  /**
   * Tries until it is recorded or certain that it cannot be. A try whose outcome is unknown, as when the
   * connection breaks before the answer, is followed by another: if the first one was recorded after all, or still
   * will be, the second is refused, and the commit id on record tells whose events they are.
   */
  async #record(pipelineId: number, batch: Batch): Promise<number> {
    const attempt: Attempt = { batch, values: this.#valuesOf(pipelineId, batch), uncertain: false };
    try {
      for (let refusals = 1; refusals <= maxRefusals; refusals += 1) {
        const head = batch.isConsistent ? await this.#append(attempt) : undefined;
        const recorded = head ?? (await this.#explained(pipelineId, attempt));
        if (recorded !== undefined) return recorded;
        await backOff(refusals, refusalBackoff);
      }
      throw siteError('STORAGE_BUSY', this.#options.tables, 'others kept getting in the way.');
    } catch (error) {
      throw attempt.uncertain && error instanceof StorageError
        ? outcomeUnknown(this.#options.tables, error)
        : error;
    }
  }

  /** The id of the last notification recorded, or undefined if the statement was refused. */
  #append(attempt: Attempt): Promise<number | undefined> {
    const { retry, tables, connections } = this.#options;
    const send = async (query: Query) => {
      try {
        const [row] = await query(this.#statements.append[attempt.batch.shape], attempt.values);
        return row && Number(row[0]);
      } catch (error) {
        if (isAnswer(error) && conflicting.includes(sqlState(error))) return undefined;
        attempt.uncertain ||= !isAnswer(error);
        throw error;
      }
    };
    return retry.run(tables, () => connections.use(send)); // without a connection, nothing is sent
  }

  /**
   * What became of a batch that was refused: the head of the log if an earlier try recorded it, undefined if nothing
   * is in its way any more. Throws the conflict.
   */
  async #explained(pipelineId: number, { batch, uncertain }: Attempt): Promise<number | undefined> {
    if (uncertain) {
      const last = await this.#lastRecorded(batch);
      if (last !== undefined) return last;
    }
    const standing = await this.#standingOf(pipelineId, batch);
    // Without events, whoever has moved the positions there has done the same.
    if (uncertain && batch.events.length === 0 && batch.isReached(standing)) return this.head(pipelineId);
    const conflict = batch.conflictWith(standing, this.#options.tables.applicationName);
    if (conflict !== undefined) throw conflict;
    return undefined;
  }

  /** The notification id of the batch's last event, if it is this batch that is on record. */
  async #lastRecorded({ events, commitId }: Batch): Promise<number | undefined> {
    const [first] = events;
    if (first === undefined) return undefined;
    const { originatorId, originatorVersion } = first;
    const [row] = await this.#read(this.#statements.committed, [originatorId, originatorVersion, commitId]);
    return row && Number(row[0]) + events.length - 1;
  }

  async #standingOf(pipelineId: number, { firsts, trackings }: Batch): Promise<RecordedState> {
    const ids = firsts.map(({ originatorId }) => originatorId);
    const names = trackings.map(({ upstreamName }) => upstreamName);
    const versions = await this.#read(this.#statements.newestVersions, [ids]);
    const positions = await this.#read(this.#statements.positions, [pipelineId, names]);
    return {
      versions: new Map(ids.map((id, i) => [id, Number(versions[i]?.[0])])),
      positions: new Map(names.map((name, i) => [name, Number(positions[i]?.[0])])),
    };
  }

  #valuesOf(pipelineId: number, batch: Batch): readonly unknown[] {
    const { events, firsts, trackings, snapshots, commitId, shape } = batch;
    const { channel, writerId, tables } = this.#options;
    const prompt = [channel, promptPrefix(writerId, tables.applicationName, pipelineId)];
    if (shape === 'single') {
      return [
        pipelineId,
        commitId,
        ...events.flatMap(eventValues),
        ...trackings.flatMap(trackingValues),
        ...prompt,
      ];
    }
    const before = firsts.filter(({ originatorVersion }) => originatorVersion > 1);
    const values = [
      pipelineId,
      commitId,
      events.map(({ originatorId }) => originatorId),
      events.map(({ originatorVersion }) => originatorVersion),
      events.map(({ type }) => type),
      events.map(({ data }) => data),
      events.map(({ timestamp }) => timestamp),
      before.map(({ originatorId }) => originatorId),
      before.map(({ originatorVersion }) => originatorVersion - 1),
      ...prompt,
    ];
    if (shape === 'events') return values;
    const moves = [
      trackings.map(({ upstreamName }) => upstreamName),
      trackings.map(({ expected }) => expected),
      trackings.map(({ position }) => position),
    ];
    if (shape === 'next') return [...values, ...moves.flat()];
    const dependencies = events.map((event) => dependenciesText(event.dependencies));
    return [...values, ...moves, ...columnsOf(snapshots), dependencies];
  }
}

function outcomeUnknown(tables: ApplicationTables, cause: StorageError): StorageError {
  const reason =
    'the connection broke before it was known whether the events are recorded, and could not be made again in time. ' +
    'They are recorded as a whole or not at all: get the aggregates again to see which.';
  return siteError('STORAGE_OUTCOME_UNKNOWN', tables, reason, { cause });
}

function columnsOf(snapshots: readonly StoredSnapshot[]): readonly unknown[] {
  return [
    snapshots.map(({ originatorId }) => originatorId),
    snapshots.map(({ originatorVersion }) => originatorVersion),
    snapshots.map(({ schema }) => schema),
    snapshots.map(({ state }) => state),
  ];
}

function eventValues({ originatorId, originatorVersion, type, data, timestamp }: StoredEvent): unknown[] {
  return [originatorId, originatorVersion, type, data, timestamp];
}

function trackingValues({ upstreamName, expected, position }: Tracking): unknown[] {
  return [upstreamName, expected, position];
}

function toPlace([pipelineId, notificationId]: Row): LogPlace | undefined {
  return pipelineId === null
    ? undefined
    : { pipelineId: Number(pipelineId), notificationId: Number(notificationId) };
}

function toSnapshot(originatorId: string, [originatorVersion, , state, schema]: Row): StoredSnapshot {
  return { originatorId, originatorVersion, schema, state } as StoredSnapshot;
}
