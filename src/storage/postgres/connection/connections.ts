import type { DriverQuery, PostgresClient, PostgresPool } from '../driver-types.ts';
import { isAnswer } from '../errors.ts';
import { type Row, type Statement, sql } from '../statements.ts';

/** Runs one statement and gives its rows. */
export type Query = (statement: Statement, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** How connections are used. */
export interface ConnectionRules {
  /** Whether statements may be prepared under a name: on connections of our own only. */
  readonly named: boolean;
  /** How long to wait for the answer to a statement before the connection is given up. */
  readonly answerTimeoutMs: number;
}

/** Runs statements on the connections of a pool; a connection that fails is closed, and the next one is new. */
export class Connections {
  readonly #pool: PostgresPool;
  readonly #rules: ConnectionRules;

  constructor(pool: PostgresPool, rules: ConnectionRules) {
    this.#pool = pool;
    this.#rules = rules;
  }

  /** Runs one statement, which is a transaction by itself. */
  query(statement: Statement, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return this.use((query) => query(statement, values));
  }

  /** Lends one connection. Throws what the driver throws. */
  async use<T>(work: (query: Query) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    // Whatever goes wrong while nothing is asked shows in the next answer.
    const ignore = () => {};
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

  /** Does the work in a transaction; when anything fails, nothing of it stays. */
  async transaction<T>(work: (query: Query) => Promise<T>): Promise<T> {
    return this.use(async (query) => {
      await query(sql.begin);
      try {
        const result = await work(query);
        await query(sql.commit);
        return result;
      } catch (error) {
        await query(sql.rollback).catch(() => {}); // a connection that is lost takes the transaction with it
        throw error;
      }
    });
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

/** Ids and times are whole numbers that a double holds exactly; all else is text. */
const types: NonNullable<DriverQuery['types']> = {
  getTypeParser: (oid) => (integers.has(oid) ? Number : String),
};
