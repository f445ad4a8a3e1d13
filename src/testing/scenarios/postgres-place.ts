import { env } from 'node:process';
import { loadDriver } from '../../storage/postgres/connection/driver.ts';
import { postgres } from '../../storage/postgres/index.ts';
import { newId } from '../../util/ids.ts';
import type { MakePlace, StoragePlace } from './storage-places.ts';

/** Variables by which the driver finds a server. */
const variables = ['PGHOST', 'PGHOSTADDR', 'PGDATABASE', 'PGSERVICE'];

/** Returns a function that makes schemas in PostgreSQL, or the reason for which there is no server to use. */
export function postgresPlace(connectionString: string | undefined): MakePlace | string {
  const url = connectionString ?? env.DATABASE_URL;
  const isPostgres = url === undefined ? variables.some((name) => env[name]) : /^postgres(ql)?:/.test(url);
  if (connectionString === undefined && !isPostgres)
    return 'no server is known: set the option `connectionString`, DATABASE_URL or PGHOST';
  return () => temporarySchema(url);
}

async function temporarySchema(connectionString: string | undefined): Promise<StoragePlace> {
  const { Client } = await loadDriver();
  const schema = `kahn_test_${newId().replaceAll('-', '')}`;
  const server = connectionString === undefined ? {} : { connectionString };
  return {
    storage: postgres({ ...server, schema }),
    async [Symbol.asyncDispose]() {
      const client = new Client(server);
      await client.connect();
      try {
        await client.query(`drop schema if exists ${schema} cascade`);
      } finally {
        await client.end();
      }
    },
  };
}
