import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { expect, onTestFinished, test, vi } from 'vitest';
import { StorageError } from '../../src/storage/errors.ts';
import { ServerRetry } from '../../src/storage/postgres/connection/server-retry.ts';
import { openStorage, type StorageDescription } from '../../src/storage/storage.ts';
import { connectionString, query, temporarySchema } from '../support/servers/postgres.ts';
import { temporaryDirectory } from '../support/storages.ts';
import { takes, timersDuring } from '../support/watchers/timers.ts';
import { changes } from './postgres/faults/commit-scene.ts';

async function open(storage: StorageDescription) {
  const opened = await openStorage(storage);
  onTestFinished(() => opened.close());
  return { opened, recorder: await opened.openRecorder({ applicationName: 'orders', setupTables: true }) };
}

test('SQLite waits for another writer as long as busyTimeoutMs says', async () => {
  const directory = temporaryDirectory();
  const { recorder } = await open(sqlite({ directory, busyTimeoutMs: 500 }));
  onTestFinished(() => recorder.close());
  using rival = new DatabaseSync(join(directory, 'orders.sqlite'));
  rival.exec('begin immediate');
  const busy = { code: 'STORAGE_BUSY' };
  await takes(500, () => expect(recorder.record(0, [changes('a')])).rejects.toMatchObject(busy));
});

test('PostgreSQL bounds connecting, statements and answers by the options', async () => {
  const schema = temporarySchema();
  const limits = { connectionTimeoutMs: 65_432, statementTimeoutMs: 45_678 };
  const timers = await timersDuring(async () => {
    const { opened, recorder } = await open(postgres({ connectionString, schema, ...limits }));
    await recorder.record(0, [changes('a')]);
    const listening = await opened.listen!({ onPrompt() {}, onGap() {} });
    await listening[Symbol.asyncDispose]();
    await query(`
      create function ${schema}.show() returns trigger language plpgsql as $$ begin
        raise exception 'limit %', current_setting('statement_timeout');
      end $$;
      create trigger show before insert on ${schema}.orders_events execute function ${schema}.show()`);
    await expect(recorder.record(0, [changes('b')])).rejects.toThrow('limit 45678ms');
  });
  expect(timers).toContain(65_432);
  expect(timers).toContain(45_678 + 5_000);
  expect(Math.max(...timers)).toBe(65_432);
});

test('PostgreSQL is tried again for retryTimeoutMs after the first failure, and no longer', async () => {
  const tables = { applicationName: 'orders', location: 'a table' };
  let timeMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => timeMs);
  onTestFinished(() => void vi.restoreAllMocks());
  const failure = new StorageError('STORAGE_UNREACHABLE', 'orders', 'no connection');
  let tries = 0;
  const work = async () => {
    tries += 1;
    timeMs += 300;
    throw failure;
  };
  const retry = new ServerRetry(1_000, new AbortController().signal);
  await expect(retry.run(tables, 'reading', work)).rejects.toBe(failure);
  // Tries end at 300, 600, 900, 1,200 and 1,500 ms; the first failure was at 300 ms.
  expect(tries).toBe(5);
});
