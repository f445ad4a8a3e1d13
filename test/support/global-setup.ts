import type { TestProject } from 'vitest/node';
import { PostgresServer } from './postgres-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** A database that tests may do with as they like, each in schemas of its own. */
    postgresUrl: string;
  }
}

/** One server for all tests: the one that KAHN_POSTGRES_URL leads to, or else one started here. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const url = process.env.KAHN_POSTGRES_URL;
  if (url !== undefined) {
    provide('postgresUrl', url);
    return async () => {};
  }
  const server = await PostgresServer.start();
  provide('postgresUrl', server.url());
  return () => server[Symbol.asyncDispose]();
}
