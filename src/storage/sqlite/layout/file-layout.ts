import type { DatabaseSync } from 'node:sqlite';
import { type SafeNameRules, safeName } from '../../../util/safe-name.ts';
import { compareNames } from '../../name-order.ts';
import { needsSetUp } from '../../sql/table-version.ts';
import { DatabaseSync as Database } from '../connection/driver.ts';
import { explained } from '../errors.ts';
import { createOrUpgradeTables, schemaVersion } from '../schema.ts';
import { createSubjectTables, subjectKeysVersion, subjectsTable } from '../subject-schema.ts';
import { namesIn } from './directory-layout.ts';
import type { ApplicationFile, DatabaseFile, Layout, LayoutFile, TableNames } from './file.ts';
import { applicationIds, isBlank, isMarked, readHeader } from './file-header.ts';

// Lower case only: SQLite ignores the case of names.
const tableNames: SafeNameRules = {
  allowed: /[a-z0-9_]/,
  escapeWith: '$',
  longest: 100,
  kept: 50,
  cut: '$$',
};

/** Version of the table of applications, which the header of the file keeps. */
const layoutVersion = 1;

/** One file with tables per application. The table of applications keeps the version of their tables. */
export class FileLayout implements Layout {
  readonly option = 'file';
  readonly applicationId: number = applicationIds.file;
  readonly mark: string = `
    create table applications (
      application_name text primary key,
      version integer not null -- of its tables
    ) strict, without rowid;
    pragma application_id = ${applicationIds.file};
    pragma user_version = ${layoutVersion};`;
  readonly #path: string;
  readonly #busyTimeoutMs: number;

  constructor(path: string, busyTimeoutMs: number) {
    this.#path = path;
    this.#busyTimeoutMs = busyTimeoutMs;
  }

  fileOf(applicationName: string): ApplicationFile {
    const file = this.#fileFor(applicationName);
    const tables = tablesOf(applicationName);
    return {
      ...file,
      tables,
      version: schemaVersion,
      versionIn(database) {
        assertLayoutVersion(database, file);
        const version = 'select version from applications where application_name = ?';
        const registered = database.prepare(version).get(applicationName);
        return registered && Number(registered.version);
      },
      setUp(database, found) {
        createOrUpgradeTables(database, tables, found);
        const register = 'insert or replace into applications (application_name, version) values (?, ?)';
        database.prepare(register).run(applicationName, schemaVersion);
      },
    };
  }

  subjectKeys(): DatabaseFile {
    const file = this.#fileFor('');
    return {
      ...file,
      version: subjectKeysVersion,
      versionIn(database) {
        assertLayoutVersion(database, file);
        const table = database.prepare('select 1 from sqlite_schema where name = ?').get(subjectsTable);
        return table && subjectKeysVersion;
      },
      setUp: (database) => database.exec(createSubjectTables),
    };
  }

  /** @throws {@link StorageError} if the file cannot be read. */
  applicationNames(): readonly string[] {
    const file = this.#fileFor('');
    try {
      if (isBlank(file)) return [];
      using database = new Database(this.#path, { timeout: this.#busyTimeoutMs });
      return isMarked(readHeader(database), this) ? namesIn(database).toSorted(compareNames) : [];
    } catch (error) {
      throw explained(error, file, 'reading');
    }
  }

  #fileFor(applicationName: string): LayoutFile {
    const path = this.#path;
    return { applicationName, path, location: `'${path}'`, layout: this };
  }
}

/** @throws {@link StorageError} STORAGE_NEWER if a later release has changed the table of applications. */
function assertLayoutVersion(database: DatabaseSync, file: LayoutFile): void {
  needsSetUp({ found: readHeader(database).schemaVersion, current: layoutVersion }, false, file);
}

/** Returns the tables of an application in the file of a system. Different applications have different tables. */
function tablesOf(applicationName: string): TableNames {
  const name = safeName(applicationName, tableNames);
  const table = (prefix: string) => `"${prefix}_${name}"`;
  return {
    events: table('events'),
    positions: table('positions'),
    snapshots: table('snapshots'),
    operations: table('operations'),
    commands: table('commands'),
    expiry: table('expiry'),
    parked: table('parked'),
    due: table('due'),
  };
}
