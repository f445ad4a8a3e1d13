import { sqlite } from 'kahn/sqlite';
import { describe, expect, it } from 'vitest';
import { DirectoryLayout } from '../../../src/storage/sqlite/layout/directory-layout.ts';
import { openStorage } from '../../../src/storage/storage.ts';

describe('sqlite()', () => {
  it('describes the storage with an absolute directory and all options', () => {
    const { module, options } = structuredClone(sqlite({ directory: 'data' }));
    expect(module).toMatch(/storage\/sqlite\/storage\.ts$/);
    expect(options).toEqual({
      directory: `${process.cwd()}/data`,
      synchronous: 'FULL',
      busyTimeoutMs: 5_000,
    });
  });

  it('describes the storage with an absolute file', () => {
    expect(sqlite({ file: 'data/../shop.db' }).options).toEqual({
      file: `${process.cwd()}/shop.db`,
      synchronous: 'FULL',
      busyTimeoutMs: 5_000,
    });
  });

  it.each([
    [{ directory: '' }, "option 'directory' of sqlite() to be the path of a directory, got ''"],
    [{ file: '' }, "option 'file' of sqlite() to be the path of a file, got ''"],
    [{ file: 'a\0b' }, "option 'file'"],
    [{ file: ':memory:' }, 'sqlite() keeps files; for memory, use memory().'],
    [{ file: 'file:///shop.db' }, "Option 'file' of sqlite() takes a path, not a URL: use fileURLToPath()."],
    [{}, "sqlite() takes the path of a file for the whole system, as in sqlite({ file: 'shop.db' }), or"],
    [
      { file: 'shop.db', directory: 'data' },
      "Options 'file' and 'directory' of sqlite() exclude each other: leave one of them out.",
    ],
    [{ directory: 'a\0b' }, "option 'directory'"],
    [
      { directory: 'data', synchronous: 'OFF' },
      "option 'synchronous' of sqlite() to be 'FULL' or 'NORMAL', got 'OFF'",
    ],
    [
      { directory: 'data', busyTimeoutMs: -1 },
      "option 'busyTimeoutMs' of sqlite() to be an integer from 0 to 2147483647",
    ],
    [{ directory: 'data', busyTimeoutMs: Number.NaN }, 'got NaN'],
    [{ directory: 'data', busyTimeoutMs: 1.5 }, 'got 1.5'],
    [{ directory: 'data', busyTimeoutMs: '5' }, "got '5'"],
    [{ directory: 'data', busyTimeoutMs: 2 ** 31 }, 'got 2147483648'],
    [
      { directory: 'data', busyTimeout: 5 },
      "Unknown option 'busyTimeout' of sqlite(). Did you mean 'busyTimeoutMs'?",
    ],
    [{ directory: ':memory:' }, 'sqlite() keeps files; for memory, use memory().'],
    [{ directory: 'file:///data' }, 'takes a path, not a URL: use fileURLToPath().'],
    [{ directory: new URL('file:///data') }, 'takes a path, not a URL: use fileURLToPath().'],
    ['data', "sqlite() takes an object, as in sqlite({ file: 'shop.db' }), not a string."],
    [undefined, "sqlite() takes an object, as in sqlite({ file: 'shop.db' }), not undefined."],
  ])('rejects %o', async (options, message) => {
    const rejected = { code: 'INVALID_OPTION', message: expect.stringContaining(message) };
    expect(() => sqlite(options as never)).toThrow(expect.objectContaining(rejected));
  });

  it('checks the options again when the storage is opened', async () => {
    const { module } = sqlite({ directory: 'data' });
    const description = { module, options: { directory: 'data', busyTimeoutMs: '5' } };
    await expect(openStorage(description)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});

describe('the file of an application', () => {
  const fileOf = (name: string): string => new DirectoryLayout('/data', 0).fileOf(name).path;

  it('has the name of the application if it is safe', () => {
    expect(fileOf('orders-2.old_x')).toBe('/data/orders-2.old_x.sqlite');
  });

  it('is in the directory, and differs for different names even where case is ignored', () => {
    const names = [
      'orders',
      'Orders',
      '../orders',
      '%2e%2e%2forders',
      '..',
      '.',
      'ö',
      '%c3%b6',
      ' ',
      'n'.repeat(200),
    ];
    names.push('n'.repeat(201), `${'n'.repeat(200)}N`, '長'.repeat(200), `${'長'.repeat(199)}長長`);
    const files = names.map((name) => fileOf(name).toLowerCase());
    expect(new Set(files).size).toBe(names.length);
    for (const file of files) expect(file).toMatch(/^\/data\/[a-z0-9_.%-]{1,240}\.sqlite$/);
  });
});
