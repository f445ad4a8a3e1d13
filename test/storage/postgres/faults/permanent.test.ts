import { SingleThreadedRunner } from 'kahn';
import { postgres } from 'kahn/postgres';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { shop } from '../../../../examples/shop/shop.ts';
import type { StorageError } from '../../../../src/storage/errors.ts';
import type { Recorder } from '../../../../src/storage/recorder.ts';
import { openStorage } from '../../../../src/storage/storage.ts';
import { rejectionOf } from '../../../support/errors.ts';
import { connectionString, query, temporaryDatabase } from '../../../support/servers/postgres.ts';
import { PostgresProxy } from '../../../support/servers/postgres-proxy.ts';
import { freshName } from '../../../support/servers/postgres-server.ts';
import { changes, keyed } from './commit-scene.ts';

const password = 'geheim';
const stranger = freshName('stranger');
let proxy: PostgresProxy;

beforeAll(async () => {
  proxy = await PostgresProxy.start(connectionString);
  await query(`create role ${stranger} login password '${password}'`);
});

afterAll(async () => {
  await query(`drop role ${stranger}`);
  await proxy[Symbol.asyncDispose]();
});

/** Returns the URL of the proxy with some parts changed. */
function way(change: { [part in 'username' | 'password' | 'pathname' | 'host']?: string }): string {
  return Object.assign(new URL(proxy.url), change).href;
}

/** Returns the sockets, look-ups and timers of this process. */
function resources(): number {
  const counted = ['TCPSocketWrap', 'TCPConnectWrap', 'GetAddrInfoReqWrap', 'Timeout'];
  return process.getActiveResourcesInfo().filter((kind) => counted.includes(kind)).length;
}

