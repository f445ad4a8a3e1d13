import { memory } from 'kahn';
import { expect, test } from 'vitest';
import { lastDeleted } from '../../../src/application/personal/last-deleted.ts';
import { cipherOf, SubjectKeys } from '../../../src/application/personal/subject-keys.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import type { SubjectKeyTable } from '../../../src/storage/subject-keys.ts';

/** A table that counts its reads, and can be exchanged for another one, as when a storage is restored. */
async function tableOf(): Promise<SubjectKeyTable & { inner: SubjectKeyTable; calls: string[] }> {
  const counted = {
    inner: await emptyTable(),
    calls: [] as string[],
    add: (...args: Parameters<SubjectKeyTable['add']>) => counted.call('add').add(...args),
    read: (...args: Parameters<SubjectKeyTable['read']>) => counted.call('read').read(...args),
    delete: (...args: Parameters<SubjectKeyTable['delete']>) => counted.call('delete').delete(...args),
    deleted: (...args: Parameters<SubjectKeyTable['deleted']>) => counted.call('deleted').deleted(...args),
    close: () => counted.inner.close(),
    call(name: string) {
      counted.calls.push(name);
      return counted.inner;
    },
  };
  return counted;
}

async function emptyTable(): Promise<SubjectKeyTable> {
  const opened = await openStorage(memory());
  return (await opened.openSubjectKeys?.({ setupTables: true })) as SubjectKeyTable;
}

test.each([0, 1, 99, 100, 101, 250, 1_000, 1_234])(
  'the last of %i deletions is found in few reads',
  async (count) => {
    const table = await tableOf();
    for (let i = 1; i <= count; i += 1) await table.inner.delete(`c-${i}`, i);
    expect((await lastDeleted(table))?.number ?? 0).toBe(count);
    expect(table.calls.length).toBeLessThan(12);
  },
);

test('concurrent calls are served in one read', async () => {
  const table = await tableOf();
  const keys = new SubjectKeys(async () => table);
  await keys.confirm(['c-0']);
  table.calls.length = 0;
  await Promise.all(Array.from({ length: 20 }, (_, i) => keys.confirm([`c-${i % 10}`])));
  expect(table.calls.sort()).toEqual(['add', 'read']);
  table.calls.length = 0;
  await Promise.all(Array.from({ length: 20 }, () => keys.refresh()));
  expect(table.calls).toEqual(['deleted']);
});

test('nothing is read for deletions until a key is in use', async () => {
  const table = await tableOf();
  const keys = new SubjectKeys(async () => table);
  await keys.refresh();
  expect(table.calls).toEqual([]);
});

test('a call that fails fails for all that wait, and the next one succeeds', async () => {
  const table = await tableOf();
  let isDown = true;
  const keys = new SubjectKeys(async () => (isDown ? Promise.reject(new Error('down')) : table));
  const failed = await Promise.allSettled([keys.confirm(['c-1']), keys.confirm(['c-2'])]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  isDown = false;
  expect((await keys.confirm(['c-1'])).get('c-1')?.hasKey).toBe(true);
});

test('more deletions than a page are noted', async () => {
  const table = await tableOf();
  const keys = new SubjectKeys(async () => table);
  const subjects = Array.from({ length: 350 }, (_, i) => `c-${i}`);
  const ciphers = [...(await keys.confirm(subjects)).values()];
  for (const subject of subjects.slice(0, 345)) await table.delete(subject, 1);
  await keys.refresh();
  expect(ciphers.filter((cipher) => cipher?.isDeleted)).toHaveLength(345);
});

test('a key that is read while its subject is deleted does not stay', async () => {
  const table = await tableOf();
  const keys = new SubjectKeys(async () => table);
  const [key] = await table.inner.add([{ subject: 'c-1', key: Buffer.alloc(32, 7).toString('base64') }]);
  await keys.confirm(['c-0']);
  const read = table.inner.read.bind(table.inner);
  table.inner.read = async (subjects) => {
    const entries = await read(subjects);
    await table.inner.delete('c-1', 1);
    return entries;
  };
  const other = new SubjectKeys(async () => table);
  const cipher = (await other.confirm(['c-1'])).get('c-1');
  const reading = keys.read([cipher!]);
  const refreshing = keys.refresh();
  await Promise.all([reading, refreshing]);
  await keys.refresh();
  expect([key?.subject, cipher?.isDeleted]).toEqual(['c-1', true]);
});

test('after the storage was restored from an older copy, keys are added again and later deletions are noted', async () => {
  const table = await tableOf();
  const keys = new SubjectKeys(async () => table);
  for (let i = 0; i < 5; i += 1) await table.inner.delete(`gone-${i}`, 1);
  const before = (await keys.confirm(['c-1', 'c-2'])).get('c-1');
  await table.inner.delete('c-2', 1);
  await keys.refresh();
  table.inner = await emptyTable();
  expect((await keys.confirm(['c-1'])).get('c-1')).toBe(before);
  expect((await table.read(['c-1']))[0]?.key).toBe(before?.text);
  await table.inner.delete('c-1', 1);
  await keys.refresh();
  expect(before?.isDeleted).toBe(true);
});

test('a subject with another key in the table is not opened with it', async () => {
  const table = await tableOf();
  const keys = new SubjectKeys(async () => table);
  await keys.confirm(['c-1']);
  const foreign = cipherOf({ subject: 'c-1', keyId: 'AAAAAAAAAAAA' });
  await keys.read([foreign]);
  expect([foreign.hasKey, foreign.isDeleted, keys.owns(foreign)]).toEqual([false, false, false]);
});

test('more keys than are kept can be used at once, and are not read again while they are held', async () => {
  const table = await tableOf();
  const keys = new SubjectKeys(async () => table);
  const subjects = Array.from({ length: 12_000 }, (_, i) => `c-${i}`);
  const ciphers = await keys.confirm(subjects);
  table.calls.length = 0;
  await keys.read([...ciphers.values()].filter((cipher) => cipher !== undefined));
  expect([ciphers.size, table.calls]).toEqual([12_000, []]);
});
