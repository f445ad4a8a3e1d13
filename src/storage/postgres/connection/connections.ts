import { inRootContext } from '../../../util/environment/root-context.ts';
import { Mutex } from '../../../util/mutex.ts';
import type { Row } from '../../sql/rows.ts';
import type { DriverQuery, PostgresClient, PostgresPool, UserQuery } from '../driver-types.ts';
import { effectsOf, StandbyError, storageCode } from '../errors.ts';
import { type Statement, sql } from '../statements.ts';

/** Runs one statement and returns its rows. */
export type Query = (statement: Statement, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** A transaction on a connection of its own. */
export interface OpenTransaction {
  readonly query: Query;
  /** Sends a statement of a user at once, and resolves with the result of the driver. */
  send(query: UserQuery): Promise<unknown>;
  /** Notes an error of a statement of a user that decides on the connection. */
  fail(error: unknown): void;
  commit(): Promise<void>;
  /** Ends the transaction without its changes, unless it has ended. */
  rollBack(): Promise<void>;
}

export interface ConnectionRules {
  /** Whether statements may be prepared under a name, as on connections that kahn alone uses. */
  readonly named: boolean;
  /** Longest wait for the answer to a statement, in ms; after that the connection is closed. */
  readonly answerTimeoutMs: number;
  /** Whether connections are used before it is known that they do not lead to a standby. */
  readonly mayBeStandby: boolean;
  /** Largest number of connections at a time. */
  readonly poolSize: number;
  /** Called when a connection that accepted writes leads to a read-only server, as after a failover. */
  onReadOnly(): void;
}

/** A connection that is in use. */
interface TakenConnection {
  readonly client: PostgresClient;
  /** Whether it is used for the first time. */
  readonly isFresh: boolean;
}

/** Runs statements on the connections of a pool, and replaces connections that fail. */
export class Connections {
  readonly #pool: PostgresPool;
  readonly #rules: ConnectionRules;
  /** Generation in which each connection was first used. */
  readonly #born = new WeakMap<PostgresClient, number>();
  /** Connections of earlier generations are replaced before their next use. */
  #generation = 0;
  /** Held while a transaction is open. */
  readonly #open = new Mutex();

  constructor(pool: PostgresPool, rules: ConnectionRules) {
    this.#pool = pool;
    this.#rules = rules;
  }

  /** Whether a connection is left for other statements while a transaction is open. */
  get canHoldTransaction(): boolean {
    return this.#rules.poolSize > 1;
  }

  /** Runs one statement in a transaction of its own. */
  query(statement: Statement, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.use((query) => query(statement, values));
  }

  /**
   * Does the work on one connection. If a connection opened earlier fails and has recorded nothing, as after a failover
   * to another server, the work is repeated on a new one. Throws what the driver throws.
   */
  async use<T>(work: (query: Query) => Promise<T>): Promise<T> {
    for (;;) {
      const taken = await this.#take();
      try {
        return await this.#useTaken(taken, work);
      } catch (error) {
        if (!this.#isOutdatedBy(error, taken)) throw error;
      }
    }
  }

  /** Does the work in a transaction, which is rolled back if the work fails. */
  async transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.use(async (query) => {
      await query(sql.begin);
      try {
        const result = await work(query);
        await query(sql.commit);
        return result;
      } catch (error) {
        await query(sql.rollback).catch(() => {}); // a broken connection has ended the transaction
        throw error;
      }
    });
  }

  /**
   * Begins a transaction with the statements `first`, which stays open until it is ended. Waits for the transaction that
   * was begun before, so that open transactions take one connection of the pool, and leave the others for reading.
   */
  async begin(...first: readonly Statement[]): Promise<OpenTransaction> {
    const release = await this.#open.acquire();
    return this.#begin([sql.begin, ...first], release);
  }

  /** Begins a transaction that only reads, as of one moment, with the settings of planning that servers have. */
  beginReading(): Promise<OpenTransaction> {
    return this.#begin([sql.beginReading], () => {});
  }

  /** Largest number of connections at a time. */
  get poolSize(): number {
    return this.#rules.poolSize;
  }

  async #begin(first: readonly Statement[], release: () => void): Promise<OpenTransaction> {
    for (;;) {
      let taken: TakenConnection | undefined;
      try {
        taken = await this.#take();
        return await this.#beginOn(taken, first, release);
      } catch (error) {
        if (taken !== undefined && this.#isOutdatedBy(error, taken)) continue;
        release();
        throw error;
      }
    }
  }

  async #beginOn(
    taken: TakenConnection,
    first: readonly Statement[],
    release: () => void,
  ): Promise<OpenTransaction> {
    const begun = Promise.withResolvers<Query>();
    const ended = Promise.withResolvers<Statement>();
    let failure: unknown;
    const transaction = this.#useTaken(taken, async (query) => {
      try {
        for (const statement of first) await query(statement);
      } catch (error) {
        await query(sql.rollback).catch(() => {}); // a broken connection has ended the transaction
        throw error;
      }
      begun.resolve((statement, values) =>
        query(statement, values).catch((error: unknown) => {
          failure = error;
          throw error;
        }),
      );
      await query(await ended.promise);
      if (failure !== undefined) throw failure; // it decides on the connection
    });
    transaction.catch(begun.reject);
    const query = await begun.promise;
    const end = (statement: Statement) => {
      ended.resolve(statement);
      return transaction.finally(release);
    };
    return {
      query,
      send: (statement) => this.#send(taken.client, statement),
      fail: (error) => {
        failure ??= error;
      },
      commit: () => end(sql.commit),
      rollBack: () => end(sql.rollback).catch((error) => void this.#isOutdatedBy(error, taken)),
    };
  }

  /** Takes a connection out of the pool, and replaces outdated ones. */
  async #take(): Promise<TakenConnection> {
    for (;;) {
      const client = await inRootContext(() => this.#pool.connect()); // a new connection outlives the call
      const born = this.#born.get(client);
      const isFresh = born === undefined;
      if (isFresh) this.#born.set(client, this.#generation);
      if (isFresh || born === this.#generation) return { client, isFresh };
      client.release(true);
    }
  }

  async #useTaken<T>({ client, isFresh }: TakenConnection, work: (query: Query) => Promise<T>): Promise<T> {
    const ignore = () => {}; // an error between statements shows in the next answer
    client.on('error', ignore);
    let isReplaced = true;
    try {
      const query: Query = (statement, values) => this.#run(client, statement, values);
      if (isFresh && this.#rules.mayBeStandby) await assertPrimary(query);
      const result = await work(query);
      isReplaced = false;
      return result;
    } catch (error) {
      isReplaced = effectsOf(error).connection === 'replaced';
      throw error;
    } finally {
      client.removeListener('error', ignore);
      client.release(isReplaced);
    }
  }

  /** Whether a new connection may not have the trouble. Then all connections opened earlier are replaced. */
  #isOutdatedBy(error: unknown, { client, isFresh }: TakenConnection): boolean {
    const { connection, commit } = effectsOf(error);
    if (isFresh || connection === 'kept' || commit === 'unknown') return false;
    if (this.#born.get(client) === this.#generation) {
      this.#generation += 1;
      if (storageCode(error) === 'STORAGE_UNWRITABLE') this.#rules.onReadOnly();
    }
    return true;
  }

  #send(client: PostgresClient, query: UserQuery): Promise<unknown> {
    // The extended protocol allows one statement in a text.
    const config = { query_timeout: this.#rules.answerTimeoutMs, ...query, queryMode: 'extended' };
    return client.query(config as unknown as DriverQuery);
  }

  async #run(
    client: PostgresClient,
    { text, name }: Statement,
    values: readonly unknown[] = [],
  ): Promise<readonly Row[]> {
    const query: DriverQuery = {
      text,
      values: values as unknown[],
      rowMode: 'array',
      types,
      query_timeout: this.#rules.answerTimeoutMs,
    };
    if (this.#rules.named && name !== undefined) query.name = name;
    const { rows } = await client.query(query);
    return rows as Row[];
  }
}

/** Throws {@link StandbyError} if a new connection leads to a standby. */
async function assertPrimary(query: Query): Promise<void> {
  const [row] = await query(sql.isStandby);
  if (row?.[0] === 1) throw new StandbyError();
}

const integers = new Set([20, 21, 23]); // int8, int2, int4

/** Parses ids and times as numbers, which a double holds exactly, and leaves other values as text. */
const types: NonNullable<DriverQuery['types']> = {
  getTypeParser: (oid) => (integers.has(oid) ? Number : String),
};