async function expectRefusal(
  starting: Promise<unknown>,
  { code, says }: { code: string; says: RegExp },
): Promise<void> {
  const error = await rejectionOf(starting, Error);
  expect(error).toMatchObject({ code, applicationName: 'orders', transient: true });
  expect(error.message).toMatch(
    /^Application 'orders' cannot use schema 'shop' of database '\w+' at \S+:\d+: /,
  );
  expect(error.message).toMatch(says);
  for (let one: unknown = error; one instanceof Error; one = one.cause) {
    expect(`${one.message} ${JSON.stringify(one)}`).not.toMatch(/geheim|:kahn@|postgres:\/\//);
  }
}

const refusals = [
  {
    name: 'a wrong password',
    url: () => way({ password }),
    code: 'STORAGE_DENIED',
    says: /Check the user, its password, its rights and TLS\. \(password authentication failed/,
  },
  {
    name: 'an unknown user',
    url: () => way({ username: 'nobody', password }),
    code: 'STORAGE_DENIED',
    says: /Check the user/,
  },
  {
    name: 'an unknown database',
    url: () => way({ pathname: 'nowhere' }),
    code: 'STORAGE_MISSING',
    says: /there is no such database\. Create it first\. \(database "nowhere" does not exist\)/,
  },
  {
    name: 'a user without rights',
    url: () => way({ username: stranger, password }),
    code: 'STORAGE_DENIED',
    says: /its rights .*\(permission denied for database/,
  },
  {
    name: 'a port without a server',
    url: () => way({ host: '127.0.0.1:1' }),
    code: 'STORAGE_UNREACHABLE',
    says: /Check its host and port, and that it is running\. \(connect ECONNREFUSED 127\.0\.0\.1:1\)/,
  },
  {
    name: 'an unknown host',
    url: () => way({ host: 'db.invalid:5432' }),
    code: 'STORAGE_UNREACHABLE',
    says: /at db\.invalid:5432: .*Check its host.*\(getaddrinfo \w+ db\.invalid\)/,
  },
  {
    name: 'a read-only server',
    url: () => way({}).concat('?options=-c%20default_transaction_read_only%3Don'),
    code: 'STORAGE_UNWRITABLE',
    says: /Connect to the primary\. \(cannot execute CREATE SCHEMA in a read-only transaction\)/,
  },
] as const;

describe('starting with', () => {
  it.each(refusals)('$name fails at once and leaves nothing open', async ({ url, ...refusal }) => {
    const before = resources();
    const start = performance.now();
    const storage = postgres({ connectionString: url(), schema: 'shop' });
    await expectRefusal(SingleThreadedRunner.start(shop, { storage }), refusal);
    expect(performance.now() - start).toBeLessThan(5_000); // transient failures are retried for 10,000 ms
    await expect.poll(() => proxy.open).toBe(0);
    await expect.poll(resources).toBeLessThanOrEqual(before);
  });

  it('a database with another encoding fails', async () => {
    const name = freshName('test');
    await query(`create database ${name} encoding 'SQL_ASCII' template template0`);
    onTestFinished(async () => void (await query(`drop database ${name} with (force)`)));
    const storage = postgres({ connectionString: way({ pathname: name }), schema: 'shop' });
    await expectRefusal(SingleThreadedRunner.start(shop, { storage }), {
      code: 'STORAGE_FAILED',
      says: /stores text as SQL_ASCII, not as UTF8\. Create a database with encoding UTF8\./,
    });
    await expect.poll(() => proxy.open).toBe(0);
  });
});

describe('a recorder in use', () => {
  async function open(url: string): Promise<Recorder> {
    const openedStorage = await openStorage(postgres({ connectionString: url, schema: 'shop' }));
    onTestFinished(() => openedStorage.close());
    return openedStorage.openRecorder({ applicationName: 'orders', setupTables: true });
  }

  async function expectFailure(recorder: Recorder, code: StorageError['code'], says: RegExp): Promise<void> {
    const start = performance.now();
    await expectRefusal(recorder.record(0, [changes('a')]), { code, says });
    expect(performance.now() - start).toBeLessThan(5_000);
  }

  it('reports missing tables, and works again once they are restored', async () => {
    const url = await temporaryDatabase();
    const recorder = await open(url);
    await query('alter table shop.orders_events rename to kept', [], url);
    await expectFailure(recorder, 'STORAGE_NOT_SET_UP', /with setupTables: true, or restore them/);
    await expectRefusal(recorder.notifications(0, 0, 1), { code: 'STORAGE_NOT_SET_UP', says: /restore/ });
    await query('alter table shop.kept rename to orders_events', [], url);
    expect(await recorder.record(0, [changes('a')])).toBe(1);
  });

  it('reports a missing table of commands to calls with a key, and records the others', async () => {
    const url = await temporaryDatabase();
    const recorder = await open(url);
    await query('alter table shop.orders_commands rename to kept', [], url);
    const call = [{ ...changes('a'), ...keyed('k') }];
    await expectRefusal(recorder.record(0, call), { code: 'STORAGE_NOT_SET_UP', says: /restore them/ });
    expect(await recorder.record(0, [changes('b')])).toBe(1);
    await query('alter table shop.kept rename to orders_commands', [], url);
    expect(await recorder.record(0, call)).toBe(2);
  });

  it.each([
    [
      'unique index',
      'create unique index only_one on shop.orders_commands (fingerprint)',
      'drop index shop.only_one',
    ],
    [
      'check',
      "alter table shop.orders_commands add constraint no_k check (key <> 'k2')",
      'alter table shop.orders_commands drop constraint no_k',
    ],
    [
      'required column',
      'alter table shop.orders_commands add tenant text; alter table shop.orders_commands add constraint t check (tenant is not null) not valid',
      'alter table shop.orders_commands drop constraint t',
    ],
  ])('refuses a command that a foreign %s forbids, with its events', async (_, add, drop) => {
    const url = await temporaryDatabase();
    const recorder = await open(url);
    await recorder.record(0, [{ ...changes('a'), ...keyed('k1') }]);
    await query(add, [], url);
    const call = [{ ...changes('b'), ...keyed('k2') }];
    const error = await rejectionOf(recorder.record(0, call), Error);
    expect(error).toMatchObject({ code: 'STORAGE_REFUSED', applicationName: 'orders', transient: false });
    expect(error.message).toMatch(/Nothing of this call is recorded/);
    expect([await recorder.head(0), await recorder.command?.('k2')]).toEqual([1, undefined]);
    await query(drop, [], url);
    expect(await recorder.record(0, call)).toBe(2);
  });

  it('reports a missing schema', async () => {
    const url = await temporaryDatabase();
    const recorder = await open(url);
    await recorder.record(0, [changes('b')]);
    await query('drop schema shop cascade', [], url);
    await expectFailure(recorder, 'STORAGE_NOT_SET_UP', /restore them/);
  });

  it('reports a read-only server, and works again once the server accepts writes', async () => {
    const url = await temporaryDatabase();
    const name = new URL(url).pathname.slice(1);
    const recorder = await open(url);
    const become = async (readOnly: 'on' | 'off') => {
      await query(`alter database ${name} set default_transaction_read_only = ${readOnly}`);
      await query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
    };
    await become('on');
    await recorder.head(0); // finds its connection closed
    await expectFailure(recorder, 'STORAGE_UNWRITABLE', /Connect to the primary/);
    expect(await recorder.head(0)).toBe(0);
    await become('off');
    expect(await recorder.record(0, [changes('a')])).toBe(1);
  });

  it('reports a missing database', async () => {
    const url = await temporaryDatabase();
    const recorder = await open(url);
    await query(`drop database ${new URL(url).pathname.slice(1)} with (force)`);
    await expectFailure(recorder, 'STORAGE_MISSING', /there is no such database/);
  });
});
