import type { RecordedRows } from '../../recorder.ts';
import { RowsGuard } from '../../sql/rows-guard.ts';
import { Slots } from '../../sql/slots.ts';
import type { StorageLocation } from '../../storage-location.ts';
import type { Connections } from '../connection/connections.ts';
import type { ServerRetry } from '../connection/server-retry.ts';
import { explained, sqlState } from '../errors.ts';
import { GuardedClient } from './guarded-client.ts';

/** Reads rows in transactions that cannot write, on connections of the pool. */
export class RowReader implements RecordedRows {
  readonly #connections: Connections;
  readonly #serverRetry: ServerRetry;
  readonly #location: StorageLocation;
  readonly namespace: string;
  readonly #assertOpen: () => void;
  readonly #slots: Slots;

  /** @param assertOpen Throws an error if the recorder is closed. */
  constructor(
    connections: Connections,
    serverRetry: ServerRetry,
    location: StorageLocation & { readonly schema: string },
    assertOpen: () => void,
  ) {
    this.#assertOpen = assertOpen;
    this.#connections = connections;
    this.#serverRetry = serverRetry;
    this.#location = location;
    this.namespace = location.schema;
    this.#slots = new Slots(Math.min(Math.ceil(connections.poolSize / 2), mostReaders));
  }

  async read<T>(read: (handle: unknown) => T | Promise<T>): Promise<T> {
    return this.#slots.run(async () => {
      this.#assertOpen();
      const begin = () => this.#connections.beginReading();
      const transaction = await this.#serverRetry.run(this.#location, 'reading', begin);
      const guard = new RowsGuard(this.#location.applicationName);
      try {
        return await read(new GuardedClient(transaction, guard, this.#location));
      } catch (error) {
        const state = sqlState(error ?? {});
        if (state === readOnlyTransaction) throw guard.refusedWrite();
        throw state === undefined ? error : explained(error, this.#location, 'reading');
      } finally {
        guard.end();
        await transaction.rollBack();
      }
    });
  }
}

/** SQLSTATE of a statement that would write in a transaction that only reads. */
const readOnlyTransaction = '25006';

/** Most connections of a large pool that read rows at the same time. More reads wait. */
const mostReaders = 16;
