import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { StorageDescription } from 'kahn';
import { query } from './servers/postgres.ts';

/** Cuts the log of an application in pipeline 0 off after a notification, as an older copy of its storage would end. */
export async function cutOff(
  storage: StorageDescription,
  applicationName: string,
  head: number,
): Promise<void> {
  const { directory, schema } = storage.options;
  if (typeof directory === 'string') {
    using database = new DatabaseSync(join(directory, `${applicationName}.sqlite`), { timeout: 5_000 });
    database.exec(`delete from events where pipeline_id = 0 and notification_id > ${head}`);
    return;
  }
  await query(`
    begin;
    delete from ${schema}.${applicationName}_events where pipeline_id = 0 and notification_id > ${head};
    update ${schema}.${applicationName}_logs set head = ${head} where pipeline_id = 0;
    commit`);
}
