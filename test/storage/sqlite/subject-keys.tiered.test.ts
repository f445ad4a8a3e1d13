import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { backup, type SqliteOptions, sqlite } from 'kahn/sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStorage } from '../../../src/storage/storage.ts';
import type { SubjectKey, SubjectKeyTable } from '../../../src/storage/subject-keys.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { oneFile, sqliteLayouts, temporaryDirectory } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';

const random = randomNumbers(seed);

async function openKeys(options: SqliteOptions, setupTables = true): Promise<SubjectKeyTable> {
  const keys = await (await openStorage(sqlite({ synchronous: 'NORMAL', ...options }))).openSubjectKeys!({
    setupTables,
  });
  onTestFinished(() => keys.close());
  return keys;
}

/** Creates a key whose bytes are nowhere else. */
function keyOf(subject: string, length = 44): SubjectKey {
  const digits = () => Math.floor(random() * 2 ** 48).toString(36);
  let key = `key-${digits()}`;
  while (key.length < length) key += digits();
  return { subject, key };
}

/** Returns which texts are in the files of a directory. */
function foundIn(directory: string, texts: readonly string[]): string[] {
  // Another process reads: closing a file in this process would release the locks of SQLite.
  const paths = readdirSync(directory).map((name) => join(directory, name));
  const bytes = spawnSync('cat', paths, { maxBuffer: 2 ** 30 }).stdout;
  return texts.filter((text) => bytes.includes(text));
}

/** Returns the file with the keys of a storage. */
function fileOf({ file, directory }: SqliteOptions): string {
  return file ?? join(`${directory}`, 'subject-keys.db');
}

describe.each(sqliteLayouts)('keys of subjects in sqlite({ $name })', ({ optionsIn }) => {
  it('leave no bytes in any file once they are deleted', async () => {
    const directory = temporaryDirectory();
    const options = optionsIn(directory);
    const tables = [await openKeys(options), await openKeys(options)];
    const orders = await (await openStorage(sqlite({ ...options, synchronous: 'NORMAL' }))).openRecorder({
      applicationName: 'orders',
      setupTables: true,
    });
    onTestFinished(() => orders.close());
    const kept: SubjectKey[] = [];
    const deleted: SubjectKey[] = [];
    for (let round = 0; round < byTier(30, 120); round += 1) {
      const table = tables[round % 2]!;
      const lengths = Array.from({ length: 1 + Math.floor(random() * 60) }, () => 20 + random() ** 8 * 9_000);
      const added = lengths.map((length, index) =>
        keyOf(`${round} ${index} ${'s'.repeat(length / 9)}`, length),
      );
      await table.add(added);
      kept.push(...added);
      const event = {
        originatorId: `${round}`,
        originatorVersion: 1,
        type: 'Made',
        data: '{}',
        timestamp: 0,
      };
      await orders.record(0, [{ events: [event], snapshots: [] }]);
      for (let count = Math.floor(random() * Math.min(4, kept.length + 1)); count > 0; count -= 1) {
        const [one] = kept.splice(Math.floor(random() * kept.length), 1);
        expect(await table.delete(one!.subject, round)).toBe(true);
        deleted.push(one!);
      }
    }
    expect(deleted.length).toBeGreaterThan(5);
    const texts = (keys: readonly SubjectKey[]) => keys.map(({ key }) => key.slice(0, 16));
    expect(foundIn(directory, texts(deleted))).toEqual([]);
    expect(await tables[0]!.read(kept.map(({ subject }) => subject))).toEqual(kept);
    const readable = kept.filter(({ key }) => key.length < 1_000); // longer ones may be cut by the end of a page
    expect(foundIn(directory, texts(readable))).toEqual(texts(readable));
  });

  it('are deleted at once but stay in the log while a reader needs them, for as long as busyTimeoutMs', async () => {
    const directory = temporaryDirectory();
    const options = { ...optionsIn(directory), busyTimeoutMs: 200 };
    const keys = await openKeys(options);
    const ada = keyOf('ada');
    await keys.add([ada]);
    const reader = new DatabaseSync(fileOf(options));
    onTestFinished(() => reader.close());
    reader.exec('begin');
    expect(reader.prepare('select count(*) as n from subjects').get()).toEqual({ n: 1 });
    await expect(keys.delete('ada', 7)).rejects.toMatchObject({
      code: 'STORAGE_BUSY',
      transient: true,
      message: expect.stringContaining('Delete the key again'),
    });
    expect(await keys.read(['ada'])).toEqual([{ subject: 'ada', key: undefined }]);
    expect(foundIn(directory, [ada.key])).toEqual([ada.key]);
    await expect(keys.delete('ada', 8)).rejects.toMatchObject({ code: 'STORAGE_BUSY' });
    reader.exec('rollback');
    expect(await keys.delete('ada', 9)).toBe(false);
    expect(foundIn(directory, [ada.key])).toEqual([]);
    expect(await keys.deleted(0, 10)).toEqual([{ number: 1, subject: 'ada', timestamp: 7 }]);
  });

  it('are added, read and deleted while a deletion waits for a reader', async () => {
    const directory = temporaryDirectory();
    const options = optionsIn(directory);
    const keys = await openKeys(options);
    const other = await openKeys(options);
    const [ada, bo] = [keyOf('ada'), keyOf('bo')];
    await keys.add([ada]);
    const reader = new DatabaseSync(fileOf(options));
    onTestFinished(() => reader.close());
    reader.exec('begin');
    reader.prepare('select count(*) from subjects').get();
    let isDone = false;
    const deletion = keys.delete('ada', 1).finally(() => {
      isDone = true;
    });
    for (const table of [keys, other]) expect(await table.add([bo])).toEqual([bo]);
    expect(await other.read(['ada', 'bo'])).toEqual([{ subject: 'ada', key: undefined }, bo]);
    const second = other.delete('bo', 2);
    expect(await keys.deleted(0, 1)).toHaveLength(1);
    expect(isDone).toBe(false);
    reader.exec('rollback');
    expect([await deletion, await second]).toEqual([true, true]);
    expect(foundIn(directory, [ada.key, bo.key])).toEqual([]);
  });

  it('are refused in a file of another program, which is not changed', async () => {
    const options = optionsIn(temporaryDirectory());
    writeFileSync(fileOf(options), 'dear diary, '.repeat(1_000));
    for (const setupTables of [true, false]) {
      await expect(openKeys(options, setupTables)).rejects.toMatchObject({
        code: 'STORAGE_FOREIGN',
        applicationName: '',
      });
    }
  });

  it('of a later release are refused', async () => {
    const options = optionsIn(temporaryDirectory());
    await (await openKeys(options)).close();
    using database = new DatabaseSync(fileOf(options));
    database.exec('pragma user_version = 99');
    await expect(openKeys(options)).rejects.toMatchObject({ code: 'STORAGE_NEWER' });
  });
});

