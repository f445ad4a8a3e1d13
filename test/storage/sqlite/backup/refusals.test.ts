import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { memory, SingleThreadedRunner } from 'kahn';
import { postgres } from 'kahn/postgres';
import { backup, sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { Orders } from '../../../../examples/shop/orders.ts';
import { shop } from '../../../../examples/shop/shop.ts';
import { temporaryDirectory } from '../../../support/storages.ts';
import { fileIn } from './running-shop.ts';

/** Creates the file of a shop. */
async function shopFile() {
  const directory = temporaryDirectory();
  const storage = fileIn(directory);
  await using runner = await SingleThreadedRunner.start(shop.bind(storage));
  await runner.get(Orders).place('ada');
  return { directory, storage };
}

test.each(['', '-wal', '-journal', '-shm'])(
  'copy.db%s exists: refused, and the file is kept',
  async (end) => {
    const { directory, storage } = await shopFile();
    const target = join(directory, 'copy.db');
    const path = `${target}${end}`;
    writeFileSync(path, 'mine');
    await expect(backup(storage, target)).rejects.toMatchObject({
      name: 'BackupExistsError',
      code: 'BACKUP_EXISTS',
      path,
      message:
        end === ''
          ? `Backup to '${target}' refused: it exists. Choose a new path, or move the file away.`
          : `Backup to '${target}' refused: the file '${path}' is left from another database, which SQLite would mix with it. ` +
            'Choose a new path, or move the file away.',
    });
  },
);

test('the file of the system itself is refused', async () => {
  const { storage } = await shopFile();
  await expect(backup(storage, storage.path)).rejects.toMatchObject({ code: 'BACKUP_EXISTS' });
});

test('a target in a missing directory, or in a file, is refused', async () => {
  const { directory, storage } = await shopFile();
  const missing = join(directory, 'missing');
  await expect(backup(storage, join(missing, 'copy.db'))).rejects.toMatchObject({
    code: 'STORAGE_MISSING',
    message: expect.stringContaining(`the directory '${missing}' does not exist. Create it first.`),
  });
  await expect(backup(storage, join(storage.path, 'copy.db'))).rejects.toMatchObject({
    code: 'STORAGE_UNWRITABLE',
  });
});

test('a system that is missing, empty, foreign or of a later release is refused', async () => {
  const { directory, storage } = await shopFile();
  const target = join(directory, 'copy.db');
  const refusal = (name: string) => expect(backup(fileIn(directory, name), target)).rejects;
  await refusal('missing.db').toMatchObject({
    code: 'STORAGE_MISSING',
    message: expect.stringContaining('Mount its disk, or correct the path.'),
  });
  writeFileSync(join(directory, 'empty.db'), '');
  await refusal('empty.db').toMatchObject({ code: 'STORAGE_MISSING' });
  writeFileSync(join(directory, 'diary.db'), 'dear diary, '.repeat(1_000));
  await refusal('diary.db').toMatchObject({ code: 'STORAGE_FOREIGN' });
  mkdirSync(join(directory, 'folder.db'));
  await refusal('folder.db').toMatchObject({ code: 'STORAGE_FOREIGN' });
  {
    await using _runner = await SingleThreadedRunner.start(shop.bind(sqlite({ directory })));
  }
  await refusal('orders.sqlite').toMatchObject({ code: 'STORAGE_FOREIGN' });
  const set = (version: string) => {
    using database = new DatabaseSync(storage.path);
    database.exec(version);
  };
  set('update applications set version = 99');
  await refusal('shop.db').toMatchObject({ code: 'STORAGE_NEWER' });
  set('update applications set version = 4; pragma user_version = 99');
  await refusal('shop.db').toMatchObject({ code: 'STORAGE_NEWER' });
});

test('tables of an earlier release are copied as they are', async () => {
  const { directory, storage } = await shopFile();
  {
    using database = new DatabaseSync(storage.path);
    database.exec("update applications set version = 3 where application_name = 'orders'");
  }
  const target = join(directory, 'copy.db');
  await backup(storage, target);
  using copy = new DatabaseSync(target);
  expect(copy.prepare("select version from applications where application_name = 'orders'").get()).toEqual({
    version: 3,
  });
});

test('other storages are refused, with what to do instead', async () => {
  const target = join(temporaryDirectory(), 'copy.db');
  const directory = temporaryDirectory();
  await expect(backup(sqlite({ directory }), target)).rejects.toMatchObject({
    code: 'INVALID_STORAGE',
    message:
      `backup() cannot copy sqlite({ directory: '${directory}' }): the files of a running system cannot be copied as of ` +
      'one moment. Close its runners and copy the directory, or keep the system in one file, sqlite({ file }).',
  });
  for (const storage of [memory(), postgres({ connectionString: 'postgres://app:secret@db.example/app' })]) {
    await expect(backup(storage, target)).rejects.toMatchObject({
      code: 'INVALID_STORAGE',
      message: expect.stringContaining('Back up PostgreSQL with pg_dump'),
    });
  }
  await expect(backup('shop.db' as never, target)).rejects.toMatchObject({ code: 'INVALID_STORAGE' });
});

test('paths and options are checked', async () => {
  const { directory, storage } = await shopFile();
  for (const path of ['', 'a\0b', undefined, 7]) {
    await expect(backup(storage, path as never)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
  }
  const url = pathToFileURL(join(directory, 'copy.db'));
  await expect(backup(storage, url as never)).rejects.toThrow('Use fileURLToPath().');
  const options = [{ rate: 1 }, { onProgress: 1 }, { signal: 1 }, AbortSignal.abort()];
  for (const one of options) {
    await expect(backup(storage, join(directory, 'copy.db'), one as never)).rejects.toMatchObject({
      code: 'INVALID_OPTION',
    });
  }
});
