import { nameId } from 'kahn';
import { expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { assertSound } from '../../support/logs.ts';
import { inTime } from '../../support/until.ts';
import type { RunnerSubject } from './subject.ts';

/** Updates and idempotency keys. */
export function commands({ start, createStorage }: RunnerSubject): void {
  test('update() succeeds while followers change the aggregate, and can be waited for', async () => {
    await using runner = await start(shop, { storage: createStorage() });
    const orders = runner.get(Orders);
    const id = await orders.place('ada');
    const updates = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        orders.update(Order, id, (order) => {
          order.reserve(`${i}`);
          return order.version;
        }),
      ),
    );
    expect(new Set(updates.map(({ result }) => result)).size).toBe(10);
    for (const updated of updates) await runner.settled(updated, { signal: inTime() });
    await runner.caughtUp();
    expect(await orders.get(id)).toMatchObject({ done: true });
  });

  test('a command with an idempotency key is followed once, also after a restart', async () => {
    const storage = createStorage();
    const id = nameId('order', 'k');
    const outcomes: unknown[] = [];
    for (let round = 0; round < 2; round += 1) {
      await using runner = await start(shop, { storage });
      const orders = runner.get(Orders);
      const send = async () => {
        const order = Order.create('Order.Created', { customer: 'ada' }, id);
        const saved = await orders.save(order, { idempotencyKey: 'k' });
        await runner.settled(saved, { signal: inTime() });
        expect((await orders.get(id)).done).toBe(true);
        outcomes.push(saved);
      };
      await Promise.all([send(), send(), send()]);
      await send();
      const options = { idempotencyKey: 'updated' };
      const updated = await orders.update(Order, id, (order) => order.reserve('again'), options);
      await runner.settled(updated, { signal: inTime() });
      expect((await orders.get(id)).version).toBe(5); // each reservation is paid once
    }
    expect(new Set(outcomes.map((one) => JSON.stringify(one))).size).toBe(1);
    await assertSound(storage);
  });
}
