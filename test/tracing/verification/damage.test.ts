import { type Cause, type Fault, run, verify } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { type DamagedStorage, damagedStorages, type Place } from './damaged-storages.ts';

/** Damage of the shop after three orders, and the faults by which it is found. */
interface Damage {
  readonly what: string;
  inflict(storage: DamagedStorage): Promise<void>;
  /** Kind, application and notification id of all faults. */
  readonly faults: readonly string[];
  /** Faults that only one storage has: memory numbers events by their places, SQL keeps the ids of the others. */
  readonly also?: Readonly<Record<string, readonly string[]>>;
  /** Message of one of these faults. */
  readonly message: string;
  /** Whether the storage can have the damage. @default true */
  readonly isPossible?: (storage: DamagedStorage) => boolean;
}

// The shop records orders 1-3 (created, reserved, paid), 4-6, 7-9; reservations 1-3 of orders 1, 4, 7; payments 1-3 of
// orders 2, 5, 8; and orders 2, 5, 8 of reservations 1-3, orders 3, 6, 9 of payments 1-3.
const orders = (id: number) => ({ applicationName: 'orders', id });
const reservations = (id: number) => ({ applicationName: 'reservations', id });
const payments = (id: number) => ({ applicationName: 'payments', id });
const causeIn = (applicationName: string, notificationId: number, pipelineId = 0): Cause => ({
  applicationName,
  pipelineId,
  notificationId,
});

/** Reads the aggregate of an event. */
async function aggregateOf({ storage }: DamagedStorage, { applicationName, id }: Place): Promise<string> {
  const opened = await openStorage(storage);
  const recorder = await opened.openRecorder({ applicationName, setupTables: false });
  const [found] = await recorder.notifications(0, id - 1, 1);
  await recorder.close();
  await opened.close();
  return found!.originatorId;
}

