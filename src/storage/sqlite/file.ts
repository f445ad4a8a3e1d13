import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { DatabaseFile } from './errors.ts';

const longestName = 200; // file systems allow 255 bytes, and SQLite appends `-journal`

/**
 * The file of an application; different names have different files, also where upper and lower case are
 * one.
 */
export function databaseFileOf(directory: string, applicationName: string): DatabaseFile {
  const encoded = Array.from(Buffer.from(applicationName), encodeByte).join('');
  return { applicationName, file: join(directory, `${shortened(encoded)}.sqlite`) };
}

function encodeByte(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[a-z0-9_.-]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`;
}

function shortened(encoded: string): string {
  if (encoded.length <= longestName) return encoded;
  return `${encoded.slice(0, 100)}%-${hash('sha256', encoded)}`; // no byte is encoded as `%-`
}
