import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import {
  Application,
  DownstreamError,
  InvalidArgumentError,
  InvalidOptionError,
  InvalidPolicyError,
  type KahnError,
  MultiThreadedRunner,
  memory,
  ProcessApplication,
  RunnerClosedError,
  type Saved,
  SingleThreadedRunner,
  SteppingSingleThreadedRunner,
  System,
  UnknownApplicationError,
} from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Order } from '../../../examples/shop/order.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { applicationInternals } from '../../../src/application/application.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';
import { supervisedSubjects } from '../../support/supervised-runners.ts';
import { brokenShop } from '../../support/systems/broken-shop.ts';
import { Ball, type Hit, hitsOf, Ping, Pong, rallies, Umpire } from '../../support/systems/rallies.ts';
import { inTime, patient, until } from '../../support/until.ts';
import { isRaised, lower, raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';
import { heldShop } from '../multi-threaded/held-shop.ts';

beforeEach(() => storeFlagsIn(temporaryDirectory()));

const place = (orders: Orders, customer: string) => orders.save(Order.place(customer));

describe.each(supervisedSubjects)('a wait for a save in $name', ({ start, create }) => {
  test('rejects with the failure of an application before it, and resolves if all was processed before', async () => {
    await using runner = await start(brokenShop, { storage: create() });
    const orders = runner.get(Orders);
    const processed = await place(orders, 'ada');
    await runner.settled(processed);
    const failing = await place(orders, 'mallory');
    const error = await rejectionOf(runner.settled(failing, { signal: inTime() }), DownstreamError);
    expect(error.message).toContain("The save in 'orders' is not settled. Application 'reservations' failed");
    expect(error.failures.get('reservations')).toMatchObject({ code: 'POLICY_FAILED', notificationId: 4 });
    const other = await rejectionOf(runner.processed(failing, { by: Payments }), DownstreamError);
    expect(other.message).toContain("The save in 'orders' is not processed by 'payments'.");
    await runner.settled(processed);
    await rejectionOf(runner.settled(await place(orders, 'bob'), { signal: inTime() }), DownstreamError);
  });

  test('ends when it is aborted or the runner is closed, and goes on otherwise', async () => {
    const runner = await start(heldShop, { storage: create() });
    await using _closed = runner;
    raise('hold');
    const saved = await place(runner.get(Orders), 'ada');
    await vi.waitUntil(() => isRaised('held'), patient);
    const abort = new AbortController();
    const reason = new Error('no time');
    const aborted = runner.settled(saved, { signal: abort.signal });
    const closed = rejectionOf(runner.processed(saved, { by: Payments }), RunnerClosedError);
    await runner.status();
    abort.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await expect(runner.settled(saved, { signal: abort.signal })).rejects.toBe(reason);
    const closing = runner.close();
    await closed;
    lower('hold');
    await closing;
    await rejectionOf(runner.settled(saved), RunnerClosedError);
  });

  test('covers the pipeline of the save only', async () => {
    await using runner = await start(rallies, { storage: create(), pipelineIds: [2, 5] });
    for (const pipelineId of [5, 2]) {
      const players = [runner.get(Ping, pipelineId), runner.get(Pong, pipelineId)];
      const saved = await players[0]!.serve(6);
      await runner.settled(saved, { signal: inTime() });
      expect(await hitsOf(players, saved.correlationId)).toBe(7);
    }
    const elsewhere: Saved = { ...(await runner.get(Ping, 2).serve(0)), pipelineId: 9 };
    await expect(runner.settled(elsewhere)).rejects.toMatchObject({
      code: expect.stringMatching(/^INVALID_(OPTION|ARGUMENT)$/),
    });
  });

  test('finds a save of another writer without a prompt', async () => {
    const storage = create();
    await using writer = await rallies.open(Ping, { storage });
    await using runner = await start(rallies, { storage, pollIntervalMs: 2 ** 30 });
    await runner.caughtUp();
    const saved: Saved = JSON.parse(JSON.stringify(await writer.serve(4)));
    await runner.settled(saved, { signal: inTime() });
    expect(await hitsOf([runner.get(Ping), runner.get(Pong)], saved.correlationId)).toBe(5);
  });
});

describe('a wait for a save', () => {
  class Left extends ProcessApplication<never, Hit> {
    static readonly applicationName = 'left';
    static readonly emits = [] as const;
    override readonly policy = this.when({ 'Ball.Hit': () => {} });
  }

  class Right extends ProcessApplication<never, Hit> {
    static readonly applicationName = 'right';
    static readonly emits = [] as const;
    override readonly policy = this.when({
      'Ball.Hit': () => {
        throw new Error('out');
      },
    });
  }

  class Crowd extends Application<Hit> {
    static readonly applicationName = 'crowd';
    static readonly emits = ['Ball.Hit'] as const;
  }

  test('resolves at once if nothing was saved, or nothing follows the application', async () => {
    await using runner = await SingleThreadedRunner.start(System.of([[Crowd], [Ping, Pong, Ping]]));
    await runner.settled(await runner.get(Ping).save());
    await runner.settled(await runner.get(Crowd).save(Ball.hit(3)));
    await runner.settled(await runner.get(Ping).save(Ball.hit(0), Ball.hit(0), Ball.hit(1)));
  });

  test('for one application does not wait for others that are not on the way', async () => {
    const system = System.of([
      [Crowd, Left],
      [Crowd, Right],
    ]);
    const storage = memory();
    await using crowd = await system.open(Crowd, { storage });
    const saved = await crowd.save(Ball.hit(1));
    await using runner = await SingleThreadedRunner.start(system, { storage });
    await runner.processed(saved, { by: Left });
    await rejectionOf(runner.processed(saved, { by: Right }), DownstreamError);
    await rejectionOf(runner.settled(saved), DownstreamError);
  });

  test('rejects what no runner of this system and storage can wait for', async () => {
    await using runner = await SingleThreadedRunner.start(System.of([[Ping, Pong, Umpire], [Crowd]]));
    const saved = await runner.get(Ping).serve(2);
    const wrong: readonly [unknown, new (message: string) => KahnError, RegExp][] = [
      [undefined, InvalidArgumentError, /^settled\(\) takes what save\(\) resolves with/],
      [{}, InvalidArgumentError, /, got \{\}\.$/],
      [{ ...saved, count: 2 }, InvalidArgumentError, /takes what save/],
      [{ ...saved, count: -1 }, InvalidArgumentError, /takes what save/],
      [{ ...saved, pipelineId: 0.5 }, InvalidArgumentError, /takes what save/],
      [{ ...saved, applicationName: 'orders' }, UnknownApplicationError, /'orders', which is not part/],
      [{ ...saved, applicationName: 'crowd' }, InvalidArgumentError, /holds other events there, or none/],
      [{ ...saved, notificationId: 9 }, InvalidArgumentError, /notification 9 of application 'ping'/],
      [{ ...saved, notificationId: 9, count: 3 }, InvalidArgumentError, /notifications 7 to 9 of/],
      [{ ...saved, correlationId: 'other' }, InvalidArgumentError, /Pass a save of this system/],
    ];
    for (const [value, kind, message] of wrong)
      expect((await rejectionOf(runner.settled(value as Saved), kind)).message).toMatch(message);
    await rejectionOf(runner.settled({ ...saved, pipelineId: 3 }), InvalidOptionError);
    const unreachable = await rejectionOf(runner.processed(saved, { by: Crowd }), InvalidArgumentError);
    expect(unreachable.message).toContain("no pipeline leads from application 'ping' to 'crowd'");
    await rejectionOf(runner.processed(saved, { by: Ping }), InvalidArgumentError);
    await rejectionOf(runner.processed(saved, { by: Orders as never }), UnknownApplicationError);
    await rejectionOf(runner.processed(saved, {} as never), InvalidOptionError);
    await rejectionOf(runner.settled(saved, { sginal: 1 } as never), InvalidOptionError);
    await runner.processed(saved, { by: Umpire });
  });

  test('rejects a save whose events are missing, though others of its correlation id are there', async () => {
    const directory = temporaryDirectory();
    await using runner = await SingleThreadedRunner.start(System.of([[Ping, Pong]]), {
      storage: sqlite({ directory }),
    });
    const options = { correlationId: 'rally' };
    const saved = await runner.get(Ping).save(Ball.hit(1), options);
    await runner.get(Ping).save(Ball.hit(1), options);
    using database = new DatabaseSync(join(directory, 'ping.sqlite'));
    database.exec('delete from events where notification_id = 1');
    const { message } = await rejectionOf(runner.settled(saved), InvalidArgumentError);
    expect(message).toMatch(/holds other events there, or none/);
  });

  test('is refused in a policy', async () => {
    const calls: Promise<unknown>[] = [];
    class Impatient extends Umpire {
      override readonly policy = this.when({
        'Ball.Hit': () => {
          const saved = { applicationName: 'ping' } as Saved;
          calls.push(rejectionOf(runner.settled(saved), InvalidPolicyError));
          calls.push(rejectionOf(runner.processed(saved, { by: Impatient }), InvalidPolicyError));
        },
      });
    }
    await using runner = await SingleThreadedRunner.start(System.of([[Ping, Impatient]]));
    await runner.get(Ping).serve(0);
    expect(await Promise.all(calls)).toHaveLength(2);
  });

  test('runs the ticks of a paused stepping runner, and is refused in a tick', async () => {
    await using runner = await SteppingSingleThreadedRunner.start(shop, { paused: true });
    const saved = await place(runner.get(Orders), 'ada');
    await Promise.all([
      runner.settled(saved),
      runner.settled(saved),
      runner.processed(saved, { by: Payments }),
    ]);
    expect(runner.tickCount).toBe(5);
    await runner.settled(saved);
    expect(runner.tickCount).toBe(5);
    let refused: unknown;
    runner.callInFuture(async () => {
      refused = await runner.settled(saved).catch(({ code }) => code);
    });
    await runner.step();
    expect(refused).toBe('WAIT_IN_TICK');
  });

  test('reads its positions together with 1,000 other waits', async () => {
    await using runner = await MultiThreadedRunner.start(heldShop, { storage: memory() });
    raise('hold');
    const orders = runner.get(Orders);
    const saves = await Promise.all(Array.from({ length: 1_000 }, (_, i) => place(orders, `${i}`)));
    await vi.waitUntil(() => isRaised('held'), patient);
    const reads = heldShop.applications.map((kind) => {
      const { recorder } = applicationInternals.storeOf(runner.get(kind));
      return [
        vi.spyOn(recorder, 'position'),
        vi.spyOn(recorder, 'causes'),
        vi.spyOn(recorder, 'head'),
      ] as const;
    });
    const countOf = (what: 0 | 1 | 2) => reads.reduce((sum, spies) => sum + spies[what].mock.calls.length, 0);
    const started = performance.now();
    const waits = saves.map((saved) => runner.settled(saved, { signal: inTime() }));
    await until('the positions were read ten times', () => countOf(0) > 40);
    const waitedMs = performance.now() - started;
    expect(countOf(0)).toBeLessThan(40 + 4 * waitedMs); // four followers, each read at most once per ms
    expect(countOf(1)).toBe(0);
    lower('hold');
    await Promise.all(waits);
    for (const { notificationId } of saves) expect(notificationId).toBeGreaterThan(0);
    expect(await orders.log.head()).toBe(3_000);
    expect(countOf(0)).toBeLessThan(40 + 4 * (performance.now() - started));
    expect(countOf(1)).toBeLessThan(100); // the logs have 20 chunks
  });
});

describe.each(storages)('on $name', ({ create }) => {
  test('an old save is found settled in a long log, with few reads', async () => {
    const storage = create();
    await using runner = await SingleThreadedRunner.start(rallies, { storage });
    const saved = await runner.get(Pong).serve(3);
    const others = (count: number) => Array.from({ length: count }, () => Ball.hit(0));
    for (const kind of [Ping, Pong]) await runner.get(kind).save(...others(5_000));
    const late = await runner.get(Pong).serve(2);
    await runner.close();
    await using again = await SingleThreadedRunner.start(rallies.bind(storage));
    const recorders = [Ping, Pong].map((kind) => applicationInternals.storeOf(again.get(kind)).recorder);
    const pages = recorders.map((recorder) => vi.spyOn(recorder, 'causes'));
    for (const [save, most] of [
      [saved, 80],
      [late, 80],
    ] as const) {
      for (const spy of pages) spy.mockClear();
      await again.settled(save, { signal: inTime() });
      expect(pages.reduce((sum, spy) => sum + spy.mock.calls.length, 0)).toBeLessThan(most);
    }
  });
});
