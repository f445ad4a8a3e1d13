import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { postgres } from 'kahn/postgres';
import { expect, it } from 'vitest';
import { openStorage } from '../../../src/storage/storage.ts';
import type { StoredEvent } from '../../../src/storage/stored-event.ts';
import { connectionString, query, temporarySchema } from '../../support/servers/postgres.ts';

async function schemaOfVersion(version: 1 | 2): Promise<string> {
  const schema = temporarySchema();
  const file = new URL(`./fixtures/version-${version}.sql`, import.meta.url);
  await query(readFileSync(file, 'utf8').replaceAll('schema_of_fixture', schema));
  return schema;
}

/** Records the same events in pipeline 8 without, and in pipeline 9 with a cause in `upstreamName` and a correlation id. */
async function recordTwice(schema: string, upstreamName: string): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const storage = await openStorage(postgres({ connectionString, schema }));
  opened.defer(() => storage.close());
  const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables: true });
  const plain = Array.from({ length: 300 }, (_, index): StoredEvent => {
    const data = JSON.stringify({ note: 'x'.repeat(index) });
    return { originatorId: randomUUID(), originatorVersion: 1, type: 'Made', data, timestamp: index };
  });
  const full = plain.map((event, index) => {
    const cause = { applicationName: upstreamName, pipelineId: 9, notificationId: index + 1 };
    return { ...event, originatorId: randomUUID(), cause, correlationId: randomUUID().replace(/^ff/, '00') };
  });
  await recorder.record(8, [{ events: plain, snapshots: [] }]);
  await recorder.record(9, [{ events: full, snapshots: [] }]);
}

it.each([
  ['new tables', temporarySchema],
  ['tables that were created with version 1', () => schemaOfVersion(1)],
  ['tables that were created with version 2', () => schemaOfVersion(2)],
])('rows of events of policies are at most 40 bytes longer, in %s', async (_tables, create) => {
  const schema = await create();
  await recordTwice(schema, 'reservations');
  // The server stores rows at multiples of 8 bytes.
  const length = (row: string) => `(pg_column_size(${row}.*) + 7) / 8 * 8`;
  const [found] = await query(`
    select count(*)::integer, max(${length('long')} - ${length('short')}) as longer
    from ${schema}.orders_events short join ${schema}.orders_events long using (notification_id)
    where short.pipeline_id = 8 and long.pipeline_id = 9`);
  expect(found).toEqual({ count: 300, longer: 40 });
});
