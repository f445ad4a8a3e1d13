import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { InvalidStorageError, MultiprocessRunner, memory, type StorageDescription } from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { shop } from '../../../examples/shop/shop.ts';
import { inheritedNodeOptions } from '../../../src/runner/multiprocess/node-options.ts';
import { rejectionOf } from '../../support/errors.ts';
import { connectionString, temporarySchema } from '../../support/servers/postgres.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { watchProcesses } from '../../support/watchers/processes.ts';

async function refusalOf(storage: StorageDescription | undefined): Promise<string> {
  const processes = watchProcesses();
  const options = storage === undefined ? {} : { storage };
  const { message } = await rejectionOf(MultiprocessRunner.start(shop, options), InvalidStorageError);
  expect(processes.size).toBe(0);
  return message;
}

test('start() rejects memory(), also as the default, and names alternatives', async () => {
  for (const storage of [memory(), undefined]) {
    const message = await refusalOf(storage);
    expect(message).toContain('memory() is on the heap of this process');
    expect(message).toContain('sqlite({ file }) on one machine or postgres({ connectionString })');
  }
});

test('start() rejects a pool, and options that cannot be cloned', async () => {
  const pool = new pg.Pool({ connectionString });
  onTestFinished(() => pool.end());
  const message = await refusalOf(postgres({ pool, schema: temporarySchema() }));
  expect(message).toContain(
    'postgres({ pool }) cannot be opened in another process: pass a connectionString instead',
  );
  const { href: module } = new URL('../modules/slow-storage.ts', import.meta.url);
  const options = { ...memory().options, shared: new SharedArrayBuffer(8) };
  expect(await refusalOf({ module, options })).toContain('cannot be cloned to another process');
});

test('start() rejects an unreachable database, and missing tables without setupTables', async () => {
  const processes = watchProcesses();
  const start = (storage: StorageDescription, setupTables = true) =>
    MultiprocessRunner.start(shop, { storage, setupTables });
  await expect(start(sqlite({ directory: '/nowhere' }))).rejects.toMatchObject({ code: 'STORAGE_MISSING' });
  const closed = postgres({ connectionString: 'postgres://127.0.0.1:1/none' });
  await expect(start(closed)).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE' });
  const empty = sqlite({ directory: temporaryDirectory() });
  await expect(start(empty, false)).rejects.toMatchObject({ code: 'STORAGE_NOT_SET_UP' });
  expect(processes.size).toBe(0);
  await (await start(empty)).close();
  await (await start(empty, false)).close();
});

test('processes inherit the options of Node except options for the parent alone', () => {
  const own = [
    ...['--inspect=0', '--inspect-brk', '--eval', 'code', '-p', '1 + 1', '--print', 'code', '-pe', 'code'],
    ...[
      '--input-type=module',
      '--input-type',
      'module',
      '--watch',
      '--watch-path',
      'src',
      '--test',
      '-e',
      'code',
    ],
    ...[
      '--test-name-pattern',
      'x',
      '--inspect-port',
      '1',
      '--watch-kill-signal',
      'SIGINT',
      '--debug-port',
      '1',
      '--check',
      '-c',
      '-i',
      '--interactive',
    ],
  ];
  const all = [
    '--conditions=kahn-source',
    '-C',
    'custom',
    '--import',
    './hook.js',
    '--max-old-space-size=99',
  ];
  expect(inheritedNodeOptions([...own, ...all])).toEqual(all);
  expect(inheritedNodeOptions([...all, ...own])).toEqual(all);
});

/** Runs code in its own process, in the folder of the test modules. */
async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { ...process.env, KAHN_TEST_DIRECTORY: temporaryDirectory() };
  const cwd = fileURLToPath(new URL('../modules', import.meta.url));
  return promisify(execFile)(process.execPath, ['--conditions=kahn-source', ...args], {
    cwd,
    env,
  }).then(
    (output) => ({ code: 0, ...output }),
    (error) => error,
  );
}

test('a program may be passed as an argument instead of a file', async () => {
  const code = `
    import { MultiprocessRunner } from 'kahn';
    import { sqlite } from 'kahn/sqlite';
    import { shop } from './shop.ts';
    const storage = sqlite({ directory: ${JSON.stringify(temporaryDirectory())} });
    await using runner = await MultiprocessRunner.start(shop, { storage });
    await runner.caughtUp();
    console.log('done');`;
  const args = ['--input-type=module-typescript', '--eval', code];
  expect(await run(...args)).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
});

test('a program that defines and starts its system in one file is rejected with advice', async () => {
  const { code, stderr } = await run('scripts/processes-at-once.ts');
  expect(stderr).toContain('Move the system to a module that starts nothing');
  expect(code).toBe(1);
});