const damages: readonly Damage[] = [
  {
    what: 'an event is lost',
    inflict: (storage) => storage.remove(orders(5)),
    faults: ['notification-lost orders 5', 'version-lost orders 6', 'cause-lost payments 2'],
    also: { memory: ['position-beyond-head reservations 9', 'position-beyond-head payments 9'] },
    message: "'orders': notification 5 is missing.",
  },
  {
    what: 'several events are lost',
    async inflict(storage) {
      for (const id of [4, 5, 6]) await storage.remove(orders(id));
    },
    faults: ['notification-lost orders 4', 'cause-lost reservations 2', 'cause-lost payments 2'],
    also: {
      memory: [
        'position-beyond-head reservations 9',
        'position-beyond-head payments 9',
        'cause-lost reservations 3',
        'cause-lost payments 3',
      ],
    },
    message: "'orders': notifications 4 to 6 are missing.",
  },
  {
    what: 'the last event is lost',
    inflict: (storage) => storage.remove(payments(3)),
    faults: ['cause-lost orders 9'],
    also: {
      memory: ['position-beyond-head orders 3'],
      sqlite: ['position-beyond-head orders 3'],
      postgres: ['notification-lost payments 3'],
    },
    message:
      "'orders': notification 9 names notification 3 of 'payments' as its cause, which does not exist.",
  },
  {
    what: 'an event is recorded twice',
    async inflict(storage) {
      await storage.permitEqualRows!('payments');
      await storage.copy(payments(2), {});
    },
    faults: ['notification-doubled payments 2', 'version-doubled payments 2'],
    also: {
      memory: [
        'notification-doubled payments 3',
        'notification-lost payments 4',
        'version-doubled payments 3',
      ],
    },
    isPossible: ({ permitEqualRows }) => permitEqualRows !== undefined,
    message: "'payments': notification 2 stands behind notification 2, so it is recorded twice or misplaced.",
  },
  {
    what: 'a version is skipped',
    inflict: (storage) => storage.overwrite(orders(6), { originatorVersion: 7 }),
    faults: ['version-lost orders 6'],
    message: expect.stringMatching(
      /^'orders': notification 6 is version 7 of aggregate '[-0-9a-f]+', but version 6 is recorded nowhere\.$/,
    ),
  },
  {
    what: 'a version is recorded twice',
    async inflict(storage) {
      await storage.permitEqualRows!('orders');
      await storage.overwrite(orders(6), { originatorVersion: 2 });
    },
    faults: ['version-doubled orders 6'],
    isPossible: ({ permitEqualRows }) => permitEqualRows !== undefined,
    message: expect.stringMatching(
      /^'orders': notification 6 is version 2 of aggregate '[-0-9a-f]+', of which this or a later version stands before it\.$/,
    ),
  },
  {
    what: 'a cause does not exist',
    inflict: (storage) => storage.overwrite(payments(3), { cause: causeIn('orders', 99) }),
    faults: ['cause-lost payments 3'],
    message:
      "'payments': notification 3 names notification 99 of 'orders' as its cause, which does not exist.",
  },
  {
    what: 'a cause is in the log of another pipeline',
    inflict: (storage) => storage.overwrite(payments(3), { cause: causeIn('orders', 8, 1) }),
    faults: ['cause-lost payments 3'],
    message:
      "'payments': notification 3 names notification 8 of 'orders', pipeline 1 as its cause, which does not exist.",
  },
  {
    what: 'a cause is in no application of the system',
    inflict: (storage) => storage.overwrite(payments(3), { cause: causeIn('orderz', 8) }),
    faults: ['cause-lost payments 3'],
    message:
      "'payments': notification 3 names notification 8 of 'orderz' as its cause, which does not exist.",
  },
  {
    what: 'an event is its own cause',
    inflict: (storage) => storage.overwrite(orders(6), { cause: causeIn('orders', 6) }),
    faults: ['cause-not-before orders 6'],
    message:
      "'orders': notification 6 names notification 6 of 'orders' as its cause, which is not before it.",
  },
  {
    what: 'an event is caused by its effect',
    inflict: (storage) => storage.overwrite(reservations(1), { cause: causeIn('orders', 2) }),
    faults: ['cause-not-before reservations 1'],
    message:
      "'reservations': notification 1 names notification 2 of 'orders' as its cause, which is not before it (but after 2 of 'orders'). The damaged cause may be that of any of them.",
  },
  {
    what: 'events of three applications cause each other',
    inflict: (storage) => storage.overwrite(reservations(1), { cause: causeIn('orders', 3) }),
    faults: ['cause-not-before reservations 1'],
    message: expect.stringContaining("which is not before it (but after 2 of 'orders')"),
  },
  {
    what: 'a position is behind a cause',
    inflict: (storage) => storage.setPosition('reservations', 'orders', 6),
    faults: ['cause-beyond-position reservations 3'],
    message:
      "'reservations': notification 3 names notification 7 of 'orders' as its cause, but the recorded position in that log is 6, so the application would process the cause again.",
  },
  {
    what: 'a notification is processed twice',
    inflict: (storage) => storage.overwrite(reservations(3), { cause: causeIn('orders', 1) }),
    faults: ['effect-doubled reservations 3'],
    message:
      "'reservations': notification 3 names notification 1 of 'orders' as its cause, after effects of 4, so it was processed twice.",
  },
  {
    what: 'a notification is processed again later',
    async inflict(storage) {
      if (storage.setHead) await storage.setHead('orders', 10);
      await storage.copy(orders(8), { id: 10, originatorVersion: 4 });
    },
    faults: ['effect-doubled orders 10'],
    message:
      "'orders': notification 10 names notification 3 of 'reservations' as its cause, apart from its other effects, so it was processed twice.",
  },
  {
    what: 'a position is beyond the log',
    inflict: (storage) => storage.setPosition('orders', 'payments', 4),
    faults: ['position-beyond-head orders 4'],
    message: "'orders': its position in the log of 'payments' is 4, but that log ends at 3.",
  },
  {
    what: 'a parked notification is beyond the position',
    async inflict(storage) {
      await storage.setPosition('reservations', 'orders', 8);
      await storage.park('reservations', 'orders', 9, await aggregateOf(storage, orders(9)));
    },
    faults: ['parked-beyond-position reservations 9'],
    message:
      "'reservations': it has parked notification 9 of 'orders', but its position in that log is 8, so it would process the notification again.",
  },
  {
    what: 'a parked notification is not in the log',
    inflict: (storage) => storage.park('orders', 'payments', 4, 'any'),
    faults: ['parked-beyond-position orders 4', 'parked-lost orders 4'],
    message: "'orders': it has parked notification 4 of 'payments', but that log does not hold it.",
  },
  {
    what: 'a parked notification is lost',
    async inflict(storage) {
      await storage.park('payments', 'orders', 9, await aggregateOf(storage, orders(9)));
      await storage.remove(orders(9));
    },
    faults: ['parked-lost payments 9'],
    also: {
      memory: ['position-beyond-head reservations 9', 'position-beyond-head payments 9'],
      sqlite: ['position-beyond-head reservations 9', 'position-beyond-head payments 9'],
      postgres: ['notification-lost orders 9'],
    },
    message: "'payments': it has parked notification 9 of 'orders', but that log does not hold it.",
  },
  {
    what: 'another notification is in the place of a parked one',
    async inflict(storage) {
      await storage.park('payments', 'orders', 6, await aggregateOf(storage, orders(9)));
    },
    faults: ['parked-mismatch payments 6'],
    message:
      "'payments': it has parked notification 6 of 'orders', but that log holds an event of another aggregate there than the one that was parked.",
  },
  {
    what: 'a parked notification has an effect',
    async inflict(storage) {
      await storage.park('reservations', 'orders', 4, await aggregateOf(storage, orders(4)));
      await storage.park('reservations', 'orders', 5, await aggregateOf(storage, orders(5)));
    },
    faults: ['parked-processed reservations 2'],
    message:
      "'reservations': notification 2 names notification 4 of 'orders' as its cause, which is still parked, so a retry would process it again.",
  },
  {
    what: 'the end of a log is behind its events',
    inflict: (storage) => storage.setHead!('payments', 2),
    faults: ['position-beyond-head orders 3', 'cause-lost orders 9', 'event-beyond-head payments 3'],
    message: "'orders': its position in the log of 'payments' is 3, but that log ends at 2.",
    isPossible: ({ setHead }) => setHead !== undefined,
  },
  {
    what: 'the log of an application is lost',
    async inflict(storage) {
      for (const id of [1, 2, 3]) await storage.remove(payments(id));
      await storage.setHead?.('payments', 0);
    },
    faults: [
      'position-beyond-head orders 3',
      'cause-lost orders 3',
      'cause-lost orders 6',
      'cause-lost orders 9',
    ],
    message: "'orders': its position in the log of 'payments' is 3, but that log ends at 0.",
  },
];

