import { execFileSync } from 'node:child_process';
import { getEventListeners } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  Aggregate,
  type DomainEvent,
  DownstreamError,
  memory,
  ProcessApplication,
  run,
  SingleThreadedRunner,
  System,
} from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { describe, expect, test, vi } from 'vitest';
import { Order, type OrderEvent } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payment } from '../../../examples/shop/payment.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';
import { brokenShop } from '../../support/systems/broken-shop.ts';
import { storages as storagesThatFail } from '../modules/failing-listener.ts';
import { runnerContract } from '../runner-contract.ts';
import { listening } from './slow-listener.ts';

for (const { name, create } of storages) {
  runnerContract({
    name: `the single-threaded runner on ${name}`,
    start: (system, options) => SingleThreadedRunner.start(system, options),
    createStorage: create,
    isFirstStorage: name === 'memory',
  });
}

describe.each(storages)('in a single thread on $name', ({ name, create }) => {
  test('save() resolves when every downstream event is processed', async () => {
    await using runner = await run(shop, { storage: create() });
    const orders = runner.get(Orders);
    const id = await orders.place('ada');
    expect((await orders.get(id)).done).toBe(true);
    const ids = await Promise.all(['bob', 'cy', 'dee'].map((customer) => orders.place(customer)));
    for (const other of ids) expect((await orders.get(other)).done).toBe(true);
  });

  test('nothing lags behind when save() resolves', async () => {
    await using runner = await run(shop, { storage: create() });
    for (let i = 0; i < 10; i += 1) {
      await runner.get(Orders).place('ada');
      for (const { upstreams } of await runner.status())
        for (const upstream of upstreams) expect(upstream).toMatchObject({ lag: 0, fitsLog: true });
    }
  });

  test('the logs of two runs are equal', async () => {
    const logs = [];
    for (const batchSize of [1, 500]) {
      await using runner = await run(shop, { storage: create(), batchSize });
      for (const customer of ['ada', 'bob', 'cy']) await runner.get(Orders).place(customer);
      const types = [];
      for (const kind of shop.applications) {
        for await (const { id, event } of runner.get(kind).reader())
          types.push([id, event.type, event.originatorVersion]);
      }
      logs.push(types);
    }
    expect(logs[1]).toEqual(logs[0]);
  });

  test('follows prompts in the order in which they arrive', async () => {
    const calls: string[] = [];
    class Noting extends Orders {
      override readonly policy = this.when({}, ({ type }) => void calls.push(type));
    }
    class PayingAtOnce extends Payments {
      override readonly policy = this.when({
        'Order.Created': (event, repository) => Payment.for(event.originatorId, repository.deriveId()),
      });
    }
    const system = System.of([
      [Noting, Reservations, Noting],
      [Noting, PayingAtOnce, Noting],
    ]);
    await using runner = await run(system, { storage: create() });
    await runner.get(Noting).place('ada');
    expect(calls).toEqual(['Reservation.Created', 'Payment.Created']);
  });

  test('save() rejects when a follower fails, and says that the events are recorded', async () => {
    await using runner = await SingleThreadedRunner.start(brokenShop, { storage: create() });
    const orders = runner.get(Orders);
    await orders.place('ada');
    const error = await rejectionOf(orders.place('mallory'), DownstreamError);
    expect(error.message).toMatch(
      /^The events saved in 'orders' are recorded, but not all followers could process them\. Application 'reservations' failed and is stopped until resume\(\) or the next start: The policy of application 'reservations' failed on notification 4 of 'orders'/,
    );
    expect(error.cause).toMatchObject({ code: 'POLICY_FAILED', notificationId: 4 });
    expect(await orders.log.head()).toBe(4);
    const later = await rejectionOf(orders.place('bob'), DownstreamError);
    expect(later.failures.size).toBe(1);
    expect(await orders.log.head()).toBe(5);
  });

  test('a failed application stays stopped until the next start', async () => {
    let attempts = 0;
    class Flaky extends Reservations {
      override readonly policy = this.when({
        'Order.Created': () => {
          attempts += 1;
          if (attempts === 1) throw new RangeError('only once');
        },
      });
    }
    const system = System.of([[Orders, Flaky, Orders]]);
    await using runner = await run(system, { storage: create() });
    await rejectionOf(runner.get(Orders).place('ada'), DownstreamError);
    await rejectionOf(runner.get(Orders).place('bob'), DownstreamError);
    await rejectionOf(runner.caughtUp(), DownstreamError);
    expect(attempts).toBe(1);
  });

  test('start() resolves when an application fails while catching up, and status() shows the failure', async () => {
    const storage = create();
    await using orders = await brokenShop.open(Orders, { storage });
    await orders.place('mallory');
    await using runner = await SingleThreadedRunner.start(brokenShop, { storage });
    const [, reservations, payments] = await runner.status();
    expect(reservations).toMatchObject({ state: 'failed', lastError: { code: 'POLICY_FAILED' } });
    expect(payments).toMatchObject({ state: 'idle', upstreams: [{ lag: 0 }] });
    await rejectionOf(runner.caughtUp(), DownstreamError);
  });

  test('an application that follows itself, directly or in a cycle, stops when there are no new events', async () => {
    type StepEvent = DomainEvent<'Step.Made', { left: number }>;
    class Step extends Aggregate<StepEvent> {
      static make(left: number, id?: string) {
        return Step.create('Step.Made', { left }, id);
      }
    }
    class Stairs extends ProcessApplication<StepEvent, StepEvent> {
      static readonly applicationName: string = 'stairs';
      static readonly emits = ['Step.Made'] as const;
      override readonly policy = this.when({
        'Step.Made': ({ data }, repository) =>
          data.left > 0 ? Step.make(data.left - 1, repository.deriveId()) : undefined,
      });
    }
    class Ladder extends Stairs {
      static override readonly applicationName: string = 'ladder';
    }
    const climb = async (system: System<typeof Stairs>) => {
      await using runner = await run(system, { storage: create(), batchSize: 3 });
      await runner.get(Stairs).save(Step.make(20), Step.make(20));
      const all = [];
      for (const kind of system.applications) {
        for await (const { event } of runner.get(kind).reader()) all.push(event.data.left);
      }
      return all.sort((a, b) => a - b);
    };
    const expected = Array.from({ length: 42 }, (_, i) => Math.floor(i / 2));
    expect(await climb(System.of([[Stairs, Stairs]]))).toEqual(expected);
    expect(await climb(System.of([[Stairs, Ladder, Stairs]]) as System<typeof Stairs>)).toEqual(expected);
  });

  test('caughtUp() and close() reject inside a policy', async () => {
    let calls: (() => Promise<unknown>)[] = [];
    const outcomes: unknown[] = [];
    class Waiting extends Orders {
      override readonly policy = this.when({
        'Reservation.Created': async () => {
          for (const call of calls) outcomes.push(await call().catch((error: unknown) => error));
        },
      });
    }
    const system = System.of([[Waiting, Reservations, Waiting]]);
    await using runner = await run(system, { storage: create() });
    calls = [() => runner.caughtUp(), () => runner.close()];
    await runner.get(Waiting).place('ada');
    expect(outcomes).toMatchObject([{ code: 'INVALID_POLICY' }, { code: 'INVALID_POLICY' }]);
  });

  test('a long catch-up does not block timers and signals', async () => {
    const storage = create();
    const reason = new Error('enough');
    const abort = new AbortController();
    let processed = 0;
    class Slow extends Reservations {
      override readonly policy = this.when({
        'Order.Created': () => {
          processed += 1;
          if (processed === 1) setTimeout(() => abort.abort(reason), 1);
        },
      });
    }
    const system = System.of([[Orders, Slow, Orders]]);
    await using orders = await system.open(Orders, { storage });
    await orders.save(...Array.from({ length: 20_000 }, (_, i) => Order.place(`${i}`)));
    await expect(run(system, { storage, batchSize: 20, signal: abort.signal })).rejects.toBe(reason);
    expect(processed).toBeLessThan(20_000);
  });

  test('close() stops a system that never catches up', { timeout: 120_000 }, async () => {
    type TurnEvent = DomainEvent<'Wheel.Turned', Record<string, never>>;
    class Wheel extends Aggregate<TurnEvent> {
      static turn(id?: string) {
        return Wheel.create('Wheel.Turned', {}, id);
      }
    }
    class Wheels extends ProcessApplication<TurnEvent, TurnEvent> {
      static readonly applicationName = 'wheels';
      static readonly emits = ['Wheel.Turned'] as const;
      override readonly policy = this.when({
        'Wheel.Turned': (_, repository) => Wheel.turn(repository.deriveId()),
      });
    }
    const storage = create();
    const system = System.of([[Wheels, Wheels]]);
    const runner = await run(system, { storage, drainTimeoutMs: 100 });
    const wheels = runner.get(Wheels);
    const saving = wheels.save(Wheel.turn());
    await vi.waitUntil(async () => (await wheels.log.head()) > 100, { timeout: 60_000 });
    const closing = runner.close();
    await expect(saving).rejects.toMatchObject({ code: 'RUNNER_CLOSED' });
    await closing;
    await using again = await Wheels.open({ storage });
    expect(await again.log.head()).toBeGreaterThan(100);
  });

  test('a long row of commands and reads does not block timers', { timeout: 60_000 }, async () => {
    await using runner = await run(shop, { storage: create() });
    const orders = runner.get(Orders);
    const id = await orders.place('ada');
    const readAll = async () => {
      for await (const { id: notificationId } of orders.reader()) expect(notificationId).toBeGreaterThan(0);
    };
    for (const work of [() => orders.get(id), readAll, () => orders.place('bob')]) {
      let ticks = 0;
      const timer = setInterval(() => {
        ticks += 1;
      }, 1);
      const end = performance.now() + 10_000;
      while (ticks <= 3 && performance.now() < end) await work();
      clearInterval(timer);
      expect(ticks).toBeGreaterThan(3);
    }
  });

  test('caughtUp() aborted by its signal does not stop the work', async () => {
    const started = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    class Waiting extends Reservations {
      override readonly policy = this.when({
        'Order.Created': async () => {
          started.resolve();
          await finish.promise;
        },
      });
    }
    const system = System.of([[Orders, Waiting, Orders]]);
    await using runner = await run(system, { storage: create() });
    const placing = runner.get(Orders).place('ada');
    await started.promise;
    const abort = new AbortController();
    const waiting = runner.caughtUp({ signal: abort.signal });
    const reason = new Error('no time');
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    finish.resolve();
    await placing;
    await runner.caughtUp();
  });

  test.runIf(existsSync('/proc/self/fd'))(
    'many starts and closes leave no file, timer or listener behind',
    async () => {
      const storage = create();
      const openFiles = () => readdirSync('/proc/self/fd').length;
      const resources = () => process.getActiveResourcesInfo().length;
      await (await run(shop, { storage })).close();
      const before = { files: openFiles(), resources: resources() };
      const listeners = AbortSignal.timeout(600_000);
      const rounds = name === 'postgres' ? 10 : 30; // connecting is slow
      for (let round = 0; round < rounds; round++) {
        await using runner = await run(shop, { storage, signal: listeners });
        await runner.get(Orders).place(`${round}`);
        await runner.caughtUp({ signal: listeners });
      }
      expect(getEventListeners(listeners, 'abort')).toEqual([]);
      expect(openFiles()).toBeLessThanOrEqual(before.files);
      expect(resources()).toBeLessThanOrEqual(before.resources + 1);
    },
  );
});