describe.each(byTier([oneFile], sqliteLayouts))('keys in sqlite({ $name })', ({ name, optionsIn }) => {
  it('are set up once although four processes open them at once, and are the same for all', async () => {
    const directory = temporaryDirectory();
    const children = Array.from({ length: 4 }, () =>
      fork(new URL('./child.ts', import.meta.url), ['addKeys', name, directory]),
    );
    for (const child of children) onTestFinished(() => void child.kill('SIGKILL'));
    await Promise.all(children.map((child) => once(child, 'message')));
    const answers = children.map(async (child) => (await once(child, 'message'))[0]);
    for (const child of children) child.send('go');
    expect(await Promise.all(answers)).toEqual(Array(4).fill('done'));
    const keys = await openKeys(optionsIn(directory), false);
    const deleted = await keys.deleted(0, 1_000);
    expect(deleted.map(({ number }) => number)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
    const subjects = deleted.map(({ subject }) => subject);
    expect(new Set(subjects).size).toBe(40);
    expect((await keys.read(subjects)).map((entry) => entry?.key)).toEqual(Array(40).fill(undefined));
    expect(foundIn(directory, ['key of '])).toEqual([]);
  });

  it('of a process killed before any statement of a deletion are there or deleted, and can be deleted again', async () => {
    const directory = temporaryDirectory();
    const options = optionsIn(directory);
    const ada = keyOf('ada');
    for (let fatal = 0, isKilled = true; isKilled; fatal += 1) {
      const subject = `${ada.subject} ${fatal}`;
      await (await openKeys(options)).add([{ ...ada, subject }]);
      const child = fork(new URL('./killed/dying-recorder.ts', import.meta.url), [
        JSON.stringify(options),
        'delete',
        subject,
        `${fatal}`,
      ]);
      const [code, signal] = await once(child, 'close');
      isKilled = signal === 'SIGKILL';
      if (!isKilled) expect(code).toBe(0);
      const keys = await openKeys(options);
      const [entry] = await keys.read([subject]);
      expect(entry?.key).toBe(fatal < 5 && isKilled ? ada.key : undefined);
      expect(await keys.delete(subject, 2)).toBe(entry?.key !== undefined);
      expect(foundIn(directory, [ada.key])).toEqual([]);
    }
  });
});

it('keys of a directory are in a file that holds no application', async () => {
  const directory = temporaryDirectory();
  await (await openKeys({ directory })).add([keyOf('ada')]);
  const file = fileOf({ directory });
  const storage = await openStorage(sqlite({ directory }));
  expect(await storage.applicationNames()).toEqual([]);
  const opened = (await openStorage(sqlite({ file }))).openRecorder({
    applicationName: 'orders',
    setupTables: true,
  });
  await expect(opened).rejects.toMatchObject({
    code: 'STORAGE_FOREIGN',
    message: expect.stringContaining(`Open it with sqlite({ directory: '${directory}' })`),
  });
});

it('keys of a file are in its backups, from which they are deleted apart', async () => {
  const directory = temporaryDirectory();
  const options = oneFile.optionsIn(directory);
  const keys = await openKeys(options);
  const ada = keyOf('ada');
  await keys.add([ada]);
  const copy = join(temporaryDirectory(), 'copy.db');
  await backup(sqlite(options), copy);
  await keys.delete('ada', 1);
  const restored = await openKeys({ file: copy }, false);
  expect(await restored.read(['ada'])).toEqual([ada]);
  expect(await restored.delete('ada', 2)).toBe(true);
  expect(foundIn(join(copy, '..'), [ada.key])).toEqual([]);
});
