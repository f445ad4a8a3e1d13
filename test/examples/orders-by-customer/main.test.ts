import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../support/storages.ts';
import { startExample } from '../example-program.ts';

/** Starts the program, and returns the URL at which it takes orders. */
async function start(database: string) {
  const program = startExample('orders-by-customer', '--port', '0', '--database', database);
  const [line] = await once(createInterface(program.child.stdout), 'line');
  return { ...program, url: /http:\S+/.exec(line)![0] };
}

test('serves orders until it is ended by a signal, and again after the next start', async () => {
  const database = join(temporaryDirectory(), 'orders.db');
  const listOf = async (url: string) => (await fetch(new URL('/customers/ada/orders', url))).json();
  const { child, outcome, url } = await start(database);
  const { status } = await fetch(url, { method: 'POST', body: '{ "customer": "ada" }' });
  expect(status).toBe(201);
  const list = await listOf(url);
  expect(list).toEqual([{ id: expect.any(String), state: 'paid' }]);
  child.kill('SIGTERM');
  expect(await outcome).toMatchObject({ code: 0, stderr: '' });
  const again = await start(database);
  expect(await listOf(again.url)).toEqual(list);
});
