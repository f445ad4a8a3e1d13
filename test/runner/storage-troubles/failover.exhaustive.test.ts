import { type PostgresOptions, postgres } from 'kahn/postgres';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { booksOf } from '../../storage/postgres/faults/shop-books.ts';
import { catchUp, ShopUnderLoad } from '../../storage/postgres/faults/shop-under-load.ts';
import { assertSound } from '../../support/logs.ts';
import { PostgresProxy } from '../../support/servers/postgres-proxy.ts';
import { PostgresServer } from '../../support/servers/postgres-server.ts';
import { until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { runners } from './troubled-shop.ts';

const schema = 'shop';

const [single, threads, processes] = runners;
const subjects = [single!, threads!, processes!].map((runner) => ({ ...runner, hasOwnPool: true }));

/** Options of a connection of kahn's own, or a pool of the user. */
function connectionTo(connectionString: string, hasOwnPool: boolean): PostgresOptions {
  if (hasOwnPool) return { connectionString };
  const pool = new pg.Pool({ connectionString, max: 5 });
  pool.on('error', () => {});
  onTestFinished(() => pool.end());
  return { pool };
}

test.each([...subjects, { ...single!, name: 'single-threaded with a pool of the user', hasOwnPool: false }])(
  '$name: a standby takes over under load, nothing is lost or doubled',
  async ({ start, hasOwnPool }) => {
    await using primary = await PostgresServer.start(['-c', 'fsync=off']);
    await using standby = await primary.startStandby();
    await using proxy = await PostgresProxy.start(primary.url());
    const events = watchRunners();
    const load = new ShopUnderLoad();
    const way = connectionTo(proxy.url, hasOwnPool);
    const storage = postgres({ ...way, schema, retryTimeoutMs: 1_000 });
    await load.serve(
      storage,
      async () => {
        await load.goesOn();
        await primary.stopImmediately('SIGKILL');
        proxy.switchTo(standby.url()); // it is a standby still, and refuses to record
        await load.fails('STORAGE_UNWRITABLE');
        await standby.promote();
        await load.goesOn(48);
      },
      start,
    );
    if (hasOwnPool) await until('every worker is closed', () => proxy.open === 0);
    await catchUp(postgres({ connectionString: standby.url(), schema }));
    expect(await booksOf(standby.url(), schema, load)).toEqual({ lost: [], doubled: [] });
    await assertSound(postgres({ connectionString: standby.url(), schema }));
    expect(events.filter(({ kind }) => kind === 'failed' || kind === 'restarted')).toEqual([]);
    const passing = ['STORAGE_UNWRITABLE', 'STORAGE_UNREACHABLE', 'STORAGE_OUTCOME_UNKNOWN', 'STORAGE_BUSY'];
    expect([...load.codes.keys()].filter((code) => !passing.includes(code))).toEqual([]);
  },
);
