import { postgres } from 'kahn/postgres';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStorage } from '../../../../src/storage/storage.ts';
import { query, temporaryDatabase } from '../../../support/servers/postgres.ts';
import { until } from '../../../support/until.ts';
import { changes } from '../faults/commit-scene.ts';

/** A database whose sessions are read-only if they were opened while `isReadOnly` was true. */
async function switchable() {
  const url = await temporaryDatabase();
  const name = new URL(url).pathname.slice(1);
  const setReadOnly = (isReadOnly: boolean) =>
    query(`alter database ${name} set default_transaction_read_only = ${isReadOnly ? 'on' : 'off'}`);
  const endSessions = () =>
    query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
  return { url, setReadOnly, endSessions };
}

/** Opens a recorder with one session that was read-only from its start, and makes new sessions writable. */
async function openReadOnly(own: boolean) {
  const { url, setReadOnly, endSessions } = await switchable();
  const pool = new pg.Pool({ connectionString: url, max: 3 });
  pool.on('error', () => {});
  onTestFinished(() => pool.end());
  const storage = await openStorage(postgres(own ? { connectionString: url } : { pool }));
  onTestFinished(() => storage.close());
  const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables: true });
  expect(await recorder.record(0, [changes('a')])).toBe(1);
  await setReadOnly(true);
  await endSessions();
  await until('a new session is open', () =>
    recorder.head(0).then(
      () => true,
      () => false,
    ),
  );
  const refused = expect(recorder.record(0, [changes('b')])).rejects;
  await refused.toMatchObject({
    code: 'STORAGE_UNWRITABLE',
    transient: true,
    message: /Nothing .* recorded: repeat/,
  });
  await recorder.head(0);
  await setReadOnly(false);
  return { recorder, storage };
}

describe.each([
  ['of kahn', true],
  ['of the user', false],
])('a connection %s to a read-only server', (_, own) => {
  it('is replaced once the server accepts writes elsewhere, and the call succeeds', async () => {
    const { recorder } = await openReadOnly(own);
    expect(await recorder.head(0)).toBe(1); // on the session that is read-only
    expect(await recorder.record(0, [changes('b')])).toBe(2);
  });

  it('is replaced after a call under the write lock was refused', async () => {
    const { recorder } = await openReadOnly(own);
    expect(await recorder.head(0)).toBe(1); // on the session that is read-only
    const lock = await recorder.lock!();
    await expect(lock.record(0, [changes('b')])).rejects.toMatchObject({ code: 'STORAGE_UNWRITABLE' });
    expect(await (await recorder.lock!()).record(0, [changes('b')])).toBe(2);
  });
});

it('replaces the connection that listens when another one turns out to be read-only', async () => {
  const { recorder, storage } = await openReadOnly(true);
  let gaps = 0;
  const onGap = () => {
    gaps += 1;
  };
  const listening = await storage.listen!({ onPrompt() {}, onGap });
  onTestFinished(() => listening[Symbol.asyncDispose]());
  await until('it listens', () => gaps === 1);
  expect(await recorder.head(0)).toBe(1); // on the session that is read-only
  expect(await recorder.record(0, [changes('b')])).toBe(2);
  await until('it listens on a new connection', () => gaps === 2);
});
