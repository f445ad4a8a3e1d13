import type { RecordedRows } from '../../recorder.ts';
import { RowsGuard } from '../../sql/rows-guard.ts';
import { Slots } from '../../sql/slots.ts';
import { recorderClosed, type StorageLocation } from '../../storage-location.ts';
import { DatabaseSync } from '../connection/driver.ts';
import { identityOf } from '../connection/sqlite-connection.ts';
import { rollBack } from '../connection/transaction.ts';
import { explained, isOfDriver, isOfEnvironment, isWriteWhileReading } from '../errors.ts';
import { sql } from '../statements.ts';
import { guardedDatabase } from './guarded-database.ts';

/** Most connections that read at the same time. More reads wait. */
const mostReaders = 4;
/** Longest wait for the file, in ms: readers wait only for a moment in which the write-ahead log is set up or removed. */
const timeoutMs = 1_000;

/** A connection that only reads. */
interface Reader {
  readonly database: DatabaseSync;
  /** Device and inode of the file. */
  readonly identity: string | undefined;
}

/** Reads the rows of a file on connections of its own, which see only what is recorded and cannot write. */
export class RowReaders implements RecordedRows {
  readonly #file: StorageLocation & { readonly path: string };
  readonly #idle: Reader[] = [];
  readonly #slots = new Slots(mostReaders);
  #isClosed = false;

  constructor(file: StorageLocation & { readonly path: string }) {
    this.#file = file;
  }

  async read<T>(read: (handle: unknown) => T | Promise<T>): Promise<T> {
    return this.#slots.run(() => this.#readWith(this.#take(), read));
  }

  close(): void {
    this.#isClosed = true;
    for (const { database } of this.#idle.splice(0)) database.close();
  }

  async #readWith<T>(reader: Reader, read: (handle: unknown) => T | Promise<T>): Promise<T> {
    const { database } = reader;
    const guard = new RowsGuard(this.#file.applicationName);
    try {
      database.exec(sql.begin);
      const failure = (error: unknown) => this.#failure(error, guard);
      return await read(guardedDatabase({ database, guard, failure }));
    } catch (error) {
      throw isOfDriver(error) ? explained(error, this.#file, 'reading') : error;
    } finally {
      guard.end();
      rollBack(database);
      if (this.#isClosed) database.close();
      else this.#idle.push(reader);
    }
  }

  #take(): Reader {
    if (this.#isClosed) throw recorderClosed(this.#file);
    const identity = identityOf(this.#file.path);
    for (let reader = this.#idle.pop(); reader !== undefined; reader = this.#idle.pop()) {
      if (reader.identity === identity) return reader;
      reader.database.close(); // the file was replaced
    }
    try {
      return {
        database: new DatabaseSync(this.#file.path, { readOnly: true, timeout: timeoutMs }),
        identity,
      };
    } catch (error) {
      throw explained(error, this.#file, 'reading');
    }
  }

  #failure(error: unknown, guard: RowsGuard): unknown {
    if (isWriteWhileReading(error)) return guard.refusedWrite();
    return isOfEnvironment(error) ? explained(error, this.#file, 'reading') : error;
  }
}