/** Kind, application and id of a fault. */
const nameOf = ({ kind, applicationName, notificationId }: Fault) =>
  `${kind} ${applicationName} ${notificationId}`;

async function recordThreeOrders({ storage }: DamagedStorage): Promise<void> {
  await using runner = await run(shop, { storage });
  for (const customer of ['ada', 'bob', 'eve']) await runner.get(Orders).place(customer);
}

describe.each(damagedStorages)('on $name', ({ create }) => {
  test('a system without damage is sound', async () => {
    const damaged = create();
    await recordThreeOrders(damaged);
    const verification = await verify(damaged.storage, shop);
    expect(`${verification}`).toBe('15 events, 12 causes: 0 lost, 0 doubled');
    expect(verification).toMatchObject({ events: 15, causes: 12, faults: [], isSound: true });
  });

  test('parked notifications without effects are sound', async () => {
    const damaged = create();
    await recordThreeOrders(damaged);
    for (const id of [2, 5, 9])
      await damaged.park('reservations', 'orders', id, await aggregateOf(damaged, orders(id)));
    await damaged.park('payments', 'another system', 9, 'any');
    await damaged.setPosition('payments', 'orders', 9);
    const { faults } = await verify(damaged.storage, shop);
    expect(faults.map(nameOf)).toEqual(['parked-beyond-position payments 9']); // of the log that it has no position in
  });

  test.each(damages)('finds it when $what', async ({ inflict, faults, also, message, isPossible }) => {
    const damaged = create();
    if (isPossible?.(damaged) === false) return;
    await recordThreeOrders(damaged);
    await inflict(damaged);
    const verification = await verify(damaged.storage, shop);
    expect(verification.faults.map(nameOf).sort()).toEqual(
      [...faults, ...(also?.[damaged.name] ?? [])].sort(),
    );
    expect(verification.faults.map((fault) => fault.message)).toContainEqual(message);
    expect(verification.isSound).toBe(false);
  });
});
