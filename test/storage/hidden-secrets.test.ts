import { inspect } from 'node:util';
import { postgres } from 'kahn/postgres';
import { expect, test } from 'vitest';
import { shop } from '../../examples/shop/shop.ts';
import { assertStorage, storageForProcesses } from '../../src/storage/storage.ts';

const storage = postgres({
  connectionString: 'postgres://app:secret@db.example/app',
  listenConnectionString: 'postgres://app:secret@direct.example/app',
  tls: undefined as never,
  schema: 'shop',
});
const withKey = postgres({ tls: { key: 'secret', servername: 'db.example' } });

test.each([
  ['console.log', inspect],
  ['console.log of everything', (value: unknown) => inspect(value, { depth: Infinity, showHidden: true })],
])('%s does not show the secrets of a storage, or of a system that is bound to it', (_, show) => {
  const shown = [storage, withKey, shop.bind(storage), { nested: [withKey] }].map((value) => show(value));
  for (const text of shown) expect(text).not.toContain('secret');
  expect(shown[0]).toContain('(hidden)');
  expect(shown[0]).toContain('shop');
});

test('other threads and processes get the secrets', async () => {
  const { connectionString } = storage.options;
  expect(connectionString).toContain('secret');
  expect(structuredClone(storage).options).toEqual({ ...storage.options });
  expect(JSON.parse(JSON.stringify(storage)).options).toEqual({ ...storage.options });
  expect((await storageForProcesses(storage)).options).toMatchObject({ connectionString });
});

test('a message about a wrong storage does not show it', () => {
  const wrong = 'postgres://app:secret@db.example/app';
  expect(() => assertStorage(wrong)).toThrow(/^Invalid `storage`: pass .*, not a string\.$/);
});
