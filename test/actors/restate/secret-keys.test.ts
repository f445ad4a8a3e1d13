import { afterAll, beforeAll, expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { freshName } from '../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { type Shop, serve, start } from '../../support/servers/restate-shop.ts';
import { showsKey } from '../../support/systems/changed/secret-key.ts';
import { sealedShop } from '../../support/systems/changed/shops.ts';

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

test('the journal and the state of actors have neither keys nor contents', async () => {
  const [storage, systemActorName] = [temporaryPostgres(), freshName('shop')];
  await serve(engine, sealedShop as Shop, { storage, systemActorName });
  const runner = await start(engine, sealedShop as Shop, { storage, systemActorName, shutdownOnClose: true });
  const customer = 'a customer that no journal shows';
  const id = await runner.get(Orders).place(customer);
  await runner.caughtUp();
  expect((await runner.get(Orders).get(id)).done).toBe(true);
  const tables = ['sys_journal', 'sys_invocation', 'state'];
  const rows = await Promise.all(tables.map((table) => engine.query(`select * from ${table}`)));
  const text = JSON.stringify(rows);
  expect(text).toContain('ProcessCoordinator');
  const customers = [
    customer,
    Buffer.from(customer).toString('hex'),
    Buffer.from(customer).toJSON().data.join(),
  ];
  expect([showsKey(text), customers.some((shown) => text.includes(shown))]).toEqual([false, false]);
});
