import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Worker } from 'node:worker_threads';
import type { StorageDescription } from 'kahn';
import { postgres } from 'kahn/postgres';
import pg from 'pg';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Recorder } from '../../../src/storage/recorder.ts';
import { type OpenedStorage, openStorage } from '../../../src/storage/storage.ts';
import { connectionString, query, temporarySchema } from '../../support/servers/postgres.ts';

let schema: string;

beforeEach(() => {
  schema = temporarySchema();
});

/** Creates a pool whose connections have the name of the schema, to find them on the server. */
function temporaryPool(options: pg.PoolConfig = {}): pg.Pool {
  const pool = new pg.Pool({ connectionString, application_name: schema, max: 3, ...options });
  onTestFinished(() => pool.end());
  return pool;
}

async function open(
  storage: StorageDescription,
): Promise<{ openedStorage: OpenedStorage; recorder: Recorder }> {
  const openedStorage = await openStorage(storage);
  onTestFinished(() => openedStorage.close());
  return {
    openedStorage,
    recorder: await openedStorage.openRecorder({ applicationName: 'orders', setupTables: true }),
  };
}

/** Calls every statement of a recorder. */
async function useAll(recorder: Recorder): Promise<void> {
  const start = await recorder.head(0);
  const event = { originatorId: 'a', originatorVersion: start + 1, type: 'Made', data: '{}', timestamp: 0 };
  const snapshot = { originatorId: 'a', originatorVersion: start + 1, schema: 1, state: '{}' };
  const tracking = { upstreamName: 'up', expected: start, position: start + 1 };
  const made = { events: [event], snapshots: [snapshot], tracking };
  expect(await recorder.record(0, [made])).toBe(start + 1);
  await expect(recorder.record(0, [made])).rejects.toMatchObject({ code: 'RECORD_CONFLICT' });
  await recorder.recordSnapshots([snapshot]);
  expect(await recorder.notifications(0, start, 10)).toHaveLength(1);
  expect((await recorder.position(0, 'up')).position).toBe(start + 1);
  expect(await recorder.histories([{ originatorId: 'a', after: 0, useSnapshot: true }])).toHaveLength(1);
}

/** Records with `record`, and resolves with the prompt that the storage received. */
async function heard(openedStorage: OpenedStorage, record: () => Promise<unknown>): Promise<unknown> {
  const prompted = Promise.withResolvers<unknown>();
  const listening = await openedStorage.listen!({ onPrompt: prompted.resolve, onGap() {} });
  try {
    await record();
    return await prompted.promise;
  } finally {
    await listening[Symbol.asyncDispose]();
  }
}

function sessions(): Promise<{ pid: number }[]> {
  return query('select pid from pg_stat_activity where application_name = $1', [schema]);
}

/** Returns session state that must not remain in a shared session. */
async function leftOn(client: pg.ClientBase): Promise<unknown> {
  const { rows } = await client.query(`
    select (select count(*)::integer from pg_prepared_statements) as prepared,
      (select count(*)::integer from pg_listening_channels()) as channels,
      (select count(*)::integer from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()) as locks,
      (select array_agg(name::text) from pg_settings where source = 'session' and name <> 'application_name') as settings`);
  return rows[0];
}

const untouched = { prepared: 0, channels: 0, locks: 0, settings: null };

describe('a pool of the user', () => {
  it('serves all statements, keeps its sessions unchanged and stays usable', async () => {
    const pool = temporaryPool();
    const fresh = await pool.connect();
    expect(await leftOn(fresh)).toEqual(untouched);
    fresh.release();
    const { openedStorage, recorder } = await open(postgres({ pool, schema }));
    for (let i = 0; i < 7; i += 1) await useAll(recorder);
    await Promise.all([1, 2, 3].map(() => recorder.head(0)));

    const own = await open(postgres({ connectionString, schema }));
    expect(await heard(openedStorage, () => useAll(own.recorder))).toEqual({
      applicationName: 'orders',
      pipelineId: 0,
      head: 8,
    });
    expect(pool.idleCount).toBe(pool.totalCount);
    const clients = await Promise.all(Array.from({ length: pool.totalCount }, () => pool.connect()));
    expect(clients.length).toBeGreaterThan(0);
    const left = await Promise.all(clients.map(leftOn));
    const listeners = clients.map((client) => client.listenerCount('error'));
    expect(Math.max(...listeners)).toBeLessThanOrEqual(2); // of the pool itself
    for (const client of clients) client.release();
    expect(left).toEqual(clients.map(() => untouched));

    await recorder.close();
    await openedStorage.close();
    expect(pool.ended).toBe(false);
    expect((await pool.query('select 1')).rowCount).toBe(1);
  });

  it('permanently gives one connection to a listener', async () => {
    const pool = temporaryPool();
    const { openedStorage } = await open(postgres({ pool, schema }));
    const listening = await openedStorage.listen!({ onPrompt() {}, onGap() {} });
    expect(pool.totalCount - pool.idleCount).toBe(1);
    await listening[Symbol.asyncDispose]();
    expect(pool.totalCount - pool.idleCount).toBe(0);
  });

  it('may have a single connection while there is no listener', async () => {
    const { recorder } = await open(postgres({ pool: temporaryPool({ max: 1 }), schema }));
    await Promise.all([useAll(recorder), recorder.head(0), recorder.head(1)]);
  });

  it('opens connections outside of the context of the caller', async () => {
    const request = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const pool = temporaryPool();
    pool.on('connect', () => seen.push(request.getStore()));
    const { recorder } = await open(postgres({ pool, schema }));
    await request.run('a request', () => Promise.all([0, 1, 2].map(() => recorder.head(0))));
    expect(seen).toEqual([undefined, undefined, undefined]);
  });

  it('does not serve the listener with listenConnectionString', async () => {
    const pool = temporaryPool({ max: 1 });
    const { openedStorage, recorder } = await open(
      postgres({ pool, schema, listenConnectionString: connectionString }),
    );
    const own = await open(postgres({ connectionString, schema }));
    expect(await heard(openedStorage, () => useAll(own.recorder))).toMatchObject({ head: 1 });
    await useAll(recorder);
    expect(pool.totalCount).toBe(1);
  });

  it('may have type parsers of its own', async () => {
    const types = { getTypeParser: () => () => 'parsed otherwise' };
    const { recorder } = await open(postgres({ pool: temporaryPool({ types }), schema }));
    await useAll(recorder);
  });

  it('cannot be opened by another thread', async () => {
    const { module, options } = postgres({ pool: temporaryPool(), schema });
    const source = `
      const { workerData, parentPort } = await import('node:worker_threads');
      const { openStorage } = await import(workerData.module);
      await openStorage(workerData.options).catch(({ code, message }) => parentPort.postMessage({ code, message }));`;
    const url = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    const worker = new Worker(url, {
      workerData: { module, options },
      execArgv: ['--conditions=kahn-source'],
    });
    const [answer] = await once(worker, 'message');
    expect(answer).toEqual({
      code: 'INVALID_STORAGE',
      message: expect.stringMatching(/another thread or process.*connectionString/),
    });
    await worker.terminate();
  });
});

