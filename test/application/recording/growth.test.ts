import { Aggregate, Application, type DomainEvent, memory, ProcessApplication, run, System } from 'kahn';
import { expect, test } from 'vitest';
import { HistoryCache } from '../../../src/application/recording/history-cache.ts';
import { growthOf, linear } from '../../support/growth.ts';

type BatchEvent = DomainEvent<'Batch.Ordered', { size: number }>;
type ItemEvent = DomainEvent<'Item.Made', Record<string, never>>;

class Batch extends Aggregate<BatchEvent> {}
class Batches extends Application<BatchEvent> {
  static readonly applicationName = 'batches';
  static readonly emits = ['Batch.Ordered'] as const;
}
class Item extends Aggregate<ItemEvent> {
  static override readonly snapshotEvery: number = 1_000;
  add(count: number): this {
    for (let i = 0; i < count; i++) this.trigger('Item.Made', {});
    return this;
  }
}
class Items extends ProcessApplication<ItemEvent, BatchEvent> {
  static readonly applicationName = 'items';
  static readonly emits = ['Item.Made'] as const;
  override readonly policy = this.when({
    'Batch.Ordered': ({ data }, repository) =>
      Array.from({ length: data.size }, () => Item.create('Item.Made', {}, repository.deriveId())),
  });
}

test('a policy that makes many aggregates with snapshots takes linear time', async () => {
  const fanOut = async (size: number) => {
    await using runner = await run(System.of([[Batches, Items]]), { storage: memory() });
    await runner.get(Batches).save(Batch.create('Batch.Ordered', { size }));
    expect(await runner.get(Items).log.head()).toBe(size);
  };
  expect(await growthOf(4_000, fanOut)).toBeLessThan(linear);
});

test('a command that makes many aggregates with snapshots takes linear time', async () => {
  class Made extends Item {
    static override readonly snapshotEvery = 1;
  }
  const save = async (size: number) => {
    await using items = await Items.open({ storage: memory() });
    await items.save(Array.from({ length: size }, () => Made.create('Item.Made', {})));
  };
  expect(await growthOf(4_000, save)).toBeLessThan(linear);
});

test('saves more aggregates than a call takes arguments', async () => {
  await using items = await Items.open({ storage: memory() });
  const many = Array.from({ length: 150_000 }, () => Item.create('Item.Made', {}));
  expect(await items.save(many)).toMatchObject({ count: 150_000 });
});

test('many new events of one aggregate extend its cached history in linear time', async () => {
  const eventsOf = (first: number, count: number) =>
    Array.from({ length: count }, (_, i) => ({
      type: 'Item.Made',
      data: {},
      originatorId: 'a',
      originatorVersion: first + i,
      timestamp: 0,
    }));
  const extend = (size: number) => {
    const cache = new HistoryCache(1_000_000);
    cache.set('a', { snapshot: undefined, events: eventsOf(1, 1), length: 2 });
    const added = eventsOf(2, size);
    cache.append(
      added,
      added.map((event) => ({ ...event, data: '{}' })),
    );
    expect(cache.get('a')?.events).toHaveLength(size + 1);
  };
  expect(await growthOf(5_000, extend)).toBeLessThan(linear);
});
