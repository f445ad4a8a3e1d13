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

/** Returns the size of a table without its indexes. */
export function tableBytes(connectionString: string, table: string): Promise<number> {
  return withClient(connectionString, async (client) => {
    const { rows } = await client.query('select pg_relation_size($1) as bytes', [table]);
    return Number(rows[0].bytes);
  });
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
