import { DatabaseSync } from 'node:sqlite';
import type { StorageDescription } from 'kahn';
import { layoutOf } from '../../src/storage/sqlite/layout/layouts.ts';
import { settingsFrom } from '../../src/storage/sqlite/options.ts';
import { query } from './servers/postgres.ts';

/** Cuts the log of an application in a pipeline off after a notification, as an older copy of its storage would end. */
export async function cutOff(
  storage: StorageDescription,
  applicationName: string,
  head: number,
  pipelineId = 0,
): Promise<void> {
  const { schema } = storage.options;
  if (schema === undefined) {
    const { path, tables } = layoutOf(settingsFrom(storage.options)).fileOf(applicationName);
    using database = new DatabaseSync(path, { timeout: 5_000 });
    database.exec(
      `delete from ${tables.events} where pipeline_id = ${pipelineId} and notification_id > ${head}`,
    );
    return;
  }
  await query(`
    begin;
    delete from ${schema}.${applicationName}_events where pipeline_id = ${pipelineId} and notification_id > ${head};
    update ${schema}.${applicationName}_logs set head = ${head} where pipeline_id = ${pipelineId};
    commit`);
}

/** Copies an SQLite file, also while it is open elsewhere. */
export function copyFile(file: string, copy: string): void {
  using database = new DatabaseSync(file, { timeout: 5_000 });
  database.prepare('vacuum into ?').run(copy);
}

/** Puts the content of a copy into an SQLite file that may be open elsewhere, as a restore of a running server does. */
export function restoreFile(file: string, copy: string): void {
  using database = new DatabaseSync(file, { timeout: 5_000 });
  database.prepare('attach ? as copy').run(copy);
  const names = database
    .prepare("select name from copy.sqlite_schema where type = 'table' and name not like 'sqlite_%'")
    .all()
    .map(({ name }) => `"${name}"`);
  const statements = names.map(
    (name) => `delete from main.${name}; insert into main.${name} select * from copy.${name};`,
  );
  database.exec(`begin immediate; ${statements.join(' ')} commit`);
}
