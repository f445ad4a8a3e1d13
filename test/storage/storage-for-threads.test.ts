import { memory } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { Pool } from 'pg';
import { expect, it } from 'vitest';
import { type StorageDescription, storageForThreads } from '../../src/storage/storage.ts';

it('keeps descriptions that any thread can open', async () => {
  const plain = [sqlite({ directory: '.' }), postgres({ connectionString: 'postgres://db.example/app' })];
  for (const storage of plain) expect(await storageForThreads(storage)).toEqual(storage);
});

it('converts memory() to a description that can be cloned, more than once', async () => {
  const storage = memory();
  const once = await storageForThreads(storage);
  expect(structuredClone(once)).toEqual(once);
  expect(await storageForThreads(once)).toEqual(once);
});

it('rejects a pool of the user, and says what to do', async () => {
  const pool = new Pool();
  await expect(storageForThreads(postgres({ pool }))).rejects.toMatchObject({
    code: 'INVALID_STORAGE',
    message: expect.stringContaining('pass a connectionString instead'),
  });
  await pool.end();
});

it('rejects options that cannot be cloned and values that are no description', async () => {
  const invalid = { code: 'INVALID_STORAGE' };
  const { module } = sqlite({ directory: '.' });
  const withFunction = { module, options: { log: () => {} } } as unknown as StorageDescription;
  await expect(storageForThreads(withFunction)).rejects.toMatchObject({
    ...invalid,
    message: expect.stringMatching(/sqlite.*cannot be cloned to another thread/),
  });
  await expect(storageForThreads({ module: 'node:path', options: {} })).rejects.toMatchObject(invalid);
  await expect(storageForThreads(undefined as unknown as StorageDescription)).rejects.toMatchObject(invalid);
});
