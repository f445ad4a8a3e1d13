import { nameId, type System, type SystemRunner } from 'kahn';
import { expect, test } from 'vitest';
import { Account } from '../../../examples/commands/account.ts';
import { Accounts } from '../../../examples/commands/accounts.ts';
import { bank, perform } from '../../../examples/commands/bank.ts';
import { Transfer } from '../../../examples/commands/transfer.ts';
import { Transfers } from '../../../examples/commands/transfers.ts';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { assertSound } from '../../support/logs.ts';
import { inTime } from '../../support/until.ts';
import type { Apps, RunnerSubject } from './subject.ts';

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

  test('commands that an application keeps are awaited by their issuers, done or refused', async () => {
    const system = bank as unknown as System<Apps>;
    const started: unknown = await start(system, { storage: createStorage() });
    await using runner = started as SystemRunner<typeof Transfers | typeof Accounts>;
    const accounts = runner.get(Accounts);
    await accounts.save(Account.open('ada', 100), Account.open('bob', 0));
    const issue = (amount: number, to = 'bob', key?: string) =>
      perform(runner, Transfer.issue('ada', to, amount, key && nameId('transfer', key)), {
        idempotencyKey: key,
        signal: inTime(),
      });
    const [large, unknown] = [await issue(101), await issue(1, 'eve')];
    expect(large).toMatchObject({ bookingId: undefined, refusal: 'Account ada holds 100 only.' });
    expect(unknown.refusal).toContain("no Account 'eve'");
    const small = await Promise.all(Array.from({ length: 10 }, () => issue(10)));
    expect(small.every(({ bookingId, refusal }) => bookingId !== undefined && refusal === undefined)).toBe(
      true,
    );
    const repeated = await Promise.all([issue(1, 'bob', 'k'), issue(1, 'bob', 'k')]);
    expect(new Set(repeated.map(({ id, refusal }) => `${id} ${refusal}`)).size).toBe(1);
    const balances = await Promise.all(
      ['ada', 'bob'].map(async (id) => (await accounts.repository.get(Account, id)).balance),
    );
    expect(balances).toEqual([0, 100]);
    expect(await runner.get(Transfers).log.head()).toBe(2 * 13);
  });
}
