import { postgres } from 'kahn/postgres';
import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import type { ProcessEvent, Recorder } from '../../../../src/storage/recorder.ts';
import { openStorage, type StorageDescription } from '../../../../src/storage/storage.ts';
import { connectionString, temporarySchema } from '../../../support/servers/postgres.ts';

async function openIn(storage: StorageDescription, ...names: string[]): Promise<Recorder[]> {
  const opened = await openStorage(storage);
  onTestFinished(() => opened.close());
  return Promise.all(
    names.map((applicationName) => opened.openRecorder({ applicationName, setupTables: true })),
  );
}

function inPoolOf(poolSize: number): StorageDescription {
  return postgres({ connectionString, schema: temporarySchema(), poolSize, connectionTimeoutMs: 500 });
}

function made(originatorId: string): ProcessEvent {
  const event = { originatorId, originatorVersion: 1, type: 'Made', data: '{}', timestamp: 0 };
  return { events: [event], snapshots: [] };
}

it('calls that wait for the write lock leave the second connection of a pool to its holder', async () => {
  const [orders] = (await openIn(inPoolOf(2), 'orders')) as [Recorder];
  const lock = await orders.lock!();
  const waiting = [orders.record(0, [made('a')]), orders.record(1, [made('b')])];
  expect(await orders.head(0)).toBe(0);
  expect(await lock.record(0, [made('c')])).toBe(1);
  expect(await Promise.all(waiting)).toEqual([2, 1]);
});

it('the write locks of several applications in a pool are taken one after the other', async () => {
  const [orders, payments] = (await openIn(inPoolOf(2), 'orders', 'payments')) as [Recorder, Recorder];
  const lock = await orders.lock!();
  const next = payments.lock!();
  expect(await payments.head(0)).toBe(0);
  await lock.release();
  expect(await (await next).record(0, [made('a')])).toBe(1);
});

it('a pool with a single connection has no write lock', async () => {
  const pool = new pg.Pool({ connectionString, max: 1 });
  onTestFinished(() => pool.end());
  const storages = [inPoolOf(1), postgres({ pool, schema: temporarySchema() })];
  for (const storage of storages) {
    const [orders] = (await openIn(storage, 'orders')) as [Recorder];
    expect(orders.lock).toBe(undefined);
    expect(await orders.record(0, [made('a')])).toBe(1);
  }
});

it('a lock that is released twice does not end the transaction of another lock', async () => {
  const [orders] = (await openIn(inPoolOf(3), 'orders')) as [Recorder];
  const lock = await orders.lock!();
  await lock.release();
  const next = await orders.lock!();
  await lock.release();
  expect(await next.record(0, [made('a')])).toBe(1);
  expect(await lock.record(0, [made('b')])).toBe(2);
});
