import { Aggregate, Application, defineEvents, type EventsOf, event, type StorageDescription } from 'kahn';
import { z } from 'zod';
import { median, timed } from './measure.ts';
import type { Options } from './options.ts';
import type { Section } from './section.ts';
import type { StorageKind } from './storages.ts';
import { Table, verdictOf, whole } from './table.ts';

const targetPercent = 80;
const warmUpRounds = 3;
const waveSize = 100;

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'saved', width: -38 },
  { title: 'events/s', width: 10 },
  { title: 'without', width: 10 },
  { title: 'of without', width: 12 },
  { title: '(rounds)', width: 12 },
  { title: '  verdict', width: -18 },
]);

interface OrderData {
  readonly customer: string;
  readonly lines: readonly { readonly sku: string; readonly count: number }[];
}

const plainEvents = defineEvents({ 'Order.Placed': event<OrderData>() });
const checkedEvents = defineEvents({
  'Order.Placed': event(
    z.strictObject({
      customer: z.string().min(1),
      lines: z.array(z.strictObject({ sku: z.string(), count: z.int().positive() })),
    }),
  ),
});

class Order extends Aggregate<EventsOf<typeof plainEvents>> {}

class PlainOrders extends Application<EventsOf<typeof plainEvents>> {
  static readonly applicationName = 'orders';
  static readonly emits = plainEvents;
}

class CheckedOrders extends Application<EventsOf<typeof checkedEvents>> {
  static readonly applicationName = 'orders';
  static readonly emits = checkedEvents;
}

/** Saves whose events have a schema of zod, compared with the same saves without. */
export const validation: Section = {
  heading: ({ rounds }) =>
    `Orders of two lines whose type has a schema of zod, medians of ${rounds} rounds, in turn; target: ${targetPercent} %.` +
    `\n\n${table.header}`,
  on: (storageKind) => [{ name: 'validation', run: (options) => compareOn(storageKind, options) }],
};

async function compareOn(storageKind: StorageKind, { rounds }: Options): Promise<string> {
  const count = Math.ceil(storageKind.events / waveSize) * waveSize;
  const measure = (orders: typeof PlainOrders | typeof CheckedOrders) =>
    storageKind.withFreshStorage(({ storage }) => saveIn(storage, orders, count));
  const checked: number[] = [];
  const plain: number[] = [];
  for (let round = 1; round <= warmUpRounds + rounds; round += 1) {
    const [ofChecked, ofPlain] = [await measure(CheckedOrders), await measure(PlainOrders)];
    if (round <= warmUpRounds) continue;
    checked.push(ofChecked);
    plain.push(ofPlain);
  }
  const percents = checked.map((ms, i) => ((plain[i] ?? Number.NaN) / ms) * 100);
  const speed = (times: readonly number[]) => whole((count / median(times)) * 1_000);
  return table.line([
    storageKind.name,
    `${waveSize} concurrent orders`,
    speed(checked),
    speed(plain),
    `${median(percents).toFixed(1)} %`,
    `${Math.min(...percents).toFixed(0)} - ${Math.max(...percents).toFixed(0)}`,
    `  ${verdictOf(median(percents), targetPercent, 1)}`,
  ]);
}

/** Saves orders in waves, and returns the duration in ms. */
async function saveIn(
  storage: StorageDescription,
  ordersClass: typeof PlainOrders | typeof CheckedOrders,
  count: number,
): Promise<number> {
  await using orders = await ordersClass.open({ storage });
  const data = { customer: 'ada', lines: [{ sku: 'book', count: 1 }, { sku: 'pen', count: 3 }] }; // biome-ignore format: short
  const { ms } = await timed(async () => {
    for (let saved = 0; saved < count; saved += waveSize) {
      const wave = Array.from({ length: waveSize }, () => orders.save(Order.create('Order.Placed', data)));
      await Promise.all(wave);
    }
  });
  return ms;
}
