import type { StorageDescription } from 'kahn';
import { expect, test } from 'vitest';
import { openStorage } from '../../../src/storage/storage.ts';
import { storedKey } from '../../support/personal/stored-bytes.ts';
import { TcpProxy } from '../../support/servers/tcp-proxy.ts';
import { storages, storagesOfProcesses } from '../../support/storages.ts';
import { until } from '../../support/until.ts';
import { SeparateProcess } from './separate-process.ts';

const ada = { name: 'Ada of Anyplace', email: 'ada@mail.example' };
const bo = { name: 'Bo of Otherplace', email: 'bo@mail.example' };
const unreadable = 'PERSONAL_UNREADABLE';

const temporary = () => storagesOfProcesses[0]!.create();

/** Starts a process that serves two subscribers, behind a proxy that keeps all bytes. */
async function serving(storage = temporary()) {
  const lists = await SeparateProcess.start(storage);
  await lists.ask('join', 'subject-1', ada);
  await lists.ask('join', 'subject-2', bo);
  const proxy = await TcpProxy.listen(await lists.ask<number>('port'));
  const seen: Buffer[] = [];
  proxy.onBytes = (bytes) => void seen.push(bytes);
  return { storage, lists, url: `http://127.0.0.1:${proxy.port}/logs`, wire: () => Buffer.concat(seen) };
}

/** Starts a process that follows the lists, and waits until it has kept both contacts. */
async function following(url: string, storage: StorageDescription) {
  const office = await SeparateProcess.start(storage, url);
  await until('both are kept', async () => (await office.ask<string[]>('cards')).length === 2);
  return {
    cards: () => office.ask<string[]>('cards'),
    notes: () => office.ask<string[]>('notes'),
    failure: () => office.ask<string[] | undefined>('failure'),
    shred: (subject: string) => office.ask<boolean>('shred', subject),
  };
}

/** Expects that nothing personal has passed, in plain text or encoded, and no key. */
function expectSealed(wire: Buffer, keys: readonly string[]): void {
  expect(wire.includes('Subscriber.Joined') && wire.includes('subject-1')).toBe(true);
  const texts = wire.toString('latin1').matchAll(/[A-Za-z0-9+/]{16,}={0,2}/g);
  const decoded = Array.from(texts, ([text]) => Buffer.from(text, 'base64'));
  for (const secret of [ada.name, bo.name, 'mail.example', ...keys]) {
    for (const encoding of ['utf8', 'utf16le'] as const)
      expect(wire.includes(Buffer.from(secret, encoding)), `${secret} in ${encoding}`).toBe(false);
    expect(
      decoded.some((bytes) => bytes.includes(secret)),
      `${secret} in base64`,
    ).toBe(false);
  }
}

test('a process without the keys passes personal data on, and fails when it reads it', async () => {
  const { storage, lists, url, wire } = await serving();
  const keys = [await storedKey(storage, 'subject-1'), await storedKey(storage, 'subject-2')] as string[];
  const office = await following(url, temporary());
  await until('reading has failed', async () => (await office.failure()) !== undefined);
  expect(await office.failure()).toEqual(['POLICY_FAILED', unreadable]);
  expect([await office.cards(), await office.notes()]).toEqual([[unreadable, unreadable], []]);

  expect(await lists.ask('shred', 'subject-1')).toBe(true);
  expect(await office.cards()).toEqual([unreadable, unreadable]);
  const later = await following(url, temporary());
  expect(await later.cards()).toEqual([unreadable, unreadable]);
  expect(await office.shred('subject-1')).toBe(true);
  expect(await office.cards()).toEqual(['nobody', unreadable]);
  expectSealed(wire(), keys);
});

test.each(storages.filter(({ name }) => name !== 'memory'))(
  'a process on the storage of the server, on $name, reads personal data until its subject is shredded',
  async ({ create }) => {
    const { storage, lists, url, wire } = await serving(create());
    const office = await following(url, storage);
    await until('both are noted', async () => (await office.notes()).length === 2);
    expect(await office.notes()).toEqual([`subject-1: ${ada.name}`, `subject-2: ${bo.name}`]);
    expect(await office.cards()).toEqual([ada.name, bo.name]);
    expect(await lists.ask('shred', 'subject-1')).toBe(true);
    expect(await office.cards()).toEqual(['nobody', bo.name]);
    expectSealed(wire(), []);
  },
);

test('a process with a copy of the keys reads personal data until it shreds the subject itself', async () => {
  const { storage, lists, url, wire } = await serving();
  const own = temporary();
  await copyKey(storage, own, 'subject-1');
  const office = await following(url, own);
  expect(await office.cards()).toEqual([ada.name, unreadable]);
  expect(await lists.ask('shred', 'subject-1')).toBe(true);
  expect(await office.cards()).toEqual([ada.name, unreadable]);
  expect(await office.shred('subject-1')).toBe(true);
  expect(await office.cards()).toEqual(['nobody', unreadable]);
  expectSealed(wire(), []);
});

async function copyKey(from: StorageDescription, to: StorageDescription, subject: string): Promise<void> {
  const key = (await storedKey(from, subject)) as string;
  await using opened = new AsyncDisposableStack();
  const storage = await openStorage(to);
  opened.defer(() => storage.close());
  const keys = await storage.openSubjectKeys!({ setupTables: true });
  opened.defer(() => keys.close());
  await keys.add([{ subject, key }]);
}
