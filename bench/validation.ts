import { Aggregate, Application, defineEvents, type EventsOf, event, type StorageDescription } from 'kahn';
import { z } from 'zod';
import { compareSaves, type Saver, savesTable } from './saves-comparison.ts';
import type { Section } from './section.ts';

const targetPercent = 80;

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
    `\n\n${savesTable.header}`,
  on: (storageKind) => [
    {
      name: 'validation',
      run: (options) =>
        compareSaves(
          storageKind,
          {
            targetPercent,
            open: (storage) => open(CheckedOrders, storage),
            openWithout: (storage) => open(PlainOrders, storage),
          },
          options,
        ),
    },
  ],
};

async function open(
  ordersClass: typeof PlainOrders | typeof CheckedOrders,
  storage: StorageDescription,
): Promise<Saver> {
  const orders = await ordersClass.open({ storage });
  const data = { customer: 'ada', lines: [{ sku: 'book', count: 1 }, { sku: 'pen', count: 3 }] }; // biome-ignore format: short
  return {
    save: () => orders.save(Order.create('Order.Placed', data)),
    [Symbol.asyncDispose]: () => orders.close(),
  };
}
