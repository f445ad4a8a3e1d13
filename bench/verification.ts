import assert from 'node:assert/strict';
import { SingleThreadedRunner, type StorageDescription, verify } from 'kahn';
import { Orders } from '../examples/shop/orders.ts';
import { shop } from '../examples/shop/shop.ts';

import { openStorage } from '../src/storage/storage.ts';
import { median, timed } from './measure.ts';
import type { Options } from './options.ts';
import type { Section } from './section.ts';
import { memoryKind, type StorageKind } from './storages.ts';
import { Table, verdictOf, whole } from './table.ts';

const eventsPerOrder = 5;
const ordersAtOnce = 500;
const pageSize = 1_000;
const warmUpRounds = 5;
/** Smallest accepted speed, in percent of the speed of reading. */
const target = 50;

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'events', width: 9 },
  { title: 'verified/s', width: 11 },
  { title: 'read/s', width: 13 },
  { title: 'ratio', width: 7 },
  { title: '(rounds)', width: 13 },
  { title: `target ${target} %`, width: 14 },
]);

/** Verification of a stopped shop, compared with reading the same rows. */
export const verification: Section = {
  heading: ({ rounds }) =>
    `verify() compared with reading the same rows in pages of ${whole(pageSize)}, medians of ${rounds} rounds.\n\n${table.header}`,
  on: (storageKind) => [{ name: 'verify', run: (options) => measure(storageKind, options) }],
};

function measure(storageKind: StorageKind, options: Options): Promise<string> {
  return storageKind.withFreshStorage(async ({ storage }) => {
    const orders = options.orders ?? 20_000;
    const events = orders * eventsPerOrder;
    await placeOrders(storage, orders);
    const verifyMs: number[] = [];
    const readMs: number[] = [];
    for (let round = 1; round <= warmUpRounds + options.rounds; round += 1) {
      const verified = await timed(() => verify(storage, shop));
      assert.deepEqual([verified.result.events, verified.result.isSound], [events, true]);
      const read = await timed(() => readAll(storage));
      assert.equal(read.result, events);
      if (round <= warmUpRounds) continue;
      verifyMs.push(verified.ms);
      readMs.push(read.ms);
    }
    // Reading from memory copies no more than references, so the two are not compared.
    const isCompared = storageKind !== memoryKind;
    const percents = verifyMs.map((ms, i) => ((readMs[i] ?? Number.NaN) / ms) * 100);
    return table.line([
      storageKind.name,
      whole(events),
      whole((events / median(verifyMs)) * 1_000),
      whole((events / median(readMs)) * 1_000),
      ...(isCompared
        ? [
            `${whole(median(percents))} %`,
            `${whole(Math.min(...percents))} - ${whole(Math.max(...percents))}`,
            verdictOf(median(percents), target, 0),
          ]
        : []),
    ]);
  });
}

async function placeOrders(storage: StorageDescription, orders: number): Promise<void> {
  await using runner = await SingleThreadedRunner.start(shop, { storage });
  for (let placed = 0; placed < orders; placed += ordersAtOnce) {
    const count = Math.min(ordersAtOnce, orders - placed);
    await Promise.all(
      Array.from({ length: count }, (_, i) => runner.get(Orders).place(`customer ${placed + i}`)),
    );
  }
}

/** Opens the storage, reads the notifications of all logs, and returns their number. */
async function readAll(storage: StorageDescription): Promise<number> {
  await using opened = new AsyncDisposableStack();
  const openedStorage = await openStorage(storage);
  opened.defer(() => openedStorage.close());
  let count = 0;
  for (const { applicationName } of shop.applications) {
    const recorder = await openedStorage.openRecorder({ applicationName, setupTables: false });
    opened.defer(() => recorder.close());
    let position = 0;
    for (;;) {
      const page = await recorder.notifications(0, position, pageSize);
      count += page.length;
      const last = page.at(-1);
      if (last === undefined) break;
      position = last.id;
    }
  }
  return count;
}