/** Collects the statements that the driver sends. */
function watchStatements(): { readonly names: string[]; readonly texts: string[] } {
  const spy = vi.spyOn(pg.Client.prototype, 'query');
  onTestFinished(() => spy.mockRestore());
  const asked = (): { text: string; name?: string }[] =>
    (spy.mock.calls as unknown[][]).map(([query]) => {
      return typeof query === 'string' ? { text: query } : (query as { text: string });
    });
  return {
    get names() {
      return asked().flatMap(({ name }) => name ?? []);
    },
    get texts() {
      return asked().map(({ text }) => text);
    },
  };
}

const ofSession =
  /\b(set_config|listen|prepare|deallocate|discard|declare|pg_advisory_lock|temp)\b|^\s*set\b/i;

describe('connections of its own', () => {
  /** URL whose connections have the name of the schema. */
  const named = (): string => {
    const url = new URL(connectionString);
    url.searchParams.set('application_name', schema);
    return url.href;
  };

  it('number poolSize at most, and are closed with the storage', async () => {
    const { openedStorage, recorder } = await open(
      postgres({ connectionString: named(), schema, poolSize: 2 }),
    );
    await Promise.all(Array.from({ length: 20 }, () => recorder.head(0)));
    expect(await sessions()).toHaveLength(2);
    await openedStorage.close();
    await expect.poll(sessions).toEqual([]);
    await openedStorage.close();
    await expect(recorder.head(0)).rejects.toMatchObject({ code: 'STORAGE_CLOSED' });
  });

  it('have statements prepared under few names', async () => {
    const watched = watchStatements();
    const { openedStorage, recorder } = await open(postgres({ connectionString, schema }));
    for (let i = 0; i < 5; i += 1) await useAll(recorder);
    expect(watched.names.length).toBeGreaterThan(30);
    expect(new Set(watched.names).size).toBeLessThan(10);
    expect(watched.texts).toContainEqual(expect.stringContaining('set_config'));
    expect(openedStorage.listen).toBeTypeOf('function');
  });

  it('use no session state with a transaction pooler', async () => {
    const watched = watchStatements();
    const { openedStorage, recorder } = await open(
      postgres({ connectionString, schema, transactionPooler: true }),
    );
    await useAll(recorder);
    expect(watched.names).toEqual([]);
    expect(watched.texts.length).toBeGreaterThan(10);
    for (const text of watched.texts) expect(text).not.toMatch(ofSession);
    expect(openedStorage).not.toHaveProperty('listen');
    const pool = await open(postgres({ pool: temporaryPool(), schema, transactionPooler: true }));
    expect(pool.openedStorage).not.toHaveProperty('listen');
  });

  it('may bypass a transaction pooler to listen', async () => {
    const pooled = { connectionString, schema, transactionPooler: true };
    const { openedStorage } = await open(postgres({ ...pooled, listenConnectionString: connectionString }));
    const own = await open(postgres(pooled));
    expect(await heard(openedStorage, () => useAll(own.recorder))).toMatchObject({ head: 1 });
  });

  it('cancel a statement after statementTimeoutMs', async () => {
    await open(postgres({ connectionString, schema })); // creates the tables, which may take longer
    const { recorder } = await open(
      postgres({ connectionString, schema, statementTimeoutMs: 1_000, retryTimeoutMs: 0 }),
    );
    const client = new pg.Client({ connectionString });
    await client.connect();
    await client.query(`begin; lock table ${schema}.orders_logs`);
    const start = performance.now();
    await expect(recorder.head(0)).rejects.toMatchObject({ code: 'STORAGE_BUSY' });
    expect(performance.now() - start).toBeLessThan(6_000); // waiting for the answer would take 5,000 ms more
    await client.end();
    expect(await recorder.head(0)).toBe(0);
  });

  it('fail to open after connectionTimeoutMs', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const { port } = silent.address() as AddressInfo;
    const start = performance.now();
    await expect(
      open(postgres({ connectionString: `postgres://127.0.0.1:${port}/app`, connectionTimeoutMs: 100 })),
    ).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
    expect(performance.now() - start).toBeLessThan(2_000);
  });
});
