import { memory, PolicyError, type PolicyHandler, RecordConflictError, type StorageDescription } from 'kahn';
import { describe, expect, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';
import {
  Click,
  type ClickEvent,
  Clicks,
  Counter,
  type CounterEvent,
  Counters,
} from '../../support/systems/clicks.ts';

type Handler = PolicyHandler<ClickEvent, CounterEvent>;

/** A subclass of the class that makes the aggregate. */
class Tally extends Counter {}

async function play(handler: Handler, batchSize: number, storage: StorageDescription = memory()) {
  await using clicks = await Clicks.open({ storage });
  await using counters = await Counters.open({ storage });
  Object.assign(counters.policy, { handlerOf: () => handler });
  await counters.save(Counter.start('a'));
  await clicks.save(...[1, 2, 3].map((number) => Click.make('a', number)));
  counters.follow(clicks.log, batchSize);
  const outcome = await counters.run().catch((error: unknown) => error);
  return { outcome, recorded: (await counters.recorded()).slice(1) };
}

describe.each([1, 2, 500])('an aggregate as two classes, in batches of %i', (batchSize) => {
  test('has a view for each class, which sees what the other has changed', async () => {
    const counts: number[] = [];
    const { outcome } = await play(async (_, repository) => {
      const counter = await repository.get(Counter, 'a');
      counter.add(1, '');
      const tally = await repository.get(Tally, 'a');
      tally.add(2, '');
      expect(counter instanceof Tally).toBe(false);
      expect(await repository.get(Counter, 'a')).toBe(counter);
      counts.push(counter.count, tally.count);
    }, batchSize);
    expect(outcome).toBe(3);
    expect(counts.slice(-6)).toEqual([2, 2, 4, 4, 6, 6]);
  });

  test('cannot be changed as both from the same version', async () => {
    const { outcome, recorded } = await play(async (_, repository) => {
      const [counter, tally] = [await repository.get(Counter, 'a'), await repository.get(Tally, 'a')];
      tally.touch();
      counter.add(1, '');
    }, batchSize);
    expect(outcome).toBeInstanceOf(PolicyError);
    expect(outcome).toMatchObject({ notificationId: 1, cause: { code: 'INVALID_POLICY' } });
    expect((outcome as PolicyError).message).toMatch(
      /changed (Counter|Tally) 'a' \('Counter\.(Counted|Touched)'\) and (Counter|Tally) 'a' \('Counter\.(Counted|Touched)'\), two views of one aggregate, from the same version 1\. Change one of them, and then get the other one from the repository\./,
    );
    expect(recorded).toEqual([]);
  });

  test('can be made as one class and got as the other', async () => {
    const { outcome, recorded } = await play(async (_, repository) => {
      if (await repository.has(Tally, 'new')) (await repository.get(Tally, 'new')).touch();
      else return Counter.start('new');
    }, batchSize);
    expect({ outcome, recorded }).toEqual({
      outcome: 3,
      recorded: ['Counter.Started', 'Counter.Touched', 'Counter.Touched'],
    });
  });

  test('is undone as both by an attempt that fails', async () => {
    const { outcome, recorded } = await play(async (_, repository) => {
      const [counter, tally] = [await repository.get(Counter, 'a'), await repository.get(Tally, 'a')];
      counter.touch();
      const attempt = repository.attempt(async () => {
        (await repository.get(Tally, 'a')).add(1, '');
        (await repository.get(Counter, 'a')).add(2, '');
        throw new Error('undo');
      });
      await attempt.catch(() => {});
      expect(() => counter.count).toThrow('are undone');
      expect(() => tally.count).toThrow('are undone');
      expect((await repository.get(Tally, 'a')).count).toBe(0);
      (await repository.get(Counter, 'a')).touch();
    }, batchSize);
    expect(outcome).toBe(3);
    expect(recorded).toEqual(Array(6).fill('Counter.Touched'));
  });
});

describe.each(storages)('commands on $name', ({ create }) => {
  test('an aggregate that is got as two classes can be changed as one of them', async () => {
    await using counters = await Counters.open({ storage: create() });
    await counters.save(Counter.start('a'));
    const { repository } = counters;
    const [counter, tally] = [await repository.get(Counter, 'a'), await repository.get(Tally, 'a')];
    counter.touch();
    expect(await counters.save(tally, counter)).toMatchObject({ count: 1 });
    tally.add(1, '');
    const error = await rejectionOf(counters.save(tally), RecordConflictError);
    expect(error).toMatchObject({ originatorId: 'a', attemptedVersion: 2, currentVersion: 2 });
    const both = [await repository.get(Counter, 'a'), await repository.get(Tally, 'a')];
    for (const one of both) one.touch();
    await rejectionOf(counters.save(...both), RecordConflictError);
    expect(await counters.recorded()).toEqual(['Counter.Started', 'Counter.Touched']);
  });

  test('a snapshot of one class is not restored as another', async () => {
    class Snapped extends Counter {
      static override readonly snapshotEvery: number | undefined = 2;
    }
    class Doubled extends Snapped {
      double = 0;
      protected override apply(event: CounterEvent): void {
        super.apply(event);
        if (event.type === 'Counter.Counted') this.double += 2;
      }
    }
    const storage = create();
    await using counters = await Counters.open({ storage, cacheSize: 0 });
    const counter = new Snapped('a');
    for (const number of [1, 2, 3]) counter.add(number, '');
    await counters.save(counter);
    const { repository } = counters;
    expect(await repository.get(Doubled, 'a')).toMatchObject({ version: 3, count: 3, double: 6 });
    expect(await repository.get(Snapped, 'a')).toMatchObject({ version: 3, count: 3 });
    const doubled = await repository.get(Doubled, 'a');
    doubled.add(4, '');
    await counters.save(doubled);
    expect(await repository.get(Snapped, 'a')).toMatchObject({ version: 4, count: 4 });
    expect(await repository.get(Doubled, 'a')).toMatchObject({ version: 4, double: 8 });
  });

  test('causal dependencies include the version on which several views build', async () => {
    class Dependent extends Counters {
      static readonly causalDependencies = true;
    }
    const storage = create();
    await using clicks = await Clicks.open({ storage });
    await using elsewhere = await Dependent.open({ storage, pipelineId: 1 });
    await elsewhere.save(Counter.start('a'));
    await using counters = await Dependent.open({ storage });
    Object.assign(counters.policy, {
      handlerOf: () => async (_: unknown, repository: Parameters<Handler>[1]) => {
        (await repository.get(Counter, 'a')).touch();
        (await repository.get(Tally, 'a')).touch();
      },
    });
    await clicks.save(Click.make('a', 1), Click.make('a', 2));
    counters.follow(clicks.log);
    await counters.run();
    const [first] = await counters.log.select(0, 1);
    expect(first?.dependencies).toEqual([{ pipelineId: 1, notificationId: 1 }]);
  });
});
