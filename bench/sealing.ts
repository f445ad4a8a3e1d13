import { randomBytes } from 'node:crypto';
import {
  Aggregate,
  Application,
  type DomainEvent,
  type KeyRing,
  type OpenApplicationOptions,
  type StorageDescription,
} from 'kahn';
import { median, timed } from './measure.ts';
import type { Options } from './options.ts';
import type { Section } from './section.ts';
import type { StorageKind } from './storages.ts';
import { Table, verdictOf, whole } from './table.ts';

const warmUpRounds = 2;
const waveSize = 100;
const pageSize = 500;

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'what', width: -46 },
  { title: 'events/s', width: 10 },
  { title: 'without', width: 10 },
  { title: 'of without', width: 12 },
  { title: '(rounds)', width: 12 },
  { title: '  verdict', width: -18 },
]);

type Placed = DomainEvent<'Order.Placed', { customer: string; lines: readonly object[] }>;

class Order extends Aggregate<Placed> {}

class Orders extends Application<Placed> {
  static readonly applicationName = 'orders';
  static readonly emits = ['Order.Placed'] as const;
}

const ring: KeyRing = { current: 'k1', keys: { k1: randomBytes(32) } };
const encryption = { keys: () => ring };
const compression = {};

interface Load {
  readonly name: string;
  /** Lines of each order, of 60 characters. */
  readonly lines: number;
  readonly options: Partial<OpenApplicationOptions>;
  /** Percent of the speed without that saves and reads are to have. */
  readonly targets: { readonly save: number; readonly read: number };
  /** Approximate time per event relative to the other loads. */
  readonly slowness: number;
}

const loads: readonly Load[] = [
  {
    name: 'encrypted, 2 lines',
    lines: 2,
    options: { encryption },
    targets: { save: 40, read: 15 },
    slowness: 1,
  },
  {
    name: 'compressed, 40 lines',
    lines: 40,
    options: { compression },
    targets: { save: 40, read: 25 },
    slowness: 5,
  },
  {
    name: 'both, 40 lines',
    lines: 40,
    options: { encryption, compression },
    targets: { save: 30, read: 20 },
    slowness: 5,
  },
];

/** Saves and reads with encryption and compression, compared with the same without. */
export const sealing: Section = {
  heading: ({ rounds }) =>
    `Orders with encryption and compression, medians of ${rounds} rounds, in turn.\n\n${table.header}`,
  on: (storageKind) =>
    loads.map((load) => ({
      name: `sealed, ${load.name}`,
      run: (options) => compareOn(storageKind, load, options),
    })),
};

interface Times {
  readonly save: number;
  readonly read: number;
}

async function compareOn(storageKind: StorageKind, load: Load, { rounds }: Options): Promise<string> {
  const count = Math.ceil(storageKind.events / load.slowness / waveSize) * waveSize;
  const measure = (options: Load['options']) =>
    storageKind.withFreshStorage(({ storage }) => timesOf(storage, options, load, count));
  const pairs: { readonly sealed: Times; readonly plain: Times }[] = [];
  for (let round = 1; round <= warmUpRounds + rounds; round += 1) {
    const [sealed, plain] = [await measure(load.options), await measure({})];
    if (round > warmUpRounds) pairs.push({ sealed, plain });
  }
  return (['save', 'read'] as const)
    .map((what) => {
      const percents = pairs.map(({ sealed, plain }) => (plain[what] / sealed[what]) * 100);
      const speed = (kind: 'sealed' | 'plain') =>
        whole((count / median(pairs.map((pair) => pair[kind][what]))) * 1_000);
      return table.line([
        storageKind.name,
        `${what === 'save' ? `${waveSize} concurrent saves` : `reads of ${pageSize}`}, ${load.name}`,
        speed('sealed'),
        speed('plain'),
        `${median(percents).toFixed(1)} %`,
        `${Math.min(...percents).toFixed(0)} - ${Math.max(...percents).toFixed(0)}`,
        `  ${verdictOf(median(percents), load.targets[what], 1)}`,
      ]);
    })
    .join('\n');
}

/** Saves orders in waves, reads them in pages, and returns the durations in ms. */
async function timesOf(
  storage: StorageDescription,
  options: Load['options'],
  { lines }: Load,
  count: number,
): Promise<Times> {
  await using orders = await Orders.open({ ...options, storage });
  const data = {
    customer: 'ada',
    lines: Array.from({ length: lines }, (_, index) => ({
      sku: `sku-${index * 7919}`,
      count: index,
      price: 1_999 + index * 13,
    })),
  };
  const { ms: save } = await timed(async () => {
    for (let saved = 0; saved < count; saved += waveSize) {
      const wave = Array.from({ length: waveSize }, () => orders.save(Order.create('Order.Placed', data)));
      await Promise.all(wave);
    }
  });
  const { ms: read } = await timed(async () => {
    const reader = orders.reader();
    while ((await reader.read(pageSize)).length > 0);
  });
  return { save, read };
}
