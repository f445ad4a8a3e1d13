import {
  Aggregate,
  Application,
  defineEvents,
  type EventsOf,
  event,
  nameId,
  ProcessApplication,
  System,
} from 'kahn';

const orderEvents = defineEvents({ 'Order.Placed': event<{ customer: string }>() });
const parcelEvents = defineEvents({ 'Parcel.Packed': event<{ orderId: string }>() });
const billEvents = defineEvents({
  'Bill.Opened': event<{ orderId: string; customer: string; number: number }>(),
  'Bill.Sent': event<{ orderId: string; number: number }>(),
});
type OrderEvent = EventsOf<typeof orderEvents>;
type ParcelEvent = EventsOf<typeof parcelEvents>;
type BillEvent = EventsOf<typeof billEvents>;

class Order extends Aggregate<OrderEvent> {}
class Parcel extends Aggregate<ParcelEvent> {}
class Letter extends Aggregate<BillEvent> {}

/** The bills of the shop, numbered without gaps. */
class BillBook extends Aggregate<BillEvent> {
  static readonly id: string = nameId('bill-book', 'shop');
  /** Numbers by the ids of the orders. */
  readonly numbers = new Map<string, number>();

  static openWith(orderId: string, customer: string): BillBook {
    return BillBook.create('Bill.Opened', { orderId, customer, number: 1 }, BillBook.id);
  }

  open(orderId: string, customer: string): void {
    this.trigger('Bill.Opened', { orderId, customer, number: this.numbers.size + 1 });
  }

  protected override apply({ type, data }: BillEvent): void {
    if (type === 'Bill.Opened') this.numbers.set(data.orderId, data.number);
  }
}

export class Orders extends Application<OrderEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = orderEvents;

  async place(customer: string): Promise<void> {
    await this.save(Order.create('Order.Placed', { customer }));
  }
}

export class Parcels extends ProcessApplication<ParcelEvent, OrderEvent> {
  static readonly applicationName = 'parcels';
  static readonly emits = parcelEvents;

  override readonly policy = this.when({
    'Order.Placed': ({ originatorId }, repository) =>
      Parcel.create('Parcel.Packed', { orderId: originatorId }, repository.deriveId()),
  });
}

/** Opens a bill for each order, and sends it when the parcel is packed. */
export class Bills extends ProcessApplication<BillEvent, OrderEvent | ParcelEvent> {
  static readonly applicationName = 'bills';
  static readonly emits = billEvents;

  override readonly policy = this.when({
    'Order.Placed': async ({ originatorId, data: { customer } }, repository) => {
      if (!(await repository.has(BillBook, BillBook.id))) return BillBook.openWith(originatorId, customer);
      const book = await repository.get(BillBook, BillBook.id);
      book.open(originatorId, customer);
      return undefined;
    },
    'Parcel.Packed': async ({ data: { orderId } }, repository) => {
      const book = await repository.get(BillBook, BillBook.id);
      const number = book.numbers.get(orderId) ?? 0;
      return Letter.create('Bill.Sent', { orderId, number }, repository.deriveId());
    },
  });
}

export const shop = System.of(
  [
    [Orders, Parcels, Bills],
    [Orders, Bills],
  ],
  { module: import.meta.url, name: 'proven-shop' },
);
