import { explain, NotificationNotFoundError } from 'kahn';
import { describe, expect, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { damagedStorages } from '../verification/damaged-storages.ts';
import { byCommand, effectOf, placeOf, plant } from './planted-logs.ts';

describe.each(damagedStorages)('explain() on $name, of a log with a gap', ({ name, create }) => {
  test('rejects an event that is missing, and shows no other event', async () => {
    const { storage, remove } = create();
    await plant(storage, { orders: { events: [byCommand, byCommand, byCommand, byCommand] } });
    await remove({ applicationName: 'orders', id: 2 });
    const error = await rejectionOf(explain(storage, 'orders', 2), NotificationNotFoundError);
    if (name === 'memory') return; // its logs are shorter then
    expect(error).toMatchObject({
      notificationId: 2,
      head: 4,
      message:
        "Application 'orders' has no notification 2: its log of pipeline 0 is damaged and has a gap there. " +
        'Check the system with verify().',
    });
    expect((await explain(storage, 'orders', 3)).event).toMatchObject(placeOf('orders', 3));
    await expect(explain(storage, 'orders', 5)).rejects.toThrow(
      'its log of pipeline 0 ends at notification 4.',
    );
  });

  test('names a missing cause', async () => {
    const { storage, remove } = create();
    await plant(storage, {
      orders: { events: [byCommand, byCommand, byCommand] },
      payments: { events: [effectOf('orders', 2)], positions: { orders: 3 } },
    });
    await remove({ applicationName: 'orders', id: 2 });
    for (const depth of [0, 20]) {
      const { causes, origin } = await explain(storage, 'payments', 1, { depth });
      expect({ causes, origin }).toEqual({
        causes: [],
        origin: { kind: 'missing', next: placeOf('orders', 2) },
      });
    }
    expect(`${await explain(storage, 'payments', 1)}`).toContain(
      'orders 2, missing: its log has no such event',
    );
  });
});

describe.each(damagedStorages.filter(({ name }) => name !== 'memory'))(
  'effects on $name in a log with gaps',
  ({ create }) => {
    test('keep their places, and missing effects are named', async () => {
      const { storage, remove } = create();
      const effects = [1, 1, 2, 2, 2, 2, 2, 2, 3].map((id) => effectOf('orders', id));
      await plant(storage, {
        orders: { events: [byCommand, byCommand, byCommand] },
        payments: { events: effects, positions: { orders: 3 } },
      });
      for (const id of [1, 4, 5, 7]) await remove({ applicationName: 'payments', id });
      const effectsOf = async (id: number, breadth = 50) => {
        const { event, cuts } = await explain(storage, 'orders', id, { breadth });
        return {
          ids: event.effects.map(({ notificationId }) => notificationId),
          cuts: cuts.map(({ reason, count }) => [reason, count]),
        };
      };
      expect(await effectsOf(1)).toEqual({ ids: [2], cuts: [] });
      expect(await effectsOf(2)).toEqual({ ids: [3, 6, 8], cuts: [['missing', 3]] });
      expect(await effectsOf(2, 2)).toEqual({
        ids: [3],
        cuts: [
          ['breadth', 4],
          ['missing', 1],
        ],
      });
      expect(await effectsOf(3)).toEqual({ ids: [9], cuts: [] });
      expect(`${await explain(storage, 'orders', 2)}`).toContain(
        '… 3 effects in payments, missing: the log has a gap there',
      );
    });
  },
);
