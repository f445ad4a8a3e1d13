import fc from 'fast-check';
import { run, System, verify } from 'kahn';
import { expect, test } from 'vitest';
import { CustomerList, Order, OrderList, Orders } from '../../support/projections/order-list.ts';
import { propertyRuns } from '../../support/seed.ts';
import { temporarySqlite } from '../../support/storages.ts';

import { until } from '../../support/until.ts';

type Command = { readonly place: string } | { readonly pay: number; readonly amount: number };

const commands = fc.array(
  fc.oneof(
    fc.record({ place: fc.constantFrom('ada', 'bob', 'cyd') }),
    fc.record({ pay: fc.nat(9), amount: fc.integer({ min: 1, max: 100 }) }),
  ),
  { maxLength: 20 },
);

test('the rows of a projection equal a fold over the log, in the first schema and the next', async () => {
  await fc.assert(
    fc.asyncProperty(commands, fc.integer({ min: 1, max: 5 }), async (given, batchSize) => {
      const storage = temporarySqlite();
      const orders: Order[] = [];
      {
        await using runner = await run(System.of([[Orders, OrderList]]), { storage, batchSize });
        for (const command of given as readonly Command[]) {
          const order = 'place' in command ? Order.place(command.place) : orders[command.pay];
          if (order === undefined) continue;
          if ('place' in command) orders.push(order);
          else order.pay(command.amount);
          await runner.get(Orders).save(order);
        }
        const rows = await runner
          .get(OrderList)
          .read(({ db, tables }) => db.prepare(`select id, customer, paid from ${tables.orders}`).all());
        const folded = new Map<string, { id: string; customer: string; paid: number }>();
        for await (const { event } of runner.get(Orders).reader()) {
          const { originatorId: id } = event;
          if (event.type === 'Order.Created') folded.set(id, { id, customer: event.data.customer, paid: 0 });
          else (folded.get(id) as { paid: number }).paid += event.data.amount;
        }
        const byId = (a: { id?: unknown }, b: { id?: unknown }) => String(a.id).localeCompare(String(b.id));
        expect(rows.sort(byId)).toEqual([...folded.values()].sort(byId));
      }
      const second = System.of([[Orders, CustomerList]]);
      await using runner = await run(second, { storage, batchSize });
      await until('the next schema is live', async () => (await runner.status())[1]?.building === undefined);
      const counts = new Map<string, number>();
      for await (const { event } of runner.get(Orders).reader())
        if (event.type === 'Order.Created')
          counts.set(event.data.customer, (counts.get(event.data.customer) ?? 0) + 1);
      const { rows } = await runner.get(CustomerList).customers();
      expect(rows).toEqual([...counts].sort().map(([customer, n]) => ({ customer, orders: n })));
      expect(String(await verify(storage, second))).toContain('0 lost, 0 doubled');
    }),
    propertyRuns(2, 60),
  );
});
