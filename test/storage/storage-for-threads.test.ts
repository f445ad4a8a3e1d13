import { memory } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { Pool } from 'pg';
import { expect, it } from 'vitest';
import { type Persistence, persistenceForThreads } from '../../src/storage/storage.ts';

it('leaves descriptions as they are that any thread can open', async () => {
  const plain = [sqlite({ directory: '.' }), postgres({ connectionString: 'postgres://db.example/app' })];
  for (const persistence of plain) expect(await persistenceForThreads(persistence)).toEqual(persistence);
});

it('describes the same memory in a way that can be cloned, and again', async () => {
  const persistence = memory();
  const once = await persistenceForThreads(persistence);
  expect(structuredClone(once)).toEqual(once);
  expect(await persistenceForThreads(once)).toEqual(once);
});

it('refuses a pool, with what to do', async () => {
  const pool = new Pool();
  await expect(persistenceForThreads(postgres({ pool }))).rejects.toMatchObject({
    code: 'INVALID_PERSISTENCE',
    message: expect.stringContaining('pass a connectionString instead'),
  });
  await pool.end();
});

it('refuses what cannot be cloned, and what is no description', async () => {
  const invalid = { code: 'INVALID_PERSISTENCE' };
  const { module } = sqlite({ directory: '.' });
  const withFunction = { module, options: { log: () => {} } } as unknown as Persistence;
  await expect(persistenceForThreads(withFunction)).rejects.toMatchObject({
    ...invalid,
    message: expect.stringMatching(/sqlite.*cannot be cloned to another thread/),
  });
  await expect(persistenceForThreads({ module: 'node:path', options: {} })).rejects.toMatchObject(invalid);
  await expect(persistenceForThreads(undefined as unknown as Persistence)).rejects.toMatchObject(invalid);
});
