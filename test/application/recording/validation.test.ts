import { DownstreamError, EventInvalidError, EventNotEncodableError, memory, PolicyError, run } from 'kahn';
import { expect, test } from 'vitest';
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
