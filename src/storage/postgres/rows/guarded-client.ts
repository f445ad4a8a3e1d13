import type { StorageErrorCode } from '../../errors.ts';
import type { RowsGuard } from '../../sql/rows-guard.ts';
import type { StorageLocation } from '../../storage-location.ts';
import type { OpenTransaction } from '../connection/connections.ts';
import { effectsOf, explained, sqlState, storageCode } from '../errors.ts';
import type { PostgresQuery, PostgresResult, PostgresRows } from './postgres-rows.ts';
import { refusedWord } from './statement-words.ts';

/** Codes of errors that are due to the server or the connection, and not to a statement. */
const codesOfEnvironment: readonly StorageErrorCode[] = [
  'STORAGE_BUSY',
  'STORAGE_CLOSED',
  'STORAGE_CORRUPT',
  'STORAGE_FULL',
  'STORAGE_UNREACHABLE',
];

const refusedAdvice =
  'it would end the transaction, or change the session of a connection that kahn uses. Leave it out';

type Callback = (error: unknown, result?: PostgresResult<never>) => void;

/** A handle that writes in a transaction, which it cannot end. It is refused once the transaction has ended. */
export class GuardedClient implements PostgresRows {
  readonly #transaction: OpenTransaction;
  readonly #guard: RowsGuard;
  readonly #location: StorageLocation;

  constructor(transaction: OpenTransaction, guard: RowsGuard, location: StorageLocation) {
    this.#transaction = transaction;
    this.#guard = guard;
    this.#location = location;
  }

  /** Sends a statement at once, before those of later calls. With a callback it returns nothing, as `pg` does. */
  query<Row>(
    query: string | PostgresQuery,
    values?: readonly unknown[] | Callback,
    callback?: Callback,
  ): Promise<PostgresResult<Row>> {
    const given = typeof values === 'function' ? undefined : values;
    const called = typeof values === 'function' ? values : callback;
    const answer = this.#send<Row>(query, given);
    if (called === undefined) return answer;
    answer.then((result) => called(undefined, result as PostgresResult<never>), called);
    return undefined as never;
  }

  release(): void {}

  escapeIdentifier(name: string): string {
    return `"${name.replaceAll('"', '""')}"`;
  }

  connect(): never {
    throw this.#guard.refused('connect()', 'the handle is connected');
  }

  end(): never {
    throw this.#guard.refused('end()', 'kahn uses this connection as well');
  }

  async #send<Row>(
    query: string | PostgresQuery,
    values: readonly unknown[] | undefined,
  ): Promise<PostgresResult<Row>> {
    this.#guard.assertOpen();
    const config = typeof query === 'string' ? { text: query } : query;
    if (typeof config?.text !== 'string' || 'submit' in config)
      throw this.#guard.refused('query()', 'it takes a text, or an object with a text');
    const word = refusedWord(config.text);
    if (word !== undefined) throw this.#guard.refused(word, refusedAdvice);
    try {
      const result = await this.#transaction.send({ ...config, ...(values && { values }) });
      return result as PostgresResult<Row>;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): unknown {
    // The protocol of prepared statements allows one statement in a text.
    if (sqlState(error) === '42601' && (error as { routine?: unknown }).routine === 'exec_parse_message')
      return this.#guard.refused(
        'a text of several statements',
        'it might end the transaction. Send them one by one',
      );
    if (!codesOfEnvironment.includes(storageCode(error))) return error;
    if (effectsOf(error).connection === 'replaced') this.#transaction.fail(error);
    return explained(error, this.#location, 'recording');
  }
}
