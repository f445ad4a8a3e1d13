import { postgres } from 'kahn/postgres';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { connectionString, temporarySchema } from '../../support/servers/postgres.ts';
import { freshName } from '../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { serve, start } from '../../support/servers/restate-shop.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { failing, isComplete, isInterrupted } from './troubled-shop.ts';

test('actors retry while the disk of the server is full', async () => {
  await using engine = await RestateEngine.start();
  const schema = temporarySchema();
  const storage = postgres({ connectionString, schema });
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  const options = { storage, systemActorName, pollIntervalMs: 200, shutdownOnClose: true };
  const runner = await start(engine, shop, options);
  const events = watchRunners();
  await runner.get(Orders).place('ada');
  await runner.caughtUp();
  const recover = await failing(`${schema}.reservations_events`, '53100');
  await runner.get(Orders).place('bob');
  const full = { code: 'STORAGE_FULL', transient: true, cause: { code: '53100' } };
  await isInterrupted(runner, 'reservations', full, 3);
  await recover();
  await isComplete(runner, 2);
  expect(events.filter(({ kind }) => kind === 'failed')).toEqual([]);
  await runner.close(); // needs the engine, so before it
});
