import { hash } from 'node:crypto';
import { inspect } from 'node:util';
import { InvalidStorageError } from '../errors.ts';

const longestPrefix = 48; // PostgreSQL allows 63 bytes, and a word such as `_snapshots` follows
const keptOfLong = 24;

/** Throws {@link InvalidStorageError} unless it is the name of a schema that needs no quotes. */
export function assertSchema(schema: unknown): asserts schema is string {
  if (typeof schema === 'string' && /^[a-z_][a-z0-9_]{0,62}$/.test(schema) && !isReserved(schema)) return;
  throw new InvalidStorageError(
    `postgres() was given the schema ${inspect(schema)}: a schema is named by up to 63 lower-case letters, ` +
      'digits and underscores, begins with none of the digits or pg_, and is not information_schema.',
  );
}

function isReserved(schema: string): boolean {
  return schema.startsWith('pg_') || schema === 'information_schema';
}

/**
 * What the tables of an application begin with: its name where that consists of lower-case letters, digits and
 * underscores. Other bytes stand as `$` and two hexadecimal digits, and a long name is cut and told apart by a
 * hash, so different names have different tables.
 */
export function tablePrefix(applicationName: string): string {
  const encoded = Array.from(Buffer.from(applicationName), encodeByte).join('');
  if (encoded.length <= longestPrefix) return encoded;
  const digest = hash('sha256', encoded).slice(0, longestPrefix - keptOfLong - 2);
  return `${encoded.slice(0, keptOfLong)}$$${digest}`; // no byte is encoded as `$$`
}

function encodeByte(byte: number): string {
  const character = String.fromCharCode(byte);
  return /[a-z0-9_]/.test(character) ? character : `$${byte.toString(16).padStart(2, '0')}`;
}

/** An identifier in SQL. */
export function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
