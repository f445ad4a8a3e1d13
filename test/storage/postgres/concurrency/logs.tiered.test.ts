import { postgres } from 'kahn/postgres';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStorage } from '../../../../src/storage/storage.ts';
import { connectionString, query, temporarySchema } from '../../../support/servers/postgres.ts';
import { freshName } from '../../../support/servers/postgres-server.ts';
import { byTier } from '../../../support/tier.ts';
import type { Task } from './recorder-child.ts';
import { inProcesses } from './start-children.ts';

async function setUp(schema: string, url = connectionString): Promise<void> {
  const storage = await openStorage(postgres({ connectionString: url, schema }));
  await storage.openRecorder({ applicationName: 'orders', setupTables: true });
  await storage.close();
}

/** Creates a database whose statistics count the statements of the running test only. */
async function temporaryDatabase(): Promise<string> {
  const name = freshName('test');
  await query(`create database ${name}`);
  onTestFinished(async () => void (await query(`drop database ${name} with (force)`)));
  const url = new URL(connectionString);
  url.pathname = name;
  return url.href;
}

const events = byTier(16_000, 100_000);

describe('many processes that record in one log', () => {
  it(`8 writers leave no gap for 4 readers to see, in ${events} events`, async () => {
    const schema = temporarySchema();
    await setUp(schema);
    const writers = Array.from(
      { length: 8 },
      (_, index): Task => ({ name: 'write', schema, writer: `writer ${index}`, events: events / 8 }),
    );
    const readers = [0, 0, 0, 1].map(
      (pipelineId): Task => ({
        name: 'tail',
        schema,
        pipelineId,
        until: pipelineId === 0 ? events : events / 10,
      }),
    );
    const outcomes = await inProcesses([...readers, ...writers]);
    for (const outcome of outcomes) expect(outcome).toBeTypeOf('number');

    const logs = await query(`
      select pipeline_id, count(*)::integer, min(notification_id)::integer, max(notification_id)::integer,
        count(distinct notification_id)::integer as ids,
        count(distinct (originator_id, originator_version))::integer as events
      from ${schema}.orders_events group by pipeline_id order by pipeline_id`);
    const counted = (pipeline_id: number, count: number) => {
      return { pipeline_id, count, min: 1, max: count, ids: count, events: count };
    };
    expect(logs).toEqual([counted(0, events), counted(1, events / 10)]);
    expect(await query(`select pipeline_id, head::integer from ${schema}.orders_logs order by 1`)).toEqual([
      { pipeline_id: 0, head: events },
      { pipeline_id: 1, head: events / 10 },
    ]);
  });

  it('never deadlock, whatever the order of their positions', async () => {
    const url = await temporaryDatabase();
    const schema = 'shop';
    await setUp(schema, url);
    const rounds = 60;
    const task: Task = { name: 'trackInTurns', schema, rounds };
    const lost = await inProcesses([task, task, task, task], url);
    const total = lost.reduce<number>((sum, one) => sum + Number(one), 0);
    expect(total).toBeGreaterThan(0); // or they were never concurrent
    const positions = `select upstream_name, position::integer from ${schema}.orders_positions order by 1`;
    expect(await query(positions, [], url)).toEqual(
      ['north', 'south', 'west'].map((upstream_name) => {
        return { upstream_name, position: 4 * rounds - total };
      }),
    );
    const counted = 'select deadlocks::integer from pg_stat_database where datname = current_database()';
    expect(await query(counted, [], url)).toEqual([{ deadlocks: 0 }]);
  });
});
