import { type } from 'arktype';
import { Aggregate, Application, type DomainEvent, defineEvents, type EventsOf, event, System } from 'kahn';
import * as v from 'valibot';
import { expectTypeOf } from 'vitest';
import { z } from 'zod';

class Tariff {
  #cents = 0;
  get cents(): number {
    return this.#cents;
  }
}

const sku = z.string().brand<'Sku'>();
type Sku = z.infer<typeof sku>;
const grams = v.pipe(v.number(), v.brand('Grams'));
type Grams = v.InferOutput<typeof grams>;

const parcelEvents = defineEvents({
  'Parcel.Sent': event(
    z.object({
      sku,
      to: z.object({ name: z.string(), lines: z.array(z.string()) }).readonly(),
      at: z.date(),
      tariff: z.instanceof(Tariff),
      note: z.string().optional(),
      tags: z.map(sku, z.set(z.number())),
    }),
  ),
  'Parcel.Weighed': event(v.object({ grams, scale: v.optional(v.string()) }), { notifiable: false }),
  'Parcel.Lost': event(type({ at: 'Date', reason: "'fire' | 'water'", 'by?': 'string' })),
  'Parcel.Found': event(
    z.discriminatedUnion('where', [
      z.object({ where: z.literal('here') }),
      z.object({ where: z.literal('there'), km: z.number() }),
    ]),
  ),
  'Parcel.Paid': event<{ pounds: number }>().upcast(
    ({ pounds }) => ({ cents: pounds * 100 }),
    z.object({ cents: z.number() }),
  ),
  'Parcel.Opened': event(z.undefined()),
});
type ParcelEvent = EventsOf<typeof parcelEvents>;

expectTypeOf<ParcelEvent>().toEqualTypeOf<
  | DomainEvent<
      'Parcel.Sent',
      {
        sku: Sku;
        to: Readonly<{ name: string; lines: string[] }>;
        at: Date;
        tariff: Tariff;
        note?: string | undefined;
        tags: Map<Sku, Set<number>>;
      }
    >
  | DomainEvent<'Parcel.Weighed', { grams: Grams; scale?: string | undefined }>
  | DomainEvent<'Parcel.Lost', { at: Date; reason: 'fire' | 'water'; by?: string }>
  | DomainEvent<'Parcel.Found', { where: 'here' } | { where: 'there'; km: number }>
  | DomainEvent<'Parcel.Paid', { cents: number }>
  | DomainEvent<'Parcel.Opened', undefined>
>();

export class Parcel extends Aggregate<ParcelEvent> {
  sku: Sku | undefined;
  lines: readonly string[] = [];

  weigh(grams: Grams): void {
    this.trigger('Parcel.Weighed', { grams });
    this.trigger('Parcel.Lost', { at: new Date(), reason: 'fire' });
    this.trigger('Parcel.Found', { where: 'there', km: 1 });
    this.trigger('Parcel.Opened', undefined);
    // @ts-expect-error - a number without the brand
    this.trigger('Parcel.Weighed', { grams: 5 });
    // @ts-expect-error - not in the union of the schema
    this.trigger('Parcel.Lost', { at: new Date(), reason: 'air' });
    // @ts-expect-error - km is missing
    this.trigger('Parcel.Found', { where: 'there' });
  }

  protected override apply(event: ParcelEvent): void {
    if (event.type !== 'Parcel.Sent') return;
    this.sku = event.data.sku;
    this.lines = event.data.to.lines;
    // @ts-expect-error - data of events is read-only
    event.data.to.lines.push('x');
    expectTypeOf(event.data.tariff).toEqualTypeOf<Tariff>();
    expectTypeOf(event.data.tags).toEqualTypeOf<ReadonlyMap<Sku, ReadonlySet<number>>>();
  }
}

export class Parcels extends Application<ParcelEvent> {
  static readonly applicationName = 'parcels';
  static readonly emits = parcelEvents;
}
System.of([[Parcels]]);

// @ts-expect-error - the step returns other data than the schema accepts
event<{ pounds: number }>().upcast(({ pounds }) => ({ grams: pounds }), z.object({ cents: z.number() }));
// @ts-expect-error - neither a schema nor options
event({ parse: () => 1 });
