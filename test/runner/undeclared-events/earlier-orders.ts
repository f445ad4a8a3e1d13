import { Aggregate, Application, defineEvents, type EventsOf, event, type StorageDescription } from 'kahn';

const earlierEvents = defineEvents({
  'Order.Created': event<{ customer: string }>(),
  'Order.Dropped': event<{ why: string }>(),
  'Order.Seen': event<{ by: string }>({ notifiable: false }),
});
type EarlierEvent = EventsOf<typeof earlierEvents>;

class EarlierOrder extends Aggregate<EarlierEvent> {
  static place(): EarlierOrder {
    return EarlierOrder.create('Order.Created', { customer: 'ada' });
  }
  drop(): this {
    this.trigger('Order.Dropped', { why: 'late' });
    return this;
  }
  see(): this {
    this.trigger('Order.Seen', { by: 'bob' });
    return this;
  }
}

/** The application 'orders' with types that the shop does not declare. */
class EarlierOrders extends Application<EarlierEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = earlierEvents;
}

/** Records orders that are dropped, each once in the log and twice without a place in it. */
export async function recordEarlierOrders(storage: StorageDescription, count: number): Promise<void> {
  await using orders = await EarlierOrders.open({ storage });
  const all = Array.from({ length: count }, () => EarlierOrder.place().drop().see().see());
  await orders.save(all);
}
