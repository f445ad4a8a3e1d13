import { Aggregate, Application, type DomainEvent, defineEvents, type EventsOf, event, System } from 'kahn';
import { expectTypeOf } from 'vitest';

const parcelEvents = defineEvents(
  {
    'Parcel.Sent': event<{ to: string }>(),
    'Parcel.Weighed': event<{ pounds: number }>().upcast(({ pounds }) => ({ grams: pounds * 454 })),
    'Parcel.Seen': event<{ at: string }>({ notifiable: false }),
  },
  {
    former: {
      'Parcel.Posted': 'Parcel.Sent',
      'Parcel.Given': event<{ to: string; pounds: number }>().into(({ to, pounds }) => [
        { type: 'Parcel.Sent', data: { to } },
        { type: 'Parcel.Weighed', data: { grams: pounds * 454 } },
      ]),
      'Parcel.Smelled': event().into(() => []),
    },
  },
);
type ParcelEvent = EventsOf<typeof parcelEvents>;

expectTypeOf<ParcelEvent>().toEqualTypeOf<
  | DomainEvent<'Parcel.Sent', { to: string }>
  | DomainEvent<'Parcel.Weighed', { grams: number }>
  | DomainEvent<'Parcel.Seen', { at: string }>
>();

class Parcel extends Aggregate<ParcelEvent> {
  grams = 0;
  static send(to: string) {
    return Parcel.create('Parcel.Sent', { to });
  }
  weigh(grams: number) {
    this.trigger('Parcel.Weighed', { grams });
    // @ts-expect-error - data of an earlier version
    this.trigger('Parcel.Weighed', { pounds: grams });
  }
  protected override apply(event: ParcelEvent) {
    if (event.type === 'Parcel.Weighed') this.grams = event.data.grams;
  }
}

class Parcels extends Application<ParcelEvent> {
  static readonly applicationName = 'parcels';
  static readonly emits = parcelEvents;
  send(to: string) {
    return this.save(Parcel.send(to));
  }
}
System.of([[Parcels]]);

class Others extends Application<DomainEvent<'Other'>> {
  static readonly applicationName = 'others';
  static readonly emits = parcelEvents;
}
// @ts-expect-error - the events defined are not those of the class
System.of([[Others]]);

defineEvents(
  { 'Parcel.Sent': event<{ to: string }>() },
  {
    former: {
      // @ts-expect-error - no such type
      'Parcel.Posted': 'Parcel.Send',
    },
  },
);
defineEvents(
  { 'Parcel.Sent': event<{ to: string }>() },
  {
    former: {
      // @ts-expect-error - data of another type
      'Parcel.Given': event<{ to: string }>().into(({ to }) => [{ type: 'Parcel.Sent', data: { for: to } }]),
    },
  },
);
event<{ pounds: number }>()
  .upcast(({ pounds }) => ({ grams: pounds * 454 }))
  // @ts-expect-error - a step gets the data of the version before it, so no version can be left out
  .upcast(({ pounds }) => ({ kilograms: pounds / 2 }));
