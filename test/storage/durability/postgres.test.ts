import { postgres } from 'kahn/postgres';
import { expect, onTestFinished, test } from 'vitest';
import { type OpenedStorage, openStorage } from '../../../src/storage/storage.ts';
import { connectionString, query, temporarySchema } from '../../support/servers/postgres.ts';
import { changes, moved } from '../postgres/faults/commit-scene.ts';

/** Opens a storage on a connection string with `synchronous_commit` set to a value. */
async function openWith(value: string, schema: string): Promise<OpenedStorage> {
  const url = new URL(connectionString);
  url.searchParams.set('options', `-c synchronous_commit=${value}`);
  const storage = await openStorage(postgres({ connectionString: url.href, schema }));
  onTestFinished(() => storage.close());
  return storage;
}

test.each(['on', 'local', 'off'])('commits keep synchronous_commit = %s of the database', async (value) => {
  const schema = temporarySchema();
  const storage = await openWith(value, schema);
  const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables: true });
  await query(`
    create table ${schema}.seen (value text);
    create function ${schema}.note() returns trigger language plpgsql as $$ begin
      insert into ${schema}.seen values (current_setting('synchronous_commit'));
      return null;
    end $$;
    create trigger note after insert or update on ${schema}.orders_events execute function ${schema}.note();
    create trigger note after insert or update on ${schema}.orders_positions execute function ${schema}.note();
    create trigger note after insert or update on ${schema}.orders_snapshots execute function ${schema}.note()`);
  const snapshot = { originatorId: 'a', originatorVersion: 1, schema: 1, state: '{}' };
  await recorder.record(0, [changes('a', 2)]);
  await recorder.record(0, [{ ...changes('b'), ...moved(0, 1), snapshots: [snapshot] }]);
  await recorder.record(0, [{ ...changes('c', 2), ...moved(1, 2) }]);
  await recorder.record(0, [{ ...changes('d'), ...moved(2, 3) }]);
  await recorder.record(0, [{ events: [], snapshots: [], ...moved(3, 4) }]);
  await recorder.recordSnapshots([snapshot]);
  const seen = await query(`select value, count(*)::integer from ${schema}.seen group by value`);
  expect(seen).toEqual([{ value, count: expect.any(Number) }]);
  expect(seen[0].count).toBeGreaterThan(8);
});
