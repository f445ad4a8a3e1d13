import assert from 'node:assert/strict';
import { Order } from '../../examples/shop/order.ts';
import { Orders } from '../../examples/shop/orders.ts';
import { layoutOf } from '../../src/storage/sqlite/layout/layouts.ts';
import { settingsFrom } from '../../src/storage/sqlite/options.ts';
import { median } from '../measure.ts';
import type { Options } from '../options.ts';
import type { Section } from '../section.ts';
import { type FreshStorage, memoryKind, postgresName, type StorageKind } from '../storages.ts';
import { Table, verdictOf, whole } from '../table.ts';
import { buildInMemory, buildInPostgres, buildInSqlite } from './by-hand.ts';
import { type Built, buildByLibrary } from './order-list.ts';

const warmUpRounds = 3;
const ordersAtOnce = 1_000;
/** Smallest accepted speed, in percent of the speed of the work written by hand. */
const target = 70;

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'events', width: 9 },
  { title: 'events/s', width: 11 },
  { title: 'by hand', width: 11 },
  { title: 'ratio', width: 9 },
  { title: '(rounds)', width: 13 },
  { title: `target ${target} %`, width: 16 },
]);

/** A projection with one statement for each event, compared with the same table written by hand. */
export const projections: Section = {
  heading: ({ rounds }) =>
    'A projection that puts one row for each event into a table, compared with the same statements, batches and transactions\n' +
    `written by hand, medians of ${rounds} rounds, in turn.\n\n${table.header}`,
  on: (storageKind) => [{ name: 'projection', run: (options) => measure(storageKind, options) }],
};

function measure(storageKind: StorageKind, options: Options): Promise<string> {
  return storageKind.withFreshStorage(async (fresh) => {
    const events = options.orders ?? (storageKind.name === postgresName ? 5_000 : 20_000);
    const byHand = await preparedByHand(storageKind, fresh, events);
    const isPostgres = storageKind.name === postgresName;
    const times: { readonly library: number; readonly hand: number }[] = [];
    for (let round = 1; round <= warmUpRounds + options.rounds; round += 1) {
      const library = await buildByLibrary(fresh.storage, `list-${round}`, isPostgres);
      const hand = await byHand(`hand-${round}`);
      assert.deepEqual([library.customers, hand.customers], [events, events]);
      if (round > warmUpRounds) times.push({ library: library.ms, hand: hand.ms });
    }
    const percents = times.map(({ library, hand }) => (hand / library) * 100);
    const speed = (ms: readonly number[]) => whole((events / median(ms)) * 1_000);
    return table.line([
      storageKind.name,
      whole(events),
      speed(times.map(({ library }) => library)),
      speed(times.map(({ hand }) => hand)),
      `${median(percents).toFixed(0)} %`,
      `${whole(Math.min(...percents))} - ${whole(Math.max(...percents))}`,
      verdictOf(median(percents), target, 0),
    ]);
  });
}

/** Records the log, and returns the function that builds a table from it by hand. */
async function preparedByHand(
  { name }: StorageKind,
  { storage }: FreshStorage,
  events: number,
): Promise<(table: string) => Promise<Built>> {
  await using orders = await Orders.open({ storage });
  for (let placed = 0; placed < events; placed += ordersAtOnce) {
    const count = Math.min(ordersAtOnce, events - placed);
    await orders.save(Array.from({ length: count }, (_, i) => Order.place(`customer ${placed + i}`)));
  }
  const { options } = storage;
  if (name === memoryKind.name) {
    const log = await orders.log.select(0, events);
    return (table) => buildInMemory(table, log);
  }
  if (name === postgresName)
    return (table) => buildInPostgres(table, String(options.connectionString), String(options.schema));
  const layout = layoutOf(settingsFrom(options));
  return (table) => buildInSqlite(table, layout, options.synchronous === 'NORMAL' ? 'NORMAL' : 'FULL');
}
