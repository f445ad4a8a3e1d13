import type { DatabaseSync } from 'node:sqlite';
import type { DatabaseFile } from '../layout/file.ts';
import { BusyRetry } from './busy-retry.ts';
import { HeldTransaction } from './held-transaction.ts';
import { type OpenFile, Session, type SessionPurpose } from './session.ts';
import { type ConnectionSettings, SqliteConnection } from './sqlite-connection.ts';

/** An open file and the number of its sessions. */
interface CountedFile extends OpenFile {
  sessions: number;
}

/**
 * The open files of a storage. All sessions of a file share one connection: they never wait for each other in SQLite, which
 * would block their thread, and what one of them has written is in the cache of the others.
 */
export class OpenFiles {
  readonly #settings: ConnectionSettings;
  readonly #byPath = new Map<string, CountedFile>();

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
  }

  /** Starts a session. Takes over a database in which its tables exist. */
  startSession<F extends DatabaseFile, S>(
    purpose: SessionPurpose<F, S>,
    database: DatabaseSync,
  ): Session<F, S> {
    const { file } = purpose;
    const known = this.#byPath.get(file.path);
    if (known !== undefined) database.close();
    const open = known ?? this.#add(file.path, database);
    open.sessions += 1;
    const session = new Session(purpose, open, () => this.#end(file.path, open));
    try {
      session.use('opening', () => {}); // prepares the statements
      return session;
    } catch (error) {
      session.close();
      throw error;
    }
  }

  #end(path: string, open: CountedFile): void {
    open.sessions -= 1;
    if (open.sessions > 0) return;
    this.#byPath.delete(path);
    open.connection.close();
  }

  #add(path: string, database: DatabaseSync): CountedFile {
    const connection = new SqliteConnection(path, database, this.#settings);
    const open = {
      connection,
      busyRetry: new BusyRetry(connection),
      held: new HeldTransaction(),
      sessions: 0,
    };
    this.#byPath.set(path, open);
    return open;
  }
}
