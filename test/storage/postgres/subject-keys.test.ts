import { postgres } from 'kahn/postgres';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStorage } from '../../../src/storage/storage.ts';
import type { SubjectKeyTable } from '../../../src/storage/subject-keys.ts';
import {
  connectionString,
  query,
  temporaryDatabase,
  temporarySchema,
} from '../../support/servers/postgres.ts';
import { PostgresProxy } from '../../support/servers/postgres-proxy.ts';
import { until } from '../../support/until.ts';
import { inProcesses } from './concurrency/start-children.ts';
import { isOnDisk } from './table-file.ts';

async function open(
  schema: string,
  { url = connectionString, setupTables = true, transactionPooler = false, retryTimeoutMs = 10_000 } = {},
): Promise<SubjectKeyTable> {
  const storage = await openStorage(
    postgres({ connectionString: url, schema, transactionPooler, retryTimeoutMs }),
  );
  onTestFinished(() => storage.close());
  const keys = await storage.openSubjectKeys?.({ setupTables });
  if (keys === undefined) throw new Error('The storage keeps no keys of subjects.');
  return keys;
}

/** Opens the table through a proxy, by whose rule the statements that change it are delivered. */
async function openThroughProxy(schema: string, retryTimeoutMs?: number) {
  const proxy = await PostgresProxy.start(connectionString);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  const keys = await open(schema, {
    url: proxy.url,
    ...(retryTimeoutMs !== undefined && { retryTimeoutMs }),
  });
  return { proxy, keys };
}

describe('the table of keys', () => {
  it('is created once although six processes open it at once, beside the tables of applications', async () => {
    const schema = temporarySchema();
    const tasks = Array.from({ length: 6 }, (_, index) => ({
      name: index % 2 === 0 ? ('open' as const) : ('shred' as const),
      schema,
      first: 0,
      subjects: 0,
    }));
    expect(await inProcesses(tasks)).toEqual(Array(6).fill(0));
    const applications = await query(`select * from ${schema}.kahn_applications order by 1`);
    expect(applications).toEqual([
      { application_name: '', version: 1 },
      { application_name: 'orders', version: 6 },
    ]);
  });

  it('is not created with setupTables: false, and refused if a later release has changed it', async () => {
    const schema = temporarySchema();
    const missing = { code: 'STORAGE_NOT_SET_UP', applicationName: '' };
    await expect(open(schema, { setupTables: false })).rejects.toMatchObject(missing);
    await open(schema);
    await open(schema, { setupTables: false });
    await query(`update ${schema}.kahn_applications set version = 2 where application_name = ''`);
    const newer = { code: 'STORAGE_NEWER', message: expect.stringMatching(/version 2.* knows 1/) };
    await expect(open(schema)).rejects.toMatchObject(newer);
    await expect(open(schema, { setupTables: false })).rejects.toMatchObject(newer);
  });

  it('is not created over a table of another program', async () => {
    const schema = temporarySchema();
    await query(`create schema ${schema}`);
    await query(`create table ${schema}.kahn_subjects (note text)`);
    await expect(open(schema)).rejects.toMatchObject({
      code: 'STORAGE_FOREIGN',
      message: expect.stringContaining('kahn_subjects'),
    });
  });

  it('works without session state, as behind a transaction pooler', async () => {
    const url = await temporaryDatabase();
    const keys = await open('shop', { url, transactionPooler: true });
    const entry = { subject: 'ada', key: 'secret-of-ada' };
    expect(await keys.add([entry])).toEqual([entry]);
    expect(await isOnDisk(url, entry.key)).toBe(true);
    expect(await keys.delete('ada', 1)).toBe(true);
    expect(await isOnDisk(url, entry.key)).toBe(false);
    expect(await keys.read(['ada'])).toEqual([{ subject: 'ada', key: undefined }]);
  });
});

