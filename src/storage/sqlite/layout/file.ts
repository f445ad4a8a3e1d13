import type { DatabaseSync } from 'node:sqlite';
import type { StorageLocation } from '../../storage-location.ts';

/** Names of the tables and of an index of one application, ready for SQL. */
export interface TableNames {
  readonly events: string;
  readonly positions: string;
  readonly snapshots: string;
  readonly operations: string;
  readonly commands: string;
  /** Index of the commands by time. */
  readonly expiry: string;
}

/** A file of a layout. */
export interface LayoutFile extends StorageLocation {
  readonly path: string;
  readonly layout: Layout;
}

/** The file that holds the tables of an application. */
export interface DatabaseFile extends LayoutFile {
  readonly tables: TableNames;
}

/** How applications are divided among files. */
export interface Layout {
  /** Option of `sqlite()` that chooses the layout. */
  readonly option: 'directory' | 'file';
  /** Returns the file of an application. Different applications have different files or tables. */
  fileOf(applicationName: string): DatabaseFile;
  /** SQL that marks an empty database as a file of this layout. */
  readonly mark: string;
  /** Returns the version of an application's tables in a marked database; undefined if there are none. */
  versionIn(database: DatabaseSync, file: DatabaseFile): number | undefined;
  /** Notes the name of an application and the version of its tables, in a transaction. */
  register(database: DatabaseSync, applicationName: string): void;
  /** Reads the names of all applications with tables, in the order of their UTF-8 bytes. */
  applicationNames(): readonly string[];
}
