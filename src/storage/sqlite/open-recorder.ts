import { DatabaseSync } from 'node:sqlite';
import { setTimeout } from 'node:timers/promises';
import type { Recorder } from '../recorder.ts';
import type { RecorderOptions } from '../storage.ts';
import { type DatabaseFile, explained, isBusy, siteError } from './errors.ts';
import { databaseFileOf } from './file.ts';
import { foreign, isBlank, readMarks } from './file-header.ts';
import type { SqliteSettings } from './options.ts';
import { SqliteRecorder } from './recorder.ts';
import { applicationId, createTables, schemaVersion, upgrades } from './schema.ts';
import { sql } from './statements.ts';
import { inTransaction } from './transaction.ts';

/**
 * Opens the recorder of one application, making its file if need be; throws StorageError with no file left
 * open.
 */
export async function openRecorder(settings: SqliteSettings, options: RecorderOptions): Promise<Recorder> {
  const site = databaseFileOf(settings.directory, options.applicationName);
  let database: DatabaseSync | undefined;
  try {
    if (isBlank(site) && !options.setupTables) throw notSetUp(site);
    database = new DatabaseSync(site.file, { timeout: settings.busyTimeoutMs });
    if (readMarks(database).applicationId !== applicationId) {
      if (!options.setupTables) throw notSetUp(site);
      setUp(database, site);
    }
    if (versionOf(database, site) < schemaVersion) {
      if (!options.setupTables) throw older(site, versionOf(database, site));
      upgrade(database, site);
    }
    await switchToWal(database, site, settings.busyTimeoutMs);
    database.exec(sql.synchronous[settings.synchronous]);
    return new SqliteRecorder(site, database);
  } catch (error) {
    database?.close();
    throw explained(error, site);
  }
}

/**
 * Makes the tables and marks the file as ours in one transaction, unless another process has just done so.
 */
function setUp(database: DatabaseSync, site: DatabaseFile): void {
  inTransaction(database, sql.beginWrite, () => {
    const marks = readMarks(database);
    if (marks.applicationId === applicationId) return;
    if (marks.applicationId !== 0 || marks.tables > 0) throw foreign(site);
    database.exec(createTables);
  });
}

/** Brings the tables of an earlier release up to date in one transaction, unless another process has just done so. */
function upgrade(database: DatabaseSync, site: DatabaseFile): void {
  inTransaction(database, sql.beginWrite, () => {
    for (const step of upgrades.slice(versionOf(database, site) - 1)) database.exec(step);
    database.exec(sql.setVersion(schemaVersion));
  });
}

/** The version of the tables, which this release knows. */
function versionOf(database: DatabaseSync, site: DatabaseFile): number {
  const version = readMarks(database).schemaVersion;
  if (version > schemaVersion) {
    const reason = `its tables have version ${version}, but this release of the library knows ${schemaVersion}.`;
    throw siteError('STORAGE_NEWER', site, `${reason} Use the release that wrote it, or a later one.`);
  }
  if (version >= 1) return version;
  throw siteError(
    'STORAGE_CORRUPT',
    site,
    `its tables have version ${version}, which never existed. Restore it.`,
  );
}

/** SQLite does not always wait for a lock here, so this does. */
async function switchToWal(database: DatabaseSync, site: DatabaseFile, busyTimeoutMs: number): Promise<void> {
  const deadline = performance.now() + busyTimeoutMs;
  for (;;) {
    try {
      const mode = database.prepare(sql.walMode).get()?.journal_mode;
      if (mode === 'wal') return;
      throw siteError(
        'STORAGE_FAILED',
        site,
        `its file system has no write-ahead log, but '${mode}'. Use a local disk.`,
      );
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error;
    }
    await setTimeout(5);
  }
}

function older(site: DatabaseFile, version: number): Error {
  const reason = `its tables have version ${version}, but this release of the library needs ${schemaVersion}.`;
  return siteError(
    'STORAGE_OLDER',
    site,
    `${reason} Open it once with setupTables: true to bring them up to date.`,
  );
}

function notSetUp(site: DatabaseFile): Error {
  return siteError(
    'STORAGE_NOT_SET_UP',
    site,
    'there is nothing in it yet. Open it with setupTables: true first.',
  );
}
