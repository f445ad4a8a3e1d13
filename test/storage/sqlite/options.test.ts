import { sqlite } from 'kahn/sqlite';
import { describe, expect, it } from 'vitest';
import { databaseFileOf } from '../../../src/storage/sqlite/file.ts';
import { openStorage } from '../../../src/storage/storage.ts';

describe('sqlite()', () => {
  it('describes its storage with an absolute directory and all options', () => {
    const { module, options } = structuredClone(sqlite({ directory: 'data' }));
    expect(module).toMatch(/storage\/sqlite\/index\.ts$/);
    expect(options).toEqual({
      directory: `${process.cwd()}/data`,
      synchronous: 'FULL',
      busyTimeoutMs: 5_000,
    });
  });

  it.each([
    [{ directory: '' }, 'directory: ""'],
    [{}, 'directory: undefined'],
    [{ directory: 'a\0b' }, 'directory'],
    [{ directory: 'data', synchronous: 'OFF' }, 'synchronous: "OFF"'],
    [{ directory: 'data', busyTimeoutMs: -1 }, 'busyTimeoutMs: -1'],
    [{ directory: 'data', busyTimeoutMs: Number.NaN }, 'busyTimeoutMs: NaN'],
    [{ directory: 'data', busyTimeoutMs: 1.5 }, 'busyTimeoutMs: 1.5'],
    [{ directory: 'data', busyTimeoutMs: '5' }, 'busyTimeoutMs: "5"'],
    [{ directory: 'data', busyTimeoutMs: 2 ** 31 }, 'busyTimeoutMs: 2147483648'],
    [{ directory: 'data', timeout: 5 }, 'timeout: 5'],
  ])('refuses %j', async (options, shown) => {
    const refused = { code: 'INVALID_STORAGE', message: expect.stringContaining(shown) };
    expect(() => sqlite(options as never)).toThrow(expect.objectContaining(refused));
    const description = { module: sqlite({ directory: 'data' }).module, options: options as never };
    await expect(openStorage(description)).rejects.toMatchObject(refused);
  });
});

describe('the file of an application', () => {
  const fileOf = (name: string): string => databaseFileOf('/data', name).file;

  it('has the name of the application where that is safe', () => {
    expect(fileOf('orders-2.old_x')).toBe('/data/orders-2.old_x.sqlite');
  });

  it('stays in the directory and differs for different names, whatever the case', () => {
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
