import type { ScenarioRunner } from 'kahn/testing';
import { Account } from '../../../examples/commands/account.ts';
import { Accounts } from '../../../examples/commands/accounts.ts';
import { Transfer } from '../../../examples/commands/transfer.ts';
import { Transfers } from '../../../examples/commands/transfers.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Ping } from '../../support/systems/rallies.ts';

/** A shop: commands by a method of the application. */
export async function placeOrders(runner: ScenarioRunner<typeof Orders>) {
  const orders = runner.get(Orders);
  const ids = [];
  for (const customer of ['ada', 'bob', 'cy']) ids.push(await orders.place(customer));
  await runner.caughtUp();
  return Promise.all(ids.map(async (id) => ({ id, done: (await orders.get(id)).done })));
}

/** Two commanders, updates and a refusal. */
export async function transferMoney(runner: ScenarioRunner<typeof Accounts | typeof Transfers>) {
  const accounts = runner.get(Accounts);
  await accounts.save([Account.open('ada', 100), Account.open('bob', 0)]);
  const { result } = await accounts.update(Account, 'ada', (account) => {
    account.change(-10);
    return new Set([account.balance]); // need not be plain data
  });
  for (const amount of [30, 500, 20]) {
    const saved = await runner.get(Transfers).save(Transfer.issue('ada', 'bob', amount));
    await runner.processed(saved, { by: Transfers });
  }
  const { balance } = await accounts.repository.get(Account, 'bob');
  return { afterUpdate: [...result], balance };
}

/** Applications that follow each other. */
export async function rally(runner: ScenarioRunner<typeof Ping>) {
  await runner.settled(await runner.get(Ping).serve(3, 2));
}
