import { postgres } from 'kahn/postgres';
import { describe, expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { connectionString, temporarySchema } from '../../support/servers/postgres.ts';
import { byTier } from '../../support/tier.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { failing, isComplete, isInterrupted, runners } from './troubled-shop.ts';

/** Errors of the server that pass, by SQLSTATE. */
const passing: readonly (readonly [state: string, code: string])[] = byTier(
  [['53100', 'STORAGE_FULL']],
  [
    ['25006', 'STORAGE_UNWRITABLE'],
    ['42P01', 'STORAGE_NOT_SET_UP'],
    ['XX000', 'STORAGE_FAILED'],
  ],
);

describe.each(runners)('$name', ({ start }) => {
  test.each(passing)('retries while the server answers with %s', async (state, code) => {
    const schema = temporarySchema();
    const events = watchRunners();
    await using runner = await start(postgres({ connectionString, schema, retryTimeoutMs: 200 }));
    const orders = runner.get(Orders);
    await orders.place('ada');
    await runner.caughtUp();
    const recover = await failing(`${schema}.reservations_events`, state);
    const placing = orders.place('bob'); // on one thread, resolves when its followers are done
    await isInterrupted(runner, 'reservations', { code, transient: true, cause: { code: state } }, 3);
    expect(events.filter(({ kind }) => kind === 'failed')).toEqual([]);
    await recover();
    await placing;
    await isComplete(runner, 2);
  });
});

test('a refused row stops its application', async () => {
  const schema = temporarySchema();
  await using runner = await runners[1]!.start(postgres({ connectionString, schema }));
  await failing(`${schema}.reservations_events`, '23514');
  await runner.get(Orders).place('ada');
  await expect(runner.caughtUp()).rejects.toMatchObject({
    code: 'DOWNSTREAM_FAILED',
    cause: { code: 'POLICY_FAILED', notificationId: 1, cause: { code: 'STORAGE_REFUSED' } },
  });
});
