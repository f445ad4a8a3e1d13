import { backOff } from '../../util/retry.ts';
import { StorageError } from '../errors.ts';
import type { Activity } from '../sql/driver-error.ts';
import type { Row } from '../sql/rows.ts';
import { subjectKeysClosed } from '../storage-location.ts';
import type { DeletedSubject, SubjectEntry, SubjectKey, SubjectKeyTable } from '../subject-keys.ts';
import { newCommitId } from './appending/batch.ts';
import type { Connections } from './connection/connections.ts';
import type { ServerRetry } from './connection/server-retry.ts';
import { effectsOf, outcomeUnknown } from './errors.ts';
import { lockKey } from './set-up.ts';
import { sql } from './statements.ts';
import { type SubjectStatements, subjectStatements } from './subject-statements.ts';
import type { TableSet } from './tables.ts';

export interface SubjectKeysOptions {
  readonly tables: TableSet;
  readonly connections: Connections;
  readonly serverRetry: ServerRetry;
}

/** Tries to remove old versions of rows before they are left to the server. */
const maxVacuums = 6;
const vacuumBackoff = { firstMs: 5, maxMs: 100 };

/** Keeps the keys of subjects in one table of a schema, which all applications and hosts use at the same time. */
export class PostgresSubjectKeys implements SubjectKeyTable {
  readonly #options: SubjectKeysOptions;
  readonly #statements: SubjectStatements;
  #closed = false;

  constructor(options: SubjectKeysOptions) {
    this.#options = options;
    this.#statements = subjectStatements(options.tables.schema);
  }

  async add(keys: readonly SubjectKey[]): Promise<readonly SubjectEntry[]> {
    this.#assertOpen();
    if (keys.length === 0) return [];
    const subjects = keys.map(({ subject }) => subject);
    const values = [subjects, keys.map(({ key }) => key)];
    const { connections } = this.#options;
    const added = await this.#change(() => connections.query(this.#statements.add, values));
    const entries = new Map(added.map((row) => [String(row[0]), toEntry(row)]));
    // The first statement does not see entries that other calls have just added.
    const others = [...new Set(subjects)].filter((subject) => !entries.has(subject));
    for (const entry of await this.read(others)) if (entry !== undefined) entries.set(entry.subject, entry);
    return subjects.map((subject) => entries.get(subject) as SubjectEntry);
  }

  async read(subjects: readonly string[]): Promise<readonly (SubjectEntry | undefined)[]> {
    this.#assertOpen();
    if (subjects.length === 0) return [];
    const { connections } = this.#options;
    const rows = await this.#run(() => connections.query(this.#statements.read, [subjects]));
    return rows.map((row) => (row[0] === null ? undefined : toEntry(row)));
  }

  async delete(subject: string, timestamp: number): Promise<boolean> {
    this.#assertOpen();
    const { connections, tables } = this.#options;
    const commitId = newCommitId();
    const isDeleted = await this.#change(() =>
      connections.transaction(async (query) => {
        // Held until the commit, so that the numbers of deletions become visible in order.
        await query(sql.lock, [lockKey(`deletion of keys in ${tables.schema}`)]);
        await query(this.#statements.delete, [subject, timestamp, commitId]);
        return (await query(this.#statements.isDeletedBy, [subject, commitId])).length > 0;
      }),
    );
    await this.#removeOldVersions().catch(() => {}); // the server removes them later
    return isDeleted;
  }

  async deleted(after: number, limit: number): Promise<readonly DeletedSubject[]> {
    this.#assertOpen();
    const { connections } = this.#options;
    const rows = await this.#run(() => connections.query(this.#statements.deleted, [after, limit]));
    return rows.map(
      ([number, subject, timestamp]) => ({ number, subject, timestamp }) as unknown as DeletedSubject,
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  /** Removes old versions of rows, which hold deleted keys, if the role may and no older transaction can see them. */
  async #removeOldVersions(): Promise<void> {
    const { connections, tables } = this.#options;
    const { oldVersions, vacuum } = this.#statements;
    for (let tries = 1; tries <= maxVacuums; tries += 1) {
      if ((await connections.query(oldVersions, [tables.schema])).length === 0) return; // the role may not
      await connections.query(vacuum);
      const [row] = await connections.query(oldVersions, [tables.schema]);
      if (row?.[0] === 0) return;
      await backOff(tries, vacuumBackoff);
    }
  }

  /** Makes a change that may be repeated. */
  async #change<T>(work: () => Promise<T>): Promise<T> {
    let isUncertain = false;
    const change = async () => {
      try {
        return await work();
      } catch (error) {
        if (effectsOf(error).commit === 'unknown') isUncertain = true;
        throw error;
      }
    };
    try {
      return await this.#run(change, () => (isUncertain ? 'reading' : 'recording'));
    } catch (error) {
      if (!isUncertain || !(error instanceof StorageError)) throw error;
      throw outcomeUnknown(this.#options.tables, 'Repeat the call: it changes nothing a second time.', error);
    }
  }

  #run<T>(work: () => Promise<T>, activity: Activity | (() => Activity) = 'reading'): Promise<T> {
    const { serverRetry, tables } = this.#options;
    return serverRetry.run(tables, activity, work);
  }

  #assertOpen(): void {
    if (this.#closed) throw subjectKeysClosed(this.#options.tables);
  }
}

/** Columns: subject, key. */
function toEntry([subject, key]: Row): SubjectEntry {
  return { subject: String(subject), key: key === null ? undefined : String(key) };
}
