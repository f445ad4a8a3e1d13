import { join } from 'node:path';
import { type SafeNameRules, safeName } from '../../util/safe-name.ts';
import type { StorageLocation } from '../storage-location.ts';

/** The file of one application. */
export interface DatabaseFile extends StorageLocation {
  readonly path: string;
}

// File systems allow 255 bytes, and SQLite appends `-journal`. Lower case only: some ignore case.
const fileNames: SafeNameRules = {
  allowed: /[a-z0-9_.-]/,
  escapeWith: '%',
  longest: 200,
  kept: 100,
  cut: '%-',
};

/** Returns the file of an application. Different application names have different files. */
export function databaseFileOf(directory: string, applicationName: string): DatabaseFile {
  const path = join(directory, `${safeName(applicationName, fileNames)}.sqlite`);
  return { applicationName, path, location: `'${path}'` };
}