test.each(['constructor', 'policy'] as const)(
  'a start that fails in the %s of an application leaves nothing open',
  async (part) => {
    let isBroken = false;
    const fail = (where: typeof part) => {
      if (isBroken && where === part) throw new Error(`no ${part}`);
    };
    class Fragile extends ProcessApplication<never, OrderEvent> {
      static readonly applicationName = 'fragile';
      static readonly emits = [] as const;

      constructor() {
        super();
        fail('constructor');
      }

      override get policy() {
        fail('policy');
        return this.when({ 'Order.Created': () => {} });
      }
    }
    const system = System.of([[Orders, Fragile]]);
    isBroken = true;
    await expect(run(system)).rejects.toThrow(`no ${part}`);
    isBroken = false;
    await (await run(system)).close();
  },
);

test('close() releases the storage even if a part of it fails', async () => {
  const { href: module } = new URL('../modules/failing-listener.ts', import.meta.url);
  const runner = await run(shop, { storage: { module, options: memory().options } });
  expect(storagesThatFail.open).toBe(1);
  await expect(runner.close()).rejects.toThrow('still listening');
  expect(storagesThatFail.open).toBe(0);
  await (await run(shop)).close();
});

test('a start that is aborted while it begins to listen stops listening', async () => {
  const { href: module } = new URL('./slow-listener.ts', import.meta.url);
  const reason = new Error('no time');
  const abort = new AbortController();
  const opening = Promise.withResolvers<void>();
  listening.begin = async () => {
    abort.abort(reason);
    await opening.promise;
  };
  const storage = { module, options: memory().options };
  const failing = expect(run(shop, { storage, signal: abort.signal })).rejects.toBe(reason);
  setTimeout(opening.resolve, 20);
  await failing;
  await opening.promise;
  await nextTurn();
  expect(listening.open).toBe(0);
});

test('another process can read the tables while the system runs', async () => {
  const directory = temporaryDirectory();
  await using runner = await run(shop, { storage: sqlite({ directory }) });
  await runner.get(Orders).place('ada');
  const script = `
    const { DatabaseSync } = require('node:sqlite');
    const database = new DatabaseSync(process.argv[1], { readOnly: true });
    console.log(JSON.stringify(database.prepare(
      "select notification_id as id, type, data ->> 'customer' as customer from events order by id").all()));`;
  const output = execFileSync(process.execPath, ['-e', script, join(directory, 'orders.sqlite')], {
    encoding: 'utf8',
  });
  expect(JSON.parse(output)).toEqual([
    { id: 1, type: 'Order.Created', customer: 'ada' },
    { id: 2, type: 'Order.Reserved', customer: null },
    { id: 3, type: 'Order.Paid', customer: null },
  ]);
});
