import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { originalName, type SafeNameRules, safeName } from '../../../util/safe-name.ts';
import { StorageError } from '../../errors.ts';
import { compareNames } from '../../name-order.ts';
import { storageError } from '../../storage-location.ts';
import { DatabaseSync as Database } from '../connection/driver.ts';
import { explained } from '../errors.ts';
import { createOrUpgradeTables, schemaVersion } from '../schema.ts';
import { sql } from '../statements.ts';
import { createSubjectTables, subjectKeysVersion } from '../subject-schema.ts';
import type { ApplicationFile, DatabaseFile, FileMark, Layout, LayoutFile, TableNames } from './file.ts';
import { applicationIds, isBlank, isMarked, readHeader } from './file-header.ts';

const tables: TableNames = {
  events: 'events',
  positions: 'positions',
  snapshots: 'snapshots',
  operations: 'operations',
  commands: 'commands',
  expiry: 'expiry',
  parked: 'parked',
  due: 'due',
};

// File systems allow 255 bytes, and SQLite appends `-journal`. Lower case only: some ignore case.
const fileNames: SafeNameRules = {
  allowed: /[a-z0-9_.-]/,
  escapeWith: '%',
  longest: 200,
  kept: 100,
  cut: '%-',
};

const extension = '.sqlite';

/** Name of the file of the keys of subjects, which has another extension than the files of applications. */
const subjectKeysName = 'subject-keys.db';

const subjectKeysMark: FileMark = {
  option: 'directory',
  applicationId: applicationIds.subjectKeys,
  mark: `pragma application_id = ${applicationIds.subjectKeys};`,
};

/** First version with a table that keeps the name of the application. */
const firstNamedVersion = 3;

/** A directory with one file per application. The file keeps the version of its tables in its header. */
export class DirectoryLayout implements Layout {
  readonly option = 'directory';
  readonly applicationId: number = applicationIds.directory;
  readonly mark: string = `
    create table applications (
      application_name text primary key -- the name of the file may be cut
    ) strict, without rowid;
    pragma application_id = ${applicationIds.directory};`;
  readonly #directory: string;
  readonly #busyTimeoutMs: number;

  constructor(directory: string, busyTimeoutMs: number) {
    this.#directory = directory;
    this.#busyTimeoutMs = busyTimeoutMs;
  }

  fileOf(applicationName: string): ApplicationFile {
    const path = join(this.#directory, `${safeName(applicationName, fileNames)}${extension}`);
    return {
      ...this.#fileAt(path, applicationName),
      tables,
      version: schemaVersion,
      versionIn: versionInHeader,
      setUp(database, found) {
        createOrUpgradeTables(database, tables, found);
        database.exec(`pragma user_version = ${schemaVersion}`);
        const register = 'insert or ignore into applications (application_name) values (?)';
        database.prepare(register).run(applicationName);
      },
    };
  }

  subjectKeys(): DatabaseFile {
    return {
      ...this.#fileAt(join(this.#directory, subjectKeysName), ''),
      layout: subjectKeysMark,
      version: subjectKeysVersion,
      versionIn: versionInHeader,
      setUp(database) {
        database.exec(createSubjectTables);
        database.exec(`pragma user_version = ${subjectKeysVersion}`);
      },
    };
  }

  /**
   * Leaves out files that kahn did not create, and files with a cut name that this release has never opened with
   * `setupTables: true`.
   *
   * @throws {@link StorageError} if the directory or a file of kahn cannot be read.
   */
  applicationNames(): readonly string[] {
    return this.#paths()
      .flatMap((path) => this.#nameIn(path) ?? [])
      .sort(compareNames);
  }

  #paths(): readonly string[] {
    const directory = this.#directory;
    try {
      return readdirSync(directory)
        .filter((name) => name.endsWith(extension))
        .map((name) => join(directory, name));
    } catch (error) {
      const location = { applicationName: '', location: `'${directory}'` };
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw explained(error, location, 'reading');
      throw storageError('STORAGE_MISSING', location, 'the directory does not exist.');
    }
  }

  /** Returns the application of a file, or undefined if it is unknown or the file has no tables of kahn. */
  #nameIn(path: string): string | undefined {
    const nameOfFile = originalName(basename(path, extension), fileNames);
    const file = this.#fileAt(path, nameOfFile ?? '');
    try {
      if (isBlank(file)) return undefined;
      using database = new Database(path, { timeout: this.#busyTimeoutMs });
      const header = readHeader(database);
      if (!isMarked(header, this)) return undefined;
      if (header.schemaVersion < firstNamedVersion) return nameOfFile;
      // A copy under another name belongs to another application.
      return namesIn(database).find((name) => this.fileOf(name).path === path) ?? nameOfFile;
    } catch (error) {
      if (error instanceof StorageError && error.code === 'STORAGE_FOREIGN') return undefined;
      throw explained(error, file, 'reading');
    }
  }

  #fileAt(path: string, applicationName: string): LayoutFile {
    return { applicationName, path, location: `'${path}'`, layout: this };
  }
}

function versionInHeader(database: DatabaseSync): number {
  return readHeader(database).schemaVersion;
}

/** Reads the names of the applications in the table of a marked database. */
export function namesIn(database: DatabaseSync): readonly string[] {
  return database
    .prepare(sql.readNames)
    .all()
    .map(({ application_name }) => String(application_name));
}
