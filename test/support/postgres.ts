import type { StorageDescription } from 'kahn';
import { type PostgresOptions, postgres } from 'kahn/postgres';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import { freshName } from './postgres-server.ts';

/** The server that all tests share. */
export const connectionString: string = inject('postgresUrl');

/** Runs one statement on a connection of its own, and gives its rows. */
export async function query(text: string, values: unknown[] = [], url = connectionString) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** The URL of an empty database of the running test's own, dropped when it has finished. */
export async function temporaryDatabase(): Promise<string> {
  const name = freshName('test');
  await query(`create database ${name}`);
  onTestFinished(async () => void (await query(`drop database if exists ${name} with (force)`)));
  const url = new URL(connectionString);
  url.pathname = name;
  return url.href;
}

/** A schema of the running test's own, dropped when it has finished. */
export function temporarySchema(url = connectionString): string {
  const schema = freshName('test');
  onTestFinished(async () => void (await query(`drop schema if exists ${schema} cascade`, [], url)));
  return schema;
}

/** Empty storage for the running test. */
export function temporaryPostgres(options: PostgresOptions = {}): StorageDescription {
  return postgres({ connectionString, schema: temporarySchema(), ...options });
}
