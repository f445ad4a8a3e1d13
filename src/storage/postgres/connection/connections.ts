import { inRootContext } from '../../../util/environment/root-context.ts';
import type { Row } from '../../sql/rows.ts';
import type { DriverQuery, PostgresClient, PostgresPool } from '../driver-types.ts';
import { isAnswer } from '../errors.ts';
import { type Statement, sql } from '../statements.ts';

/** Runs one statement and returns its rows. */
export type Query = (statement: Statement, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** A transaction on a connection of its own. */
export interface OpenTransaction {
  readonly query: Query;
  commit(): Promise<void>;
  /** Ends the transaction without its changes, unless it has ended. */
  rollBack(): Promise<void>;
}

export interface ConnectionRules {
  /** Whether statements may be prepared under a name, as on connections that kahn alone uses. */
  readonly named: boolean;
  /** Longest wait for the answer to a statement, in ms; after that the connection is closed. */
  readonly answerTimeoutMs: number;
}

/** Runs statements on the connections of a pool, and closes connections that fail. */
export class Connections {
  readonly #pool: PostgresPool;
  readonly #rules: ConnectionRules;

  constructor(pool: PostgresPool, rules: ConnectionRules) {
    this.#pool = pool;
    this.#rules = rules;
  }

  /** Runs one statement in a transaction of its own. */
  query(statement: Statement, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.use((query) => query(statement, values));
  }

  /** Does the work on one connection. Throws what the driver throws. */
  async use<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const client = await inRootContext(() => this.#pool.connect()); // a new connection outlives the call
    const ignore = () => {}; // an error between statements shows in the next answer
    client.on('error', ignore);
    let failed = true;
    try {
      const result = await work((statement, values) => this.#run(client, statement, values));
      failed = false;
      return result;
    } catch (error) {
      failed = !isAnswer(error);
      throw error;
    } finally {
      client.removeListener('error', ignore);
      client.release(failed);
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

  /** Begins a transaction that stays open until it is ended. */
  async begin(): Promise<OpenTransaction> {
    const begun = Promise.withResolvers<Query>();
    const end = Promise.withResolvers<void>();
    const transaction = this.transaction(async (query) => {
      begun.resolve(query);
      await end.promise;
    });
    transaction.catch(begun.reject);
    const query = await begun.promise;
    return {
      query,
      commit: () => {
        end.resolve();
        return transaction;
      },
      rollBack: () => {
        end.reject(new Error('rolled back'));
        return transaction.catch(() => {});
      },
    };
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

const integers = new Set([20, 21, 23]); // int8, int2, int4

/** Parses ids and times as numbers, which a double holds exactly, and leaves other values as text. */
const types: NonNullable<DriverQuery['types']> = {
  getTypeParser: (oid) => (integers.has(oid) ? Number : String),
};
