import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Worker } from 'node:worker_threads';
import {
  InvalidStorageError,
  KahnError,
  MultiThreadedRunner,
  memory,
  SingleThreadedRunner,
  type StorageDescription,
  System,
} from 'kahn';
import { postgres } from 'kahn/postgres';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { rejectionOf } from '../../support/errors.ts';
import { connectionString, temporarySchema } from '../../support/servers/postgres.ts';
import { shop } from '../modules/shop.ts';
import { listening } from '../modules/slow-storage.ts';

const urlOf = (file: string) => new URL(`../modules/${file}`, import.meta.url).href;

/** The shop, as if this module exported it. */
function shopIn(module: string): typeof shop {
  return System.of([[Orders, Reservations, Orders]], { module });
}

/** Worker threads that are running, and the number started. */
const threads = { alive: new Set<Worker>(), started: 0 };

function watch(worker: Worker): void {
  threads.started += 1;
  threads.alive.add(worker);
  worker.once('exit', () => threads.alive.delete(worker));
}

beforeAll(() => void process.on('worker', watch));
afterAll(() => void process.off('worker', watch));
beforeEach(() => {
  threads.alive.clear(); // threads of another test are checked by that test
  threads.started = 0;
});

/** Starts the system, asserts that this fails and leaves no thread, and returns the error. */
async function refusalOf(system: typeof shop, storage: StorageDescription): Promise<KahnError> {
  const error = await rejectionOf(MultiThreadedRunner.start(system, { storage }), KahnError);
  expect(threads.alive.size).toBe(0);
  return error;
}

async function placeOne(runner: MultiThreadedRunner<typeof Orders | typeof Reservations>): Promise<void> {
  const id = await runner.get(Orders).place('ada');
  await runner.caughtUp();
  expect((await runner.get(Orders).get(id)).reservationId).toBeDefined();
}

test('memory that was shared with failed threads can be shared again', async () => {
  const storage = memory();
  const system = shopIn(urlOf('no-system.ts'));
  expect((await refusalOf(system, storage)).code).toBe('SYSTEM_MODULE');
  await (await SingleThreadedRunner.start(system, { storage })).close();
  await using runner = await MultiThreadedRunner.start(shop, { storage });
  await placeOne(runner);
});

test('a module may export a system under several names, bound to storage, and other systems', async () => {
  await using runner = await MultiThreadedRunner.start(shopIn(urlOf('exported-often.ts')));
  await placeOne(runner);
});

test('start() rejects storage that cannot be cloned before it starts a thread', async () => {
  const { module, options } = memory();
  const unclonable = { module, options: { ...options, log: () => {} } } as unknown as StorageDescription;
  const error = await refusalOf(shop, unclonable);
  expect(error).toBeInstanceOf(InvalidStorageError);
  expect(error.message).toMatch(/cannot be cloned to another thread: .*could not be cloned/);
  expect(threads.started).toBe(0);
  await (await SingleThreadedRunner.start(shop, { storage: unclonable })).close();
});

test('start() rejects a pool of the user before it starts a thread', async () => {
  const pool = new pg.Pool({ connectionString });
  onTestFinished(() => pool.end());
  const storage = postgres({ pool, schema: temporarySchema() });
  const error = await refusalOf(shop, storage);
  expect(error).toBeInstanceOf(InvalidStorageError);
  expect(error.message).toContain('pass a connectionString instead');
  expect(threads.started).toBe(0);
  expect(pool.idleCount).toBe(pool.totalCount);
  await (await SingleThreadedRunner.start(shop, { storage })).close();
});

test('a start that is aborted before there are threads starts none', async () => {
  const storage = { module: urlOf('slow-storage.ts'), options: memory().options };
  const controller = new AbortController();
  const starting = MultiThreadedRunner.start(shop, { storage, signal: controller.signal });
  await expect.poll(() => listening.asked).toBe(1);
  controller.abort(new Error('no time'));
  await expect(starting).rejects.toThrow('no time');
  expect(listening).toEqual({ asked: 1, begun: 1, open: 0 });
  expect(threads.started).toBe(0);
  await (await SingleThreadedRunner.start(shop, { storage })).close();
});

/** Runs a program in its own process. */
async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const options = { cwd: fileURLToPath(urlOf('.')) };
  return promisify(execFile)(process.execPath, ['--conditions=kahn-source', ...args], options).then(
    (output) => ({ code: 0, ...output }),
    (error) => error,
  );
}

test.each(['threads-at-once.ts', 'threads-later.ts'])(
  'a program that defines and starts its system in one file is rejected with advice: %s',
  async (file) => {
    const { code, stdout, stderr } = await run(`scripts/${file}`);
    expect(stderr).toContain('Move the system to a module that starts nothing');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  },
);

test('a program may start its system in the main thread only', async () => {
  expect(await run('scripts/main-thread-only.ts')).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
});

test('a program may be passed as an argument instead of a file', async () => {
  const code = `
    import { MultiThreadedRunner } from 'kahn';
    import { shop } from './shop.ts';
    await using runner = await MultiThreadedRunner.start(shop);
    await runner.caughtUp();
    console.log('done');`;
  const args = ['--input-type=module-typescript', '--eval', code];
  expect(await run(...args)).toEqual({ code: 0, stdout: 'done\n', stderr: '' });
});
