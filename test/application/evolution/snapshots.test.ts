import { Aggregate, Application, type DomainEvent, defineEvents, event, type StorageDescription } from 'kahn';
import { describe, expect, test } from 'vitest';
import { storages } from '../../support/storages.ts';

const added = event<{ n: number }>();

/** Application classes of one log, whose events moved on. */
function countersWith(types: readonly string[]) {
  return class Counters extends Application<DomainEvent<'Added', { n: number }>> {
    static readonly applicationName = 'counters';
    static readonly emits = types;
  };
}
const plain = countersWith(['Added']);
const defined = countersWith(defineEvents({ Added: added, Others: added }));
const twice = countersWith(defineEvents({ Added: added.upcast(({ n }) => ({ n: 2 * n })) }));
const thrice = countersWith(defineEvents({ Added: added.upcast(({ n }) => ({ n: 3 * n })) }));
const none = countersWith(defineEvents({ Subtracted: added }, { former: { Added: added.into(() => []) } }));

class Counter extends Aggregate<DomainEvent<'Added', { n: number }>> {
  static override readonly snapshotEvery = 2;
  /** Number of events that were applied to any counter. */
  static applied = 0;
  sum = 0;
  add(n: number): this {
    this.trigger('Added', { n });
    return this;
  }
  protected override apply({ data }: DomainEvent<'Added', { n: number }>) {
    Counter.applied += 1;
    this.sum += data.n;
  }
}

/** Loads the counter with some code, and returns its sum and the number of events that were applied to it. */
async function load(storage: StorageDescription, Type: typeof plain) {
  await using counters = await Type.open({ storage });
  const before = Counter.applied;
  const { sum, version } = await counters.repository.get(Counter, 'counter');
  return { sum, version, applied: Counter.applied - before };
}

describe.each(storages)('a snapshot, on $name', ({ create }) => {
  test('is used as long as the functions that convert events are the same', async () => {
    const storage = create();
    await using counters = await plain.open({ storage });
    await counters.save(Counter.create('Added', { n: 1 }, 'counter').add(2).add(4).add(8));
    expect(await load(storage, plain)).toEqual({ sum: 15, version: 4, applied: 0 });
    expect(await load(storage, defined)).toEqual({ sum: 15, version: 4, applied: 0 });
    expect(await load(storage, twice)).toEqual({ sum: 30, version: 4, applied: 4 });
    expect(await load(storage, none)).toEqual({ sum: 0, version: 4, applied: 0 });
    await using later = await twice.open({ storage });
    await later.takeSnapshot(Counter, 'counter');
    expect(await load(storage, twice)).toEqual({ sum: 30, version: 4, applied: 0 });
    expect(await load(storage, thrice)).toEqual({ sum: 45, version: 4, applied: 4 });
    expect(await load(storage, plain)).toEqual({ sum: 15, version: 4, applied: 4 });
  });
});
