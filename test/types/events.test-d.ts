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
event<{ pounds: number }>()
  .upcast(({ pounds }) => ({ grams: pounds * 454 }))
  // @ts-expect-error - a former type ends with the data of its newest version
  .into(({ pounds }) => [{ type: 'Parcel.Weighed', data: { grams: pounds } }]);
event<{ tags: string[] }>().upcast(({ tags }) => {
  // @ts-expect-error - data of earlier versions is read-only
  tags.push('old');
  return { tags };
});
// @ts-expect-error - into() returns an array
event<{ to: string }>().into(({ to }) => ({ type: 'Parcel.Sent', data: { to } }));
// @ts-expect-error - a version is a number
event<{ to: string }>({ since: '2' });
defineEvents(
  { 'Parcel.Sent': event<{ to: string }>({ since: 3 }).upcast(({ to }) => ({ to, isUrgent: false })) },
  {
    former: {
      'Parcel.Sent': event<{ for: string }>()
        .upcast((old) => ({ to: old.for }))
        .into(({ to }) => [{ type: 'Parcel.Sent', data: { to, isUrgent: true } }]),
    },
  },
);
defineEvents(
  { 'Parcel.Sent': event<{ to: string }>().upcast(({ to }) => ({ to, isUrgent: false })) },
  {
    former: {
      // @ts-expect-error - into() returns data of the newest version, not of the first one
      'Parcel.Given': event<{ to: string }>().into(({ to }) => [{ type: 'Parcel.Sent', data: { to } }]),
    },
  },
);
defineEvents(
  { 'Parcel.Sent': event<{ to: string }>() },
  {
    former: {
      // @ts-expect-error - a former type says as what it is read
      'Parcel.Given': event<{ to: string }>(),
    },
  },
);

class Boxes extends Application<DomainEvent<'Box.Sent', { to: string; tags: readonly string[] }>> {
  static readonly applicationName = 'boxes';
  static readonly emits = defineEvents({ 'Box.Sent': event<{ to: string; tags: string[] }>() });
}
System.of([Boxes]);

class OtherBoxes extends Application<DomainEvent<'Box.Sent', { to: string }>> {
  static readonly applicationName = 'boxes';
  static readonly emits = defineEvents({ 'Box.Sent': event<{ to: number }>() });
}
// @ts-expect-error - the data is defined in one way, and recorded in another
System.of([OtherBoxes]);
