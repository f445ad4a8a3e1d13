import { randomBytes } from 'node:crypto';
import {
  Aggregate,
  Application,
  defineEvents,
  type EventsOf,
  event,
  explain,
  InvalidSystemError,
  memory,
  ProcessApplication,
  type Prompt,
  run,
  System,
} from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { describe, expect, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import type { Progress } from '../../../src/application/following/batches/batch-options.ts';
import { processApplicationInternals } from '../../../src/application/process-application.ts';
import { aggregateInternals as internals } from '../../../src/domain/aggregate.ts';
import { assertContiguous, assertSound } from '../../support/logs.ts';
import { storages } from '../../support/storages.ts';
import {
  Notes,
  numbersFor,
  Order,
  Orders,
  parcels,
  Stock,
} from '../../support/systems/event-options/parcels.ts';

const cupEvents = defineEvents({
  'Cup.Filled': event<{ ml: number }>(),
  'Cup.Sipped': event<{ ml: number }>({ notifiable: false }),
});
type CupEvent = EventsOf<typeof cupEvents>;

class Cup extends Aggregate<CupEvent> {
  static override readonly snapshotEvery = 4;
  ml = 0;

  static fill(ml: number): Cup {
    return Cup.create('Cup.Filled', { ml });
  }
  fill(ml: number): this {
    this.trigger('Cup.Filled', { ml });
    return this;
  }
  sip(times: number = 1): this {
    for (let i = 0; i < times; i += 1) this.trigger('Cup.Sipped', { ml: 1 });
    return this;
  }
  protected override apply({ type, data }: CupEvent): void {
    this.ml += type === 'Cup.Filled' ? data.ml : -data.ml;
  }
}

class Cups extends Application<CupEvent> {
  static readonly applicationName: string = 'cups';
  static readonly emits = cupEvents;
}

const idsIn = async (application: Application) =>
  (await application.log.select(0, 100)).map(({ id, type }) => `${id} ${type}`);

describe.each(storages)('events outside of the log on $name', ({ create }) => {
  test('belong to the aggregate, and get no notification', async () => {
    const storage = create();
    let id: string;
    {
      await using cups = await Cups.open({ storage });
      const cup = Cup.fill(200).sip(2).fill(50);
      id = cup.id;
      const place = { applicationName: 'cups', pipelineId: 0 };
      expect(await cups.save(cup)).toMatchObject({ ...place, notificationId: 2, count: 2 });
      expect(await cups.save(cup.sip(3))).toMatchObject({ ...place, notificationId: 0, count: 0 });
      expect(await cups.save(cup.sip().fill(10), Cup.fill(1))).toMatchObject({ notificationId: 4, count: 2 });
      expect(await idsIn(cups)).toEqual([1, 2, 3, 4].map((n) => `${n} Cup.Filled`));
    }
    await using cups = await Cups.open({ storage, cacheSize: 0 });
    expect(await cups.repository.get(Cup, id)).toMatchObject({ version: 9, ml: 254 });
    expect(await cups.repository.get(Cup, id, { version: 6 })).toMatchObject({ version: 6, ml: 246 });
    await cups.takeSnapshot(Cup, id);
    await cups.save((await cups.repository.get(Cup, id)).sip());
    expect(await cups.repository.get(Cup, id)).toMatchObject({ version: 10, ml: 253 });
    expect((await canonicalHistories([cups])).join('\n').match(/Cup\.Sipped/g)).toHaveLength(7);
  });

  test('saves that share a commit get the ids of their own events', async () => {
    await using cups = await Cups.open({ storage: create() });
    const prompts: Prompt[] = [];
    cups.subscribe((prompt) => prompts.push(prompt));
    const all = [Cup.fill(1), Cup.fill(2).sip(), Cup.fill(3).fill(4), Cup.fill(5)];
    await cups.save(all[0]!);
    prompts.length = 0;
    const saved = await Promise.all([
      cups.save(all[0]!.sip(2)),
      cups.save(all[1]!),
      cups.save(all[2]!),
      cups.save(all[0]!.sip()),
    ]);
    expect(saved.map(({ notificationId, count }) => [notificationId, count])).toEqual([
      [0, 0],
      [2, 1],
      [4, 2],
      [0, 0],
    ]);
    expect(prompts.at(-1)).toMatchObject({ head: 4 });
    prompts.length = 0;
    await Promise.all([cups.save(all[1]!.sip()), cups.save(all[0]!.sip())]);
    expect(prompts).toEqual([]);
    expect(await cups.save(all[3]!)).toMatchObject({ notificationId: 5, count: 1 });
    await assertContiguous(cups);
  });

  test('policies record them with their position, and nothing waits for them', async () => {
    const storage = create();
    await using runner = await run(parcels, { storage, batchSize: 3 });
    const orders = Array.from({ length: 5 }, (_, i) => Order.place(i + 1).view('ada'));
    const saved = await runner.get(Orders).save(orders);
    expect(saved).toMatchObject({ notificationId: 5, count: 5 });
    const viewed = await runner.get(Orders).save(orders[0]!.view('bob'));
    expect(viewed).toMatchObject({ notificationId: 0, count: 0 });
    await runner.settled(saved);
    await runner.settled(viewed);
    await runner.processed(viewed, { by: Notes });
    for (const [i, { id }] of orders.entries())
      expect(await runner.get(Notes).numbersOf(id)).toEqual(numbersFor(i + 1));
    expect(await runner.get(Notes).log.head()).toBe(0);
    expect(await runner.get(Stock).log.head()).toBe(30);
    const { recorder } = applicationInternals.storeOf(runner.get(Notes));
    expect(await recorder.position(0, 'stock')).toMatchObject({ position: 30 });
    expect((await runner.status()).flatMap(({ upstreams }) => upstreams.map(({ lag }) => lag))).toEqual([
      0, 0,
    ]);
    const { event: order } = await explain(runner, Orders, 5);
    expect(order.effects.map(({ type }) => type).filter((type) => type === 'Parcel.Weighed')).toEqual([]);
    expect(order.effects).toHaveLength(10);
    for (const kind of parcels.applications) await assertContiguous(runner.get(kind));
    await assertSound(storage, parcels);
  });

  test('are encrypted, and commands that record them are repeated by their keys', async () => {
    const ring = { current: 'k', keys: { k: randomBytes(32) } };
    const system = System.of([[Orders, Stock, Notes]], { encryption: { keys: () => ring }, compression: {} });
    const storage = create();
    await using runner = await run(system, { storage, cacheSize: 0 });
    const order = Order.place(3).view('ada');
    const orders = runner.get(Orders);
    const [placed, again] = [order, Order.place(3).view('ada')].map(
      (one) => () => orders.save(one, { idempotencyKey: 'place', request: 'three parcels' }),
    );
    expect(await placed!()).toMatchObject({ notificationId: 1, count: 1 });
    expect(await again!()).toMatchObject({ notificationId: 1, count: 1 });
    const viewed = await orders.repository.get(Order, order.id);
    const view = () => orders.save(viewed.view('bob'), { idempotencyKey: 'view', request: 'by bob' });
    expect(await view()).toMatchObject({ notificationId: 0, count: 0 });
    expect(await view()).toMatchObject({ notificationId: 0, count: 0 });
    expect(await orders.repository.get(Order, order.id)).toMatchObject({ version: 3, views: 2 });
    expect(await runner.get(Notes).numbersOf(order.id)).toEqual(numbersFor(3));
    await assertSound(storage, system);
  });

  test('their pipelines are no dependencies, but those of the versions before them are', async () => {
    class CausalCups extends Cups {
      static readonly causalDependencies = true;
    }
    const storage = create();
    const open = (pipelineId: number) => CausalCups.open({ storage, pipelineId });
    await using first = await open(0);
    await using second = await open(1);
    await using third = await open(2);
    const cup = Cup.fill(100);
    await first.save(cup);
    const { id } = cup;
    const sips = await second.repository.get(Cup, id);
    await second.save(sips.sip(5)); // no place for a dependency
    const filled = await third.repository.get(Cup, id);
    await Promise.all([third.save(filled.sip(2)), third.save(Cup.fill(7))]);
    await third.save(filled.sip().fill(1));
    expect(await third.log.select(0, 10)).toMatchObject([
      { id: 1, type: 'Cup.Filled', originatorVersion: 1 },
      { id: 2, originatorVersion: 10, dependencies: [{ pipelineId: 0, notificationId: 1 }] },
    ]);
    const again = await second.repository.get(Cup, id);
    await second.save(again.fill(2));
    expect(await second.log.select(0, 10)).toMatchObject([
      { id: 1, originatorVersion: 11, dependencies: [{ pipelineId: 2, notificationId: 2 }] },
    ]);
  });

  test('a save after one outside of the log in the same commit keeps the dependency of both', async () => {
    class CausalCups extends Cups {
      static readonly causalDependencies = true;
    }
    const storage = create();
    await using first = await CausalCups.open({ storage });
    await using second = await CausalCups.open({ storage, pipelineId: 1 });
    const cup = Cup.fill(100);
    await first.save(cup);
    const store = applicationInternals.storeOf(second);
    const one = await second.repository.get(Cup, cup.id);
    const provenance = () => ({ correlationId: 'c' });
    const prepare = (changed: Cup) => {
      const { pending, takePending } = internals;
      const prepared = store.prepare(pending(changed), [changed], provenance);
      takePending(changed);
      return prepared;
    };
    await store.record([prepare(one.sip()), prepare(one.fill(3))]);
    expect(await second.log.select(0, 10)).toMatchObject([
      { id: 1, originatorVersion: 3, dependencies: [{ pipelineId: 0, notificationId: 1 }] },
    ]);
  });
});

test('a batch reports the effects that are in the log, and no head if there are none', async () => {
  const storage = memory();
  await using orders = await Orders.open({ storage });
  await using stock = await Stock.open({ storage });
  await using notes = await Notes.open({ storage });
  const reported: unknown[] = [];
  const report = ({ effects, head }: Progress) => reported.push([effects.map(({ type }) => type), head]);
  processApplicationInternals.watch(stock, report);
  processApplicationInternals.watch(notes, report);
  stock.follow(orders.log);
  notes.follow(stock.log);
  await orders.save(Order.place(1).view('ada'));
  await stock.run();
  await notes.run();
  expect(reported).toEqual([
    [['Parcel.Packed', 'Parcel.Sent'], 2],
    [[], undefined],
  ]);
});

test('a system refuses a handler of events that are in no log', () => {
  class Watchers extends ProcessApplication<CupEvent, CupEvent> {
    static readonly applicationName: string = 'watchers';
    static readonly emits = cupEvents;
    override readonly policy = this.when({ 'Cup.Filled': () => {}, 'Cup.Sipped': () => {} });
  }
  expect(() => System.of([[Cups, Watchers]])).toThrow(InvalidSystemError);
  expect(() => System.of([[Cups, Watchers]])).toThrow(
    "The policy of 'watchers' has a handler of 'Cup.Sipped', which would never run: 'cups' defines this type with " +
      "'notifiable: false', so its events are in no log. Remove the handler, or make the type notifiable.",
  );
  class All extends Watchers {
    static override readonly applicationName = 'all';
    override readonly policy = this.when({}, () => {});
  }
  expect(System.of([[Cups, All]]).graph.edges).toMatchObject([{ eventTypes: ['Cup.Filled'] }]);
  class OpenCups extends Application<CupEvent> {
    static readonly applicationName = 'open-cups';
    static readonly emits = ['Cup.Filled', 'Cup.Sipped'] as const;
  }
  const both = System.of([
    [Cups, Watchers],
    [OpenCups, Watchers],
  ]);
  expect(both.graph.edges).toMatchObject([
    { eventTypes: ['Cup.Filled'] },
    { eventTypes: ['Cup.Filled', 'Cup.Sipped'] },
  ]);
});

test('an application of events outside of the log alone has no log to follow', async () => {
  class Sips extends Application<EventsOf<typeof sips>> {
    static readonly applicationName = 'sips';
    static readonly emits = sips;
  }
  class All extends ProcessApplication<CupEvent, EventsOf<typeof sips>> {
    static readonly applicationName = 'all';
    static readonly emits = cupEvents;
    override readonly policy = this.when({}, () => {});
  }
  expect(() => System.of([[Sips, All]])).toThrow("its policy handles none of that application's events");
  await using application = await Sips.open({ storage: memory() });
  expect(await application.reader().read()).toEqual([]);
});

const sips = defineEvents({ 'Sip.Taken': event<null>({ notifiable: false }) });
