import type { StorageDescription } from 'kahn';
import { type PostgresOptions, postgres } from 'kahn/postgres';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import { freshName } from './postgres-server.ts';

/** URL of the database that all tests share. */
export const connectionString: string = inject('postgresUrl');

/** Runs one statement on a new connection, and returns its rows. */
export async function query(text: string, values: unknown[] = [], url = connectionString) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

/** Creates an empty database for the running test, and returns its URL. */
export async function temporaryDatabase(): Promise<string> {
  const name = freshName('test');
  await query(`create database ${name}`);
  onTestFinished(async () => void (await query(`drop database if exists ${name} with (force)`)));
  const url = new URL(connectionString);
  url.pathname = name;
  return url.href;
}

/** Returns the name of a schema for the running test, which is dropped when the test has finished. */
export function temporarySchema(url = connectionString): string {
  const schema = freshName('test');
  onTestFinished(async () => void (await query(`drop schema if exists ${schema} cascade`, [], url)));
  return schema;
}

/** Returns empty PostgreSQL storage for the running test. */
export function temporaryPostgres(options: PostgresOptions = {}): StorageDescription {
  return postgres({ connectionString, schema: temporarySchema(), ...options });
}
