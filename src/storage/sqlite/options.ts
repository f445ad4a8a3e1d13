import { resolve } from 'node:path';
import { InvalidStorageError } from '../errors.ts';

/** Where the files are, and how safely and patiently they are written. */
export interface SqliteOptions {
  /** An existing directory. */
  readonly directory: string;
  /**
   * FULL, the default, keeps every commit through a power cut; NORMAL may lose the last ones, but only in
   * whole.
   */
  readonly synchronous?: 'FULL' | 'NORMAL';
  /** How long a call waits, blocking its thread, while another thread or process writes; 5 000 by default. */
  readonly busyTimeoutMs?: number;
}

export type SqliteSettings = Required<SqliteOptions>;

const known = ['directory', 'synchronous', 'busyTimeoutMs'];
const maxTimeoutMs = 0x7fffffff; // SQLite takes a 32-bit integer

/** Checks the options and fills in the defaults; throws {@link InvalidStorageError}. */
export function settingsFrom(options: Readonly<Record<string, unknown>>): SqliteSettings {
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw invalid(unknown, options[unknown], `none of the options ${known.join(', ')}`);
  const { directory, synchronous = 'FULL', busyTimeoutMs = 5_000 } = options;
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw invalid('directory', directory, 'not the path of a directory');
  }
  if (synchronous !== 'FULL' && synchronous !== 'NORMAL') {
    throw invalid('synchronous', synchronous, "neither 'FULL' nor 'NORMAL'");
  }
  if (!isTimeout(busyTimeoutMs)) {
    throw invalid('busyTimeoutMs', busyTimeoutMs, `not a whole number from 0 to ${maxTimeoutMs}`);
  }
  // Absolute, so that threads and processes with another working directory mean the same files.
  return { directory: resolve(directory), synchronous, busyTimeoutMs };
}

function isTimeout(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= maxTimeoutMs;
}

function invalid(name: string, value: unknown, fault: string): InvalidStorageError {
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return new InvalidStorageError(`sqlite() was given ${name}: ${shown}, which is ${fault}.`);
}
