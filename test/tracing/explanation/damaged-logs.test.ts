import { explain } from 'kahn';
import { describe, expect, test } from 'vitest';
import { storages } from '../../support/storages.ts';
import { byCommand, effectOf, placeOf, plant } from './planted-logs.ts';

describe.each(storages)(
  'explain() on $name, of events whose causes are incomplete or damaged',
  ({ create }) => {
    test('names an event of an earlier release, and of a cause outside of the storage', async () => {
      const storage = create();
      const at = (applicationName: string, id: number) => explain(storage, applicationName, id);
      await plant(storage, {
        orders: { events: [{}, effectOf('billing', 7), byCommand] },
        payments: { events: [effectOf('orders', 1)], positions: { orders: 1 } },
      });
      const old = await at('payments', 1);
      expect(old).toMatchObject({ causes: [placeOf('orders', 1)], origin: { kind: 'unrecorded' } });
      expect(`${old}`).toMatch(
        /^From 2023-11-14T22:13:20.000Z, cause not recorded, correlation id c\n\n {2}orders 1 /,
      );
      const elsewhere = await at('orders', 2);
      expect(elsewhere).toMatchObject({
        causes: [],
        origin: { kind: 'elsewhere', next: placeOf('billing', 7) },
      });
      expect(`${elsewhere}`).toMatch(/^ {2}billing 7, elsewhere: not in this storage\n▶ └─ orders 2 /m);
      expect(`${await at('orders', 3)}`).toMatch(
        /, by a command, .*\n\n▶ orders 3 .*\n {2}└─ not processed yet by payments\n$/,
      );
    });

    test('names a cause that is lost', async () => {
      const storage = create();
      await plant(storage, {
        orders: { events: [byCommand] },
        payments: { events: [effectOf('orders', 2)] },
      });
      const explanation = await explain(storage, 'payments', 1);
      expect(explanation.origin).toEqual({ kind: 'missing', next: placeOf('orders', 2) });
      expect(`${explanation}`).toContain('  orders 2, missing: its log has no such event\n▶ └─ payments 1');
    });

    test('ends where causes run in a circle', async () => {
      const storage = create();
      await plant(storage, {
        orders: { events: [effectOf('payments', 1)], positions: { payments: 1 } },
        payments: { events: [effectOf('orders', 1)], positions: { orders: 1 } },
        returns: { events: [effectOf('returns', 1)], positions: { returns: 1 } },
      });
      const circle = await explain(storage, 'orders', 1, { depth: 1_000 });
      expect(circle).toMatchObject({
        event: { effects: [{ ...placeOf('payments', 1), effects: [] }] },
        causes: [placeOf('payments', 1)],
        origin: { kind: 'repeated', next: placeOf('orders', 1) },
        cuts: [{ reason: 'repeated', cause: placeOf('payments', 1), applicationName: 'orders', count: 1 }],
      });
      expect(`${circle}`).toContain('orders 1, already below: the recorded causes are damaged\n');
      expect(`${circle}`).toContain(
        '… 1 effect in orders, already in the tree: the recorded causes are damaged\n',
      );
      const itself = await explain(storage, 'returns', 1);
      expect(itself).toMatchObject({ event: { effects: [] }, causes: [], origin: { kind: 'repeated' } });
    });
  },
);
