import {
  Aggregate,
  AggregateLoadError,
  Application,
  DownstreamError,
  defineEvents,
  EventInvalidError,
  EventNotEncodableError,
  type EventsOf,
  event,
  memory,
  PolicyError,
  run,
} from 'kahn';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';
import { Bills, Parcel, Parcels, validatedParcels } from './validated-parcels.ts';

test.for(storages)('rejects only the save whose data does not fit, on $name', async ({ create }) => {
  await using parcels = await Parcels.open({ storage: create() });
  const wrong = Parcel.send('ada', 'heavy', 'p-1').note('kept');
  const saves = [Parcel.send('bob'), wrong, Parcel.send('eve')].map((one) => parcels.save(one));
  const [first, second, third] = await Promise.allSettled(saves);
  expect([first?.status, third?.status]).toEqual(['fulfilled', 'fulfilled']);
  expect(second).toMatchObject({
    reason: {
      code: 'EVENT_INVALID',
      applicationName: 'parcels',
      eventType: 'Parcel.Sent',
      originatorId: 'p-1',
      issues: [{ path: 'grams' }],
    },
  });
  expect(await parcels.log.head()).toBe(2);
});

test('a save of several aggregates records nothing if one event does not fit', async () => {
  await using parcels = await Parcels.open({ storage: memory() });
  const good = Parcel.send('ada');
  await rejectionOf(parcels.save(good, Parcel.send('')), EventInvalidError);
  expect(await parcels.log.head()).toBe(0);
  await parcels.save(good); // its event is still pending
  expect(await parcels.log.head()).toBe(1);
});

const uncheckedEvents = defineEvents({ 'Parcel.Sent': event<unknown>(), 'Parcel.Weighed': event<unknown>() });

class UncheckedParcels extends Application<EventsOf<typeof uncheckedEvents>> {
  static readonly applicationName = 'parcels';
  static readonly emits = uncheckedEvents;
}
class UncheckedParcel extends Aggregate<EventsOf<typeof uncheckedEvents>> {}

const readEvents = defineEvents(
  {
    'Parcel.Sent': event(z.strictObject({ to: z.string() })),
    'Parcel.Weighed': event<{ pounds: number }>().upcast(
      ({ pounds }) => ({ grams: pounds * 454 }),
      z.strictObject({ grams: z.number().max(5_000) }),
    ),
  },
  { validateReads: true },
);

class ReadParcel extends Aggregate<EventsOf<typeof readEvents>> {}

class ReadParcels extends Application<EventsOf<typeof readEvents>> {
  static readonly applicationName = 'parcels';
  static readonly emits = readEvents;
}

test.for(storages)(
  'with validateReads, what is read must fit after upcasts, on $name',
  async ({ create }) => {
    const storage = create();
    {
      await using parcels = await UncheckedParcels.open({ storage });
      const create = (id: string, type: 'Parcel.Sent' | 'Parcel.Weighed', data: unknown) =>
        parcels.save(UncheckedParcel.create(type, data as never, id));
      await create('good', 'Parcel.Weighed', { pounds: 2 });
      await create('old', 'Parcel.Weighed', { pounds: 100 });
      await create('more', 'Parcel.Sent', { to: 'ada', note: 'x' });
    }
    await using parcels = await ReadParcels.open({ storage });
    expect(await parcels.repository.get(ReadParcel, 'good')).toMatchObject({ version: 1 });
    const failed = await rejectionOf(parcels.repository.get(ReadParcel, 'old'), AggregateLoadError);
    const issues = [{ path: 'grams', message: expect.stringContaining('5000') }];
    const place = { applicationName: 'parcels', originatorVersion: 1, timestamp: expect.any(Number) };
    expect(failed.cause).toMatchObject({
      code: 'EVENT_INVALID',
      ...place,
      eventType: 'Parcel.Weighed',
      originatorId: 'old',
      issues,
    });
    const read: unknown[] = [];
    const reading = async () => {
      for await (const { event } of parcels.reader()) read.push(event.data);
    };
    const error = await rejectionOf(reading(), EventInvalidError);
    expect(error.message).toMatch(
      /^Application 'parcels' cannot read 'Parcel\.Weighed', version 1 of aggregate 'old', recorded at \d{4}-.*: its data/,
    );
    expect(read).toEqual([{ grams: 908 }]);
    const refused = await rejectionOf(parcels.repository.get(ReadParcel, 'more'), AggregateLoadError);
    expect(refused.cause).toMatchObject({ code: 'EVENT_INVALID', issues: [{ path: '' }] });
  },
);

test('data is checked against its schema before it is encoded', async () => {
  await using parcels = await Parcels.open({ storage: memory() });
  await rejectionOf(parcels.save(Parcel.send('ada', Number.NaN)), EventInvalidError);
  const noted = Parcel.send('ada').note(Number.NaN); // a type without schema
  await rejectionOf(parcels.save(noted), EventNotEncodableError);
});

test.for(storages)(
  'an event of a policy that does not fit stops it at its notification, on $name',
  async ({ create }) => {
    await using runner = await run(validatedParcels, { storage: create() });
    const parcels = runner.get(Parcels);
    const sent = [5, 10, 500, 20].map((grams) => Parcel.send('ada', grams));
    const error = await rejectionOf(parcels.save(sent), DownstreamError);
    const { cause } = error;
    expect(cause).toBeInstanceOf(PolicyError);
    expect(cause).toMatchObject({
      applicationName: 'bills',
      upstreamName: 'parcels',
      notificationId: 3,
      cause: {
        code: 'EVENT_INVALID',
        eventType: 'Bill.Written',
        issues: [{ path: 'cents', message: 'too expensive' }],
      },
    });
    expect(await runner.get(Bills).log.head()).toBe(2);
  },
);
