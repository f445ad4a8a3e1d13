import { basename, join } from 'node:path';
import { originalName, type SafeNameRules, safeName } from '../../util/safe-name.ts';
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

const extension = '.sqlite';

/** Returns the file of an application. Different application names have different files. */
export function databaseFileOf(directory: string, applicationName: string): DatabaseFile {
  const path = join(directory, `${safeName(applicationName, fileNames)}${extension}`);
  return { applicationName, path, location: `'${path}'` };
}

/** Returns whether a file has a name that the file of an application may have. */
export function isDatabaseName(fileName: string): boolean {
  return fileName.endsWith(extension);
}

/** Returns the application that a file is named after, or undefined if that is unknown because the name was cut. */
export function applicationOf(path: string): string | undefined {
  return originalName(basename(path, extension), fileNames);
}
