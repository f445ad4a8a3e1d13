import { MultiprocessRunner } from 'kahn';
import { test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { until } from '../../support/until.ts';

test('hosts that share the applications of a system prompt each other for every single event', async () => {
  const storage = temporaryPostgres();
  const start = (...applications: (typeof shop.applications)[number][]) =>
    MultiprocessRunner.start(shop.bind(storage), { applications, pollIntervalMs: 2 ** 30 });
  await using commands = await start(Orders);
  await using _other = await start(Reservations, Payments);
  const orders = commands.get(Orders);
  for (const customer of ['ada', 'bob', 'cy']) {
    const id = await orders.place(customer);
    // A wait of the runner would prompt the processes.
    await until(`the order of ${customer} is done`, async () => (await orders.get(id)).done);
  }
});
