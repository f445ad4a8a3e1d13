import { Aggregate, Application, defineEvents, type EventsOf, event, ProcessApplication, System } from 'kahn';
import { z } from 'zod';

export const parcelEvents = defineEvents({
  'Parcel.Sent': event(z.strictObject({ to: z.string().min(1), grams: z.number() })),
  'Parcel.Noted': event<{ note: unknown }>(),
});
type ParcelEvent = EventsOf<typeof parcelEvents>;

export class Parcel extends Aggregate<ParcelEvent> {
  grams = 0;
  static send(to: string, grams: unknown = 5, id?: string): Parcel {
    return Parcel.create('Parcel.Sent', { to, grams: grams as number }, id);
  }
  note(note: unknown): this {
    this.trigger('Parcel.Noted', { note });
    return this;
  }
  protected override apply(event: ParcelEvent): void {
    if (event.type === 'Parcel.Sent') this.grams = event.data.grams;
  }
}

/** An application whose events have a schema. */
export class Parcels extends Application<ParcelEvent> {
  static readonly applicationName = 'parcels';
  static readonly emits = parcelEvents;
}

export const bills = defineEvents({
  'Bill.Written': event(z.strictObject({ cents: z.number().max(1_000, 'too expensive') })),
});
type BillEvent = EventsOf<typeof bills>;

export class Bill extends Aggregate<BillEvent> {}

/** Writes a bill for each parcel. A bill of a heavy parcel does not fit its schema. */
export class Bills extends ProcessApplication<BillEvent, ParcelEvent> {
  static readonly applicationName = 'bills';
  static readonly emits = bills;
  override readonly policy = this.when({
    'Parcel.Sent': (event, repository) =>
      Bill.create('Bill.Written', { cents: event.data.grams * 10 }, repository.deriveId()),
  });
}

export const validatedParcels: System<typeof Parcels | typeof Bills> = System.of([[Parcels, Bills]], {
  module: import.meta.url,
});
