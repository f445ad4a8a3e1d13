import type { DatabaseSync } from 'node:sqlite';
import type { StorageLocation } from '../../storage-location.ts';

/** Names of the tables and of indexes of one application, ready for SQL. */
export interface TableNames {
  readonly events: string;
  readonly positions: string;
  readonly snapshots: string;
  readonly operations: string;
  readonly commands: string;
  /** Index of the commands by time. */
  readonly expiry: string;
  readonly parked: string;
  /** Index of the parked notifications by pipeline and whether they are due. */
  readonly due: string;
}

/** Marks by which a file of kahn is known. */
export interface FileMark {
  /** Option of `sqlite()` that chooses the layout. */
  readonly option: 'directory' | 'file';
  /** SQLite application id. */
  readonly applicationId: number;
  /** SQL that marks an empty database. */
  readonly mark: string;
}

/** A file of a layout. */
export interface LayoutFile extends StorageLocation {
  readonly path: string;
  readonly layout: FileMark;
}

/** A file that holds the tables of an application, or those of the keys of subjects. */
export interface DatabaseFile extends LayoutFile {
  /** Version of the tables that this release reads and writes. */
  readonly version: number;
  /** Returns the version of the tables in a marked database; undefined if there are none. */
  versionIn(database: DatabaseSync): number | undefined;
  /** Creates the tables in a transaction, or upgrades those of version `found`. */
  setUp(database: DatabaseSync, found: number | undefined): void;
}

/** The file that holds the tables of an application. */
export interface ApplicationFile extends DatabaseFile {
  readonly tables: TableNames;
}

/** How applications are divided among files. */
export interface Layout extends FileMark {
  /** Returns the file of an application. Different applications have different files or tables. */
  fileOf(applicationName: string): ApplicationFile;
  /** Returns the file of the keys of subjects. */
  subjectKeys(): DatabaseFile;
  /** Reads the names of all applications with tables, in the order of their UTF-8 bytes. */
  applicationNames(): readonly string[];
}
