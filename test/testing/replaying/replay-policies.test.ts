import { join } from 'node:path';
import {
  Aggregate,
  Application,
  type ApplicationClass,
  type DomainEvent,
  memory,
  nameId,
  type Personal,
  type PolicyRepository,
  ProcessApplication,
  personal,
  run,
  System,
} from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { type ReplayDifference, replayPolicies } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payment } from '../../../examples/shop/payment.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservation } from '../../../examples/shop/reservation.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';

/** The shop with other policies. */
function shopWith({ orders = Orders, reservations = Reservations, payments = Payments } = {}) {
  return System.of(
    [
      [orders, reservations, orders],
      [orders, payments, orders],
    ],
    { name: 'shop' },
  );
}

/** A storage with the orders of three customers. */
async function recordedShop(storage = memory()) {
  await using runner = await run(shop, { storage });
  for (const customer of ['ada', 'bob', 'cy']) await runner.get(Orders).place(customer);
  return storage;
}

describe.each(storages)('on $name', ({ create }) => {
  test('policies that are unchanged make what is on record', async () => {
    const replay = await replayPolicies(shop, { from: await recordedShop(create()) });
    expect(replay).toMatchObject({ handled: 12, same: 12, differences: 0, skipped: [] });
    expect(String(replay)).toBe(
      '12 notifications handled: 12 events same, 0 different, 0 new, 0 missing, 0 failed',
    );
  });

  test('a changed policy shows what it makes in place of what is on record', async () => {
    class Other extends Reservations {
      override readonly policy = this.when({
        'Order.Created': ({ originatorId, data }, repository) => {
          if (data.customer === 'bob') return undefined;
          const other = data.customer === 'ada' ? 'another' : originatorId;
          return Reservation.for(other, repository.deriveId());
        },
      });
    }
    const found: ReplayDifference[] = [];
    const replay = await replayPolicies(shopWith({ reservations: Other }), {
      from: await recordedShop(create()),
      onDifference: (difference) => found.push(difference),
    });
    expect(replay).toMatchObject({ handled: 12, same: 10, differences: 2 });
    expect(replay.counts).toEqual({ different: 1, new: 0, missing: 1, failed: 0 });
    expect(replay.first).toEqual(found);
    expect(found).toMatchObject([
      { kind: 'different', applicationName: 'reservations', upstreamName: 'orders', notificationId: 1 },
      {
        kind: 'missing',
        eventType: 'Order.Created',
        lines: [expect.stringMatching(/^Reservation\.Created '/)],
      },
    ]);
    expect(String(replay)).toMatch(
      /^different: orders 1 Order\.Created '.*' -> reservations\n {2}Reservation\.Created '.*'\n {2}data\.orderId: '.*' -> 'another'\nmissing: /,
    );
  });
});

test('events that are new, and errors with their places and without their messages', async () => {
  class Other extends Payments {
    override readonly policy = this.when({
      'Order.Created': ({ data }) => {
        if (data.customer === 'cy') throw new TypeError(`no payment of ${data.customer}`);
      },
      'Order.Reserved': ({ originatorId }, repository) => [
        Payment.for(originatorId, repository.deriveId()),
        Payment.for(originatorId, nameId('twice', originatorId)),
      ],
    });
  }
  const from = await recordedShop();
  const replay = await replayPolicies(shopWith({ payments: Other }), { from, limit: 1 });
  expect(replay.counts).toEqual({ different: 0, new: 3, missing: 0, failed: 1 });
  expect(replay.first).toHaveLength(1);
  expect(String(replay)).toContain('… and 3 more differences');
  expect(String(await replayPolicies(shopWith({ payments: Other }), { from }))).toMatch(
    /failed: .*\n {2}TypeError at test\/testing\/replaying\/replay-policies\.test\.ts:\d+:\d+\n/,
  );
});

describe('a failed policy', () => {
  /** Returns the lines of the report on a policy that handles the order of Ada. */
  async function linesFor(
    handle: (repository: PolicyRepository, resources: Record<string, unknown>) => unknown,
  ) {
    class Failing extends Reservations {
      override readonly policy = this.when({
        'Order.Created': async (_, repository, { resources }) => {
          await handle(repository as PolicyRepository, resources as Record<string, unknown>);
        },
      });
    }
    const from = await recordedShop();
    return (await replayPolicies(shopWith({ reservations: Failing }), { from })).first[0]?.lines;
  }

  test('is shown with the message of kahn', async () => {
    const [line, ...more] = (await linesFor(() => void Reservation.for('o-1', 'r-1'))) ?? [];
    expect(line).toMatch(
      /^InvalidPolicyError \(INVALID_POLICY\): The policy of 'reservations' made Reservation 'r-1' .* and did not return it/,
    );
    expect(more).toEqual([]);
  });

  test('is shown without a message that kahn has from elsewhere', async () => {
    const lines = await linesFor((repository) => {
      void repository.has(Order as never, 'o-1');
      throw new TypeError('Ada Lovelace');
    });
    expect(lines).toEqual([expect.stringMatching(/^InvalidPolicyError \(INVALID_POLICY\)/)]);
    expect(String(lines)).not.toContain('Ada');
  });

  test('is shown without lines of a message that look like a stack', async () => {
    const lines = await linesFor(() => {
      throw new RangeError('Ada\n    at Lovelace (/home/ada:1:1)');
    });
    expect(lines).toEqual([
      expect.stringMatching(/^RangeError at test\/\S+replay-policies\.test\.ts:\d+:\d+$/),
    ]);
  });

  test('is shown with the aggregate that it does not find', async () => {
    expect(await linesFor((repository) => repository.get(Order as never, 'o-1'))).toEqual([
      "AggregateNotFoundError (AGGREGATE_NOT_FOUND): Application 'reservations' has no Order 'o-1'.",
    ]);
  });

  test('is shown with the resource that it lacks', async () => {
    expect(await linesFor((_, resources) => resources.gateway)).toEqual([
      expect.stringMatching(
        /^InvalidPolicyError \(INVALID_POLICY\) at test\S+: A policy uses resource 'gateway': pass it in the option /,
      ),
    ]);
  });
});

test('wrong arguments lead to the right call', async () => {
  const call = "replayPolicies(shop, { from: sqlite({ file: 'shop.db' }) })";
  await expect(replayPolicies(shop, undefined as never)).rejects.toThrow(
    `replayPolicies() takes an object, as in ${call}, not undefined.`,
  );
  await expect(replayPolicies(shop, { storage: memory() } as never)).rejects.toThrow(
    "Unknown option 'storage' of replayPolicies(). Did you mean 'from'?",
  );
  const file = join(temporaryDirectory(), 'missing.db');
  await expect(replayPolicies(shop, { from: sqlite({ file }) })).rejects.toThrow(
    /has no tables there\. .* if not, start a runner there, which creates them unless setupTables is false\.$/,
  );
});

test('aggregates are as they were when the policy handled the notification', async () => {
  type TaskEvent =
    | DomainEvent<'Task.Opened'>
    | DomainEvent<'Task.Closed'>
    | DomainEvent<'Task.Noted', { count: number }>;
  class Task extends Aggregate<TaskEvent> {
    notes = 0;
    isClosed = false;
    act(type: 'Task.Closed') {
      this.trigger(type, undefined);
    }
    note() {
      this.trigger('Task.Noted', { count: this.notes + 1 });
    }
    protected override apply(event: TaskEvent) {
      if (event.type === 'Task.Closed') this.isClosed = true;
      if (event.type === 'Task.Noted') this.notes += 1;
    }
  }
  type BellEvent = DomainEvent<'Bell.Rung', { taskId: string }>;
  class Bell extends Aggregate<BellEvent> {
    ring(taskId: string) {
      this.trigger('Bell.Rung', { taskId });
    }
  }
  class Bells extends Application<BellEvent> {
    static readonly applicationName = 'bells';
    static readonly emits = ['Bell.Rung'] as const;
  }
  class Tasks extends ProcessApplication<TaskEvent, BellEvent> {
    static readonly applicationName = 'tasks';
    static readonly emits = ['Task.Opened', 'Task.Closed', 'Task.Noted'] as const;
    override readonly policy = this.when({
      'Bell.Rung': async ({ data }, repository) => {
        const task = await repository.get(Task, data.taskId);
        if (!task.isClosed) task.note();
      },
    });
  }
  const system = System.of([[Bells as unknown as ApplicationClass, Tasks]] as never) as unknown as System;
  const storage = memory();
  await using runner = await run(system, { storage });
  const tasks = runner.get(Tasks as unknown as ApplicationClass) as unknown as Tasks;
  const bells = runner.get(Bells as unknown as ApplicationClass) as unknown as Bells;
  const task = Task.create('Task.Opened', undefined, 't-1');
  await tasks.save(task);
  const ring = async () => {
    const bell = new Bell(crypto.randomUUID());
    bell.ring('t-1');
    await bells.save(bell);
  };
  await ring();
  await ring();
  await tasks.update(Task, 't-1', (one) => one.act('Task.Closed'));
  await ring();
  const replay = await replayPolicies(system, { from: storage });
  expect(String(replay)).toBe(
    '3 notifications handled: 2 events same, 0 different, 0 new, 0 missing, 0 failed',
  );

  class Noting extends Tasks {
    override readonly policy = this.when({
      'Bell.Rung': async ({ data }, repository) => {
        (await repository.get(Task, data.taskId)).note();
      },
    });
  }
  const noting = System.of([[Bells as unknown as ApplicationClass, Noting]] as never) as unknown as System;
  expect((await replayPolicies(noting, { from: storage })).counts).toMatchObject({ new: 1, different: 0 });
});

test('personal data is compared and never shown', async () => {
  type GuestEvent = DomainEvent<'Guest.Came', { name: Personal<string> }>;
  type BadgeEvent = DomainEvent<'Badge.Made', { name: Personal<string> }>;
  class Guest extends Aggregate<GuestEvent> {}
  class Badge extends Aggregate<BadgeEvent> {}
  class Guests extends Application<GuestEvent> {
    static readonly applicationName = 'guests';
    static readonly emits = ['Guest.Came'] as const;
  }
  class Badges extends ProcessApplication<BadgeEvent, GuestEvent> {
    static readonly applicationName = 'badges';
    static readonly emits = ['Badge.Made'] as const;
    change = (name: string) => name;
    override readonly policy = this.when({
      'Guest.Came': ({ data }, repository) => [
        Badge.create(
          'Badge.Made',
          { name: data.name.map((name) => this.change(name)) },
          repository.deriveId(),
        ),
      ],
    });
  }
  class Loud extends Badges {
    override change = (name: string) => name.toUpperCase();
  }
  const of = (badges: typeof Badges) => System.of([[Guests as never, badges]] as never) as unknown as System;
  const storage = memory();
  await using runner = await run(of(Badges), { storage });
  const guests = runner.get(Guests as unknown as ApplicationClass) as unknown as Guests;
  await guests.save(Guest.create('Guest.Came', { name: personal('s-1', 'Ada L.') }));
  expect(await replayPolicies(of(Badges), { from: storage })).toMatchObject({ same: 1, differences: 0 });
  const report = String(await replayPolicies(of(Loud), { from: storage }));
  expect(report).toContain('data.name: [personal data of s-1] -> other [personal data of s-1]');
  expect(report).not.toMatch(/ada l/i);
});

test('a parked notification is the same if the policy still fails, and new if it does not', async () => {
  class Failing extends Reservations {
    static readonly errorRules = [{ action: 'park' }] as const;
    override readonly policy = this.when({
      'Order.Created': ({ originatorId, data }, repository) => {
        if (data.customer === 'bob') throw new Error('out of stock');
        return Reservation.for(originatorId, repository.deriveId());
      },
    });
  }
  const storage = memory();
  const failing = shopWith({ reservations: Failing });
  await using runner = await run(failing, { storage });
  await runner.get(Orders).save(Order.place('ada'));
  await expect(runner.get(Orders).save(Order.place('bob'))).rejects.toThrow('out of stock');
  expect(await replayPolicies(failing, { from: storage })).toMatchObject({ differences: 0 });
  expect((await replayPolicies(shop, { from: storage })).counts).toMatchObject({ new: 1, failed: 0 });
});
