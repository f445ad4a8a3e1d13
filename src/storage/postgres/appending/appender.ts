import { retry } from '../../../util/retry.ts';
import { StorageError } from '../../errors.ts';
import { parkedKey } from '../../parked.ts';
import { toPosition } from '../../sql/position-rows.ts';
import type { Row } from '../../sql/rows.ts';
import { storageError } from '../../storage-location.ts';
import type { Connections, OpenTransaction, Query } from '../connection/connections.ts';
import { promptPrefix } from '../connection/listener.ts';
import type { ServerRetry } from '../connection/server-retry.ts';
import { effectsOf, explained, isConflict, isForeignRefusal, outcomeUnknown } from '../errors.ts';
import type { Statement, Statements } from '../statements.ts';
import type { ApplicationTables } from '../tables.ts';
import { appendValues, type PromptValues } from './append-values.ts';
import type { Batch, RecordedState } from './batch.ts';

export interface AppenderOptions {
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

/** Largest number of refusals of a statement for which no conflict is found. */
const maxRefusals = 20;
const unknownAdvice =
  'The events are recorded as a whole or not at all: get the aggregates again to find out.';
const refusalBackoff = { firstMs: 2, maxMs: 100 };

/** Runs an idempotent statement. */
type Read = (statement: Statement, values: readonly unknown[]) => Promise<readonly Row[]>;

/** Appends batches to the logs of one application. */
export class Appender {
  readonly #options: AppenderOptions;
  readonly #statements: Statements;
  readonly #run: Read;

  constructor(options: AppenderOptions, statements: Statements, run: Read) {
    this.#options = options;
    this.#statements = statements;
    this.#run = run;
  }

  /**
   * Tries until the batch is recorded or conflicts. If the outcome of a try is unknown, as when the connection breaks
   * before the answer, another try follows. That try is refused if the first one has recorded the batch or records it
   * later; the recorded commit id then identifies this call.
   */
  async append(batch: Batch): Promise<number> {
    const { tables } = this.#options;
    const attempt = this.#attemptOf(batch);
    let refusal: StorageError | undefined;
    const work = async () => {
      const head = batch.isConsistent ? await this.#sendRetrying(attempt) : undefined;
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
      throw attempt.uncertain && error instanceof StorageError
        ? outcomeUnknown(tables, unknownAdvice, error)
        : error;
    }
  }

  #attemptOf(batch: Batch): Attempt {
    const { tables, channel, writerId } = this.#options;
    const prefix = promptPrefix(writerId, tables.applicationName, batch.pipelineId);
    return attemptOf(batch, [channel, prefix], tables);
  }

  /** Sends a batch. Returns the id of its last notification, or undefined if the statement was refused. */
  #sendRetrying(attempt: Attempt): Promise<number | undefined> {
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
  async appendIn(transaction: OpenTransaction, batch: Batch): Promise<number> {
    const { tables } = this.#options;
    const attempt = this.#attemptOf(batch);
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
      // A deferred constraint, for example, refuses the commit for certain.
      throw attempt.uncertain && effectsOf(thrown).commit === 'unknown' && error instanceof StorageError
        ? outcomeUnknown(tables, unknownAdvice, error)
        : error;
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
      const head = await this.#recordedHead(batch);
      if (head !== undefined) return head;
    }
    const recorded = await this.#recordedState(batch);
    if (uncertain && batch.isReachedBy(recorded)) return this.#head(batch.pipelineId);
    const conflict = batch.conflictWith(recorded, this.#options.tables.applicationName);
    if (conflict === undefined) return undefined;
    throw uncertain && batch.onlyParks ? parkedAgain(this.#options.tables, conflict) : conflict;
  }

  /** Returns the head of the log after the batch if the batch is recorded; undefined if it is not. */
  async #recordedHead(batch: Batch): Promise<number | undefined> {
    const [row] = await this.#recordedRows(batch);
    if (row === undefined) return undefined;
    const id = Number(row[0]);
    return id > 0 ? id : this.#head(batch.pipelineId);
  }

  /** Returns the id of the batch's last event in a row, or 0 if it has no event; no row if the batch is not recorded. */
  async #recordedRows(batch: Batch): Promise<readonly Row[]> {
    const { pipelineId, events, commands, operations, parked, commitId } = batch;
    const { committed, keyed, operated, parkedBy } = this.#statements;
    const [command] = commands;
    const change = parked.find(({ content }) => content !== undefined);
    const event = events.findLast(({ notifiable }) => notifiable !== false) ?? events[0];
    if (event !== undefined)
      return this.#run(committed, [event.originatorId, event.originatorVersion, commitId]);
    if (command !== undefined) return this.#run(keyed, [command.key, commitId]);
    if (operations.length > 0) return this.#run(operated, [commitId]);
    if (change === undefined) return [];
    return this.#run(parkedBy, [pipelineId, change.upstreamName, change.notificationId, commitId]);
  }

  async #recordedState({ pipelineId, firsts, trackings, commands, parked }: Batch): Promise<RecordedState> {
    const ids = firsts.map(({ originatorId }) => originatorId);
    const names = trackings.map(({ upstreamName }) => upstreamName);
    const versions = await this.#run(this.#statements.newestVersions, [ids]);
    const positions = await this.#run(this.#statements.positions, [pipelineId, names]);
    const keys =
      commands.length > 0 ? await this.#run(this.#statements.keys, [commands.map(({ key }) => key)]) : [];
    const changed = [parked.map((one) => one.upstreamName), parked.map((one) => one.notificationId)];
    const revisions =
      parked.length > 0 ? await this.#run(this.#statements.revisions, [pipelineId, ...changed]) : [];
    return {
      versions: new Map(ids.map((id, i) => [id, Number(versions[i]?.[0])])),
      positions: new Map(positions.map((row) => [String(row[1]), toPosition(row, this.#options.tables)])),
      keys: keys.map(([key]) => String(key)),
      revisions: new Map(
        revisions.map(([upstreamName, notificationId, revision]) => [
          parkedKey({ upstreamName: String(upstreamName), notificationId: Number(notificationId) }),
          Number(revision),
        ]),
      ),
    };
  }

  async #head(pipelineId: number): Promise<number> {
    const [row] = await this.#run(this.#statements.head, [pipelineId]);
    return Number(row?.[0]);
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

/** Creates the error for a call that left no trace but parked notifications, which another writer may have changed since. */
function parkedAgain(tables: ApplicationTables, cause: unknown): StorageError {
  const reason = 'another writer may have changed what it parked. Read the parked notifications again.';
  return storageError('STORAGE_BUSY', tables, reason, { cause });
}

function tooManyWriters(tables: ApplicationTables): StorageError {
  const reason = `too many concurrent writers: the commit was refused ${maxRefusals} times. Try again.`;
  return storageError('STORAGE_BUSY', tables, reason);
}
