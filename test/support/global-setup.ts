import type { TestProject } from 'vitest/node';
import { PostgresServer } from './servers/postgres-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** URL of a database in which each test uses schemas of its own. */
    postgresUrl: string;
  }
}

/** Prints the seed of the run, and starts one PostgreSQL server for all tests, unless KAHN_POSTGRES_URL names one. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const seed = Number(process.env.KAHN_SEED ?? Date.now() % 100_000);
  provide('seed', seed);
  console.log(`Seed ${seed} (repeat with KAHN_SEED=${seed})`);
  const url = process.env.KAHN_POSTGRES_URL;
  if (url !== undefined) {
    provide('postgresUrl', url);
    return async () => {};
  }
  const server = await PostgresServer.start();
  provide('postgresUrl', server.url());
  return () => server[Symbol.asyncDispose]();
}
