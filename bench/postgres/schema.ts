import pg from 'pg';
import { freshName } from '../../test/support/servers/postgres-server.ts';

/** Does the work with a temporary schema. */
export async function inNewSchema<T>(
  connectionString: string,
  work: (schema: string) => Promise<T>,
): Promise<T> {
  const schema = freshName('bench');
  try {
    return await work(schema);
  } finally {
    await withClient(connectionString, (client) => client.query(`drop schema if exists ${schema} cascade`));
  }
}

async function withClient<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
