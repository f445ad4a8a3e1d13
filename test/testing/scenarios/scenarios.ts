import { DownstreamError, NotificationParkedError, System } from 'kahn';
import type { ScenarioRunner } from 'kahn/testing';
import { Account } from '../../../examples/commands/account.ts';
import { Accounts } from '../../../examples/commands/accounts.ts';
import { Transfer } from '../../../examples/commands/transfer.ts';
import { Transfers } from '../../../examples/commands/transfers.ts';
import { Flight, flightId } from '../../../examples/flights/flight.ts';
import { Flights } from '../../../examples/flights/flights.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import {
  Order as ListedOrder,
  Orders as ListedOrders,
  OrderList,
} from '../../support/projections/order-list.ts';
import { PostgresOrderList } from '../../support/projections/postgres-order-list.ts';
import { JammedError, Labels, Parcels } from '../../support/systems/parking/parcel-desk.ts';
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

type OrderLists = typeof OrderList | typeof PostgresOrderList;

/** A projection, with rows for two types of events. */
export async function listOrders(runner: ScenarioRunner<typeof ListedOrders | OrderLists>) {
  const orders = runner.get(ListedOrders);
  const ada = ListedOrder.place('ada');
  await orders.save(ada, ListedOrder.place('bob'));
  for (const amount of [5, 7]) await orders.update(ListedOrder, ada.id, (order) => order.pay(amount));
  await runner.caughtUp();
  const list = runner.system.applications.find(({ applicationName }) => applicationName === 'order-list');
  return await runner.get(list as OrderLists).orders();
}

export const listedOrders = System.of([[ListedOrders, OrderList]]);

/** A notification that is parked with what follows it, retried and processed; another one that stays parked. */
export async function printLabels(runner: ScenarioRunner<typeof Parcels | typeof Labels>) {
  let isJammed = true;
  Labels.meanwhile = (number) => {
    if (number === 9 || (isJammed && number === 1)) throw new JammedError(`label ${number} is jammed`);
  };
  const parcels = runner.get(Parcels);
  for (const number of [1, 2]) await parcels.send('a', number).catch(unlessParked);
  await parcels.send('b', 3);
  await runner.caughtUp().catch(unlessParked);
  isJammed = false;
  const retried = await runner.retry(Labels, { upstream: Parcels }, { by: 'ada', reason: 'mended' });
  await runner.caughtUp();
  await parcels.send('c', 9).catch(unlessParked);
  return { retried: retried <= 2 };
}

/** On one thread, a save also reports that its event is parked. */
function unlessParked(error: unknown): void {
  const isParked = error instanceof DownstreamError && error.cause instanceof NotificationParkedError;
  if (!isParked) throw error;
}

export const labelDesk = System.of([[Parcels, Labels]]);

export const listedInPostgres = System.of([[ListedOrders, PostgresOrderList]]);

/** Late flights, whose compensation is claimed and paid, and airports that add up delays. */
export async function compensate(runner: ScenarioRunner<typeof Flights>) {
  const arrivals = [200, 0, 400].map((delay, i) =>
    Flight.arrived(flightId('test', i), {
      date: '2001/01/01 06:55',
      delay,
      distance: 900,
      origin: 'SFO',
      destination: 'LAX',
    }),
  );
  await runner.get(Flights).record(arrivals.slice(0, 2));
  await runner.get(Flights).record(arrivals.slice(2));
}
