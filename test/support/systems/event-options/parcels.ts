// A stock whose policy handles its own events, and events that are in no log. Threads and processes import the system
// from here.
import { Aggregate, Application, defineEvents, type EventsOf, event, ProcessApplication, System } from 'kahn';

const orderEvents = defineEvents({
  'Order.Placed': event<{ parcels: number }>(),
  'Order.Viewed': event<{ by: string }>({ notifiable: false }),
});
type OrderEvent = EventsOf<typeof orderEvents>;

export class Order extends Aggregate<OrderEvent> {
  views = 0;

  static place(parcels: number): Order {
    return Order.create('Order.Placed', { parcels });
  }

  view(by: string): this {
    this.trigger('Order.Viewed', { by });
    return this;
  }

  protected override apply({ type }: OrderEvent): void {
    if (type === 'Order.Viewed') this.views += 1;
  }
}

export class Orders extends Application<OrderEvent> {
  static readonly applicationName = 'orders';
  static readonly emits = orderEvents;
}

const parcelEvents = defineEvents({
  'Parcel.Packed': event<{ orderId: string; left: number }>(),
  'Parcel.Weighed': event<{ grams: number }>({ notifiable: false }),
  'Parcel.Sent': event<{ orderId: string; number: number }>(),
});
type ParcelEvent = EventsOf<typeof parcelEvents>;

class Parcel extends Aggregate<ParcelEvent> {
  orderId = '';
  left = 0;
  grams = 0;

  static pack(orderId: string, left: number, id: string): Parcel {
    return Parcel.create('Parcel.Packed', { orderId, left }, id);
  }

  weigh(): void {
    this.trigger('Parcel.Weighed', { grams: 100 + this.left });
  }

  send(): void {
    this.trigger('Parcel.Sent', { orderId: this.orderId, number: this.left });
  }

  protected override apply(event: ParcelEvent): void {
    if (event.type === 'Parcel.Packed') Object.assign(this, event.data);
    if (event.type === 'Parcel.Weighed') this.grams = event.data.grams;
  }
}

/** Packs one parcel after the other for an order, and weighs and sends each of them. */
export class Stock extends ProcessApplication<ParcelEvent, OrderEvent | ParcelEvent> {
  static readonly applicationName = 'stock';
  static readonly emits = parcelEvents;
  static readonly applyPolicyToGeneratedEvents = true;

  override readonly policy = this.when({
    'Order.Placed': ({ originatorId, data }, repository) =>
      Parcel.pack(originatorId, data.parcels - 1, repository.deriveId()),
    'Parcel.Packed': async ({ originatorId, data }, repository) => {
      const parcel = await repository.get(Parcel, originatorId);
      parcel.weigh();
      if (data.left > 0) return Parcel.pack(data.orderId, data.left - 1, repository.deriveId());
    },
    'Parcel.Weighed': async ({ originatorId }, repository) => {
      const parcel = await repository.get(Parcel, originatorId);
      parcel.send();
    },
  });

  get(id: string): Promise<Parcel> {
    return this.repository.get(Parcel, id);
  }
}

const noteEvents = defineEvents({ 'Note.Taken': event<{ number: number }>({ notifiable: false }) });
type NoteEvent = EventsOf<typeof noteEvents>;

class Note extends Aggregate<NoteEvent> {
  numbers: readonly number[] = [];

  take(number: number): void {
    this.trigger('Note.Taken', { number });
  }

  protected override apply({ data }: NoteEvent): void {
    this.numbers = [...this.numbers, data.number];
  }
}

/** Notes the parcels of each order, in events that are in no log. */
export class Notes extends ProcessApplication<NoteEvent, ParcelEvent> {
  static readonly applicationName = 'notes';
  static readonly emits = noteEvents;

  override readonly policy = this.when({
    'Parcel.Sent': async ({ data }, repository) => {
      const { orderId, number } = data;
      if (!(await repository.has(Note, orderId))) return Note.create('Note.Taken', { number }, orderId);
      const note = await repository.get(Note, orderId);
      note.take(number);
    },
  });

  async numbersOf(orderId: string): Promise<readonly number[]> {
    return (await this.repository.get(Note, orderId)).numbers;
  }
}

export const parcels = System.of([[Orders, Stock, Notes]], { module: import.meta.url, name: 'parcels' });

/** The numbers of the parcels of an order, in the order in which they are sent. */
export function numbersFor(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => count - 1 - i);
}