describe('a deletion', () => {
  it('removes the key from the file of the table', async () => {
    const url = await temporaryDatabase();
    const keys = await open('shop', { url });
    const subjects = Array.from({ length: 8 }, (_, index) => ({
      subject: `subject ${index}`,
      key: `secret-${index}-of-the-subject`,
    }));
    await keys.add(subjects);
    for (const { key } of subjects) expect(await isOnDisk(url, key)).toBe(true);
    for (const { subject, key } of subjects.filter((_, index) => index % 7 === 0)) {
      await keys.delete(subject, 5);
      expect(await isOnDisk(url, key)).toBe(false);
    }
    for (const { key } of subjects.filter((_, index) => index % 7 === 1))
      expect(await isOnDisk(url, key)).toBe(true);
  });

  it('succeeds while an older transaction may read the key, which a later deletion removes', async () => {
    const url = await temporaryDatabase();
    const keys = await open('shop', { url });
    await keys.add([
      { subject: 'ada', key: 'secret-of-ada' },
      { subject: 'bo', key: 'secret-of-bo' },
    ]);
    const reader = new pg.Client({ connectionString: url });
    await reader.connect();
    onTestFinished(() => reader.end());
    await reader.query('begin isolation level repeatable read');
    const read = () => reader.query("select key from shop.kahn_subjects where subject = 'ada'");
    await read();
    expect(await keys.delete('ada', 5)).toBe(true);
    expect((await read()).rows).toEqual([{ key: 'secret-of-ada' }]);
    expect(await keys.read(['ada'])).toEqual([{ subject: 'ada', key: undefined }]);
    expect(await isOnDisk(url, 'secret-of-ada')).toBe(true);
    await reader.query('commit');
    expect(await keys.delete('ada', 6)).toBe(false);
    expect(await isOnDisk(url, 'secret-of-ada')).toBe(false);
  });

  it.each(['commit', 'delete'])('whose answer to the %s is lost is found by another try', async (what) => {
    const schema = temporarySchema();
    const { proxy, keys } = await openThroughProxy(schema);
    let seen = 0;
    proxy.fate = (text) => {
      if (!(what === 'commit' ? /^commit/ : /deletion = excluded/).test(text)) return 'pass';
      seen += 1;
      return seen === 1 ? 'cut after' : 'pass';
    };
    await keys.add([{ subject: 'ada', key: 'k' }]);
    expect(await keys.delete('ada', 5)).toBe(true);
    expect(seen).toBeGreaterThan(1);
    expect(await keys.deleted(0, 10)).toEqual([{ number: 1, subject: 'ada', timestamp: 5 }]);
    expect(await keys.delete('ada', 6)).toBe(false);
  });

  it('is reported as unknown if no connection is possible in time', async () => {
    const schema = temporarySchema();
    const { proxy, keys } = await openThroughProxy(schema, 200);
    proxy.fate = (text) => {
      if (!text.startsWith('commit')) return 'pass';
      proxy.isRefusing = true;
      return 'cut after';
    };
    await expect(keys.delete('ada', 5)).rejects.toMatchObject({
      code: 'STORAGE_OUTCOME_UNKNOWN',
      transient: true,
      message: expect.stringMatching(/^kahn cannot use schema .*Repeat the call/),
    });
    proxy.isRefusing = false;
    proxy.fate = () => 'pass';
    expect(await keys.delete('ada', 6)).toBe(false);
    expect(await keys.deleted(0, 10)).toEqual([{ number: 1, subject: 'ada', timestamp: 5 }]);
  });
});

describe('keys that several hosts use', () => {
  it('an addition that loses to another host has the key of that host', async () => {
    const schema = temporarySchema();
    const keys = await open(schema);
    const rival = new pg.Client({ connectionString });
    await rival.connect();
    onTestFinished(() => rival.end());
    await rival.query(`begin; insert into ${schema}.kahn_subjects (subject, key) values ('ada', 'theirs')`);
    const adding = keys.add([
      { subject: 'bo', key: 'ours' },
      { subject: 'ada', key: 'ours' },
    ]);
    const waiting = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%"${schema}".%'`;
    await until('the addition waits', async () => (await query(waiting)).length > 0);
    await rival.query('commit');
    expect(await adding).toEqual([
      { subject: 'bo', key: 'ours' },
      { subject: 'ada', key: 'theirs' },
    ]);
  });

  it('deletions of four processes have contiguous numbers, and no reader sees a gap', async () => {
    const schema = temporarySchema();
    const keys = await open(schema);
    const subjects = 60;
    const shredding = inProcesses(
      [0, 1, 2, 3].map((quarter) => ({ name: 'shred', schema, first: (quarter * subjects) / 4, subjects })),
    );
    let isOver = false;
    const firsts = shredding.finally(() => {
      isOver = true;
    });
    let read = 0;
    while (!isOver || read < subjects) {
      for (const { number } of await keys.deleted(read, 10)) {
        expect(number).toBe(read + 1);
        read = number;
      }
    }
    const counts = await firsts;
    expect(counts.reduce<number>((sum, one) => sum + Number(one), 0)).toBe(subjects);
    expect(await keys.deleted(0, 1_000)).toHaveLength(subjects);
  });
});
