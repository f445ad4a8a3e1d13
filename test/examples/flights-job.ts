import { join } from 'node:path';
import type { Application, StorageDescription, StoredNotification } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { canonicalHistories } from 'kahn/testing';
import { airTravel } from '../../examples/flights/system.ts';
import { temporaryDatabase } from '../support/servers/postgres.ts';
import { temporaryDirectory } from '../support/storages.ts';
import { type Outcome, startExample } from './example-program.ts';

/** Starts the job in a separate process. */
export function startJob(...args: readonly string[]) {
  return startExample('flights', ...args);
}

/** Runs the job to its end. */
export function runJob(...args: readonly string[]): Promise<Outcome> {
  return startJob(...args).outcome;
}

/** Storage of a job: its command line arguments, and the description for tests. */
export interface JobStorage {
  readonly args: readonly string[];
  readonly storage: StorageDescription;
}

/** SQLite files. */
export function inDirectory(directory: string = temporaryDirectory()): JobStorage {
  return { args: ['--directory', directory], storage: sqlite({ file: join(directory, 'flights.db') }) };
}

/** A PostgreSQL database, in which the job names the schema after its data. */
export async function inDatabase(schema: string): Promise<JobStorage> {
  const connectionString = await temporaryDatabase();
  return { args: ['--postgres', connectionString], storage: postgres({ connectionString, schema }) };
}

/** Complete logs of all applications by name. */
export function logsIn(location: JobStorage): Promise<Record<string, readonly StoredNotification[]>> {
  return withApplications(location, async (applications) => {
    const logs = applications.map(async ({ applicationName, log }) => [
      applicationName,
      await log.select(0, Number.MAX_SAFE_INTEGER),
    ]);
    return Object.fromEntries(await Promise.all(logs));
  });
}

/** The canonical histories of all applications. */
export function historiesIn(location: JobStorage): Promise<readonly string[]> {
  return withApplications(location, (all) => canonicalHistories(all, { causes: true }));
}

async function withApplications<T>(
  { storage }: JobStorage,
  use: (all: Application[]) => Promise<T>,
): Promise<T> {
  await using opened = new AsyncDisposableStack();
  const applications: Application[] = [];
  for (const kind of airTravel.applications) {
    const application = await airTravel.open(kind, { storage });
    applications.push(opened.use(application));
  }
  return await use(applications);
}
