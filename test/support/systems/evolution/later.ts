// The orders and the journal of earlier.ts, after their events have moved on: 'Order.Placed' has a new name and weighs in
// grams, 'Order.Changed' became two types, and 'Order.Noted' is gone.
import { Aggregate, Application, defineEvents, type EventsOf, event, ProcessApplication, System } from 'kahn';
import { Entry, type EntryEvent } from './entries.ts';

/** Number of calls of the functions that convert events, by name. */
export const calls = { grams: 0, split: 0, drop: 0 };

export const orderEvents = defineEvents(
  {
    'Order.Created': event<{ customer: string; pounds: number }>().upcast(({ customer, pounds }) => {
      calls.grams += 1;
      return { customer, grams: pounds * 500 };
    }),
    'Order.Renamed': event<{ name: string }>(),
    'Order.Moved': event<{ to: string }>(),
  },
  {
    former: {
      'Order.Placed': 'Order.Created',
      'Order.Changed': event<{ name?: string; to?: string }>().into(({ name, to }) => {
        calls.split += 1;
        return [
          ...(name === undefined ? [] : [{ type: 'Order.Renamed', data: { name } } as const]),
          ...(to === undefined ? [] : [{ type: 'Order.Moved', data: { to } } as const]),
        ];
      }),
      'Order.Noted': event<{ text: string }>().into(() => {
        calls.drop += 1;
        return [];
      }),
    },
  },
);
export type OrderEvent = EventsOf<typeof orderEvents>;

export class Order extends Aggregate<OrderEvent> {
  customer = '';
  grams = 0;
  to = '';
  steps: readonly string[] = [];

  static make(customer: string, grams: number, id?: string): Order {
    return Order.create('Order.Created', { customer, grams }, id);
  }
  move(to: string): this {
    this.trigger('Order.Moved', { to });
    return this;
  }
  protected override apply({ type, data, originatorVersion }: OrderEvent) {
    this.steps = [...this.steps, `${originatorVersion} ${type}`];
    if (type === 'Order.Created') Object.assign(this, data);
    else if (type === 'Order.Renamed') this.customer = data.name;
    else this.to = data.to;
  }
}

export class Orders extends Application<OrderEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = orderEvents;
}

/** Writes an entry for each event of an order. */
export class Journal extends ProcessApplication<EntryEvent, OrderEvent> {
  static readonly applicationName = 'journal';
  static readonly emits = ['Entry.Made'] as const;
  override readonly policy = this.when({
    'Order.Created': ({ data }, repository) =>
      Entry.make(`created ${data.customer} ${data.grams} g`, repository.deriveId()),
    'Order.Renamed': ({ data }, repository) => Entry.make(`renamed ${data.name}`, repository.deriveId()),
    'Order.Moved': ({ data }, repository) => Entry.make(`moved ${data.to}`, repository.deriveId()),
  });
}

export const system = System.of([[Orders, Journal]], { module: import.meta.url });
