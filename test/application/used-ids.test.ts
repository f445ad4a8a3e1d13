import { AsyncLocalStorage } from 'node:async_hooks';
import {
  AggregateDiscardedError,
  memory,
  PolicyError,
  type PolicyHandler,
  RecordConflictError,
  type StorageDescription,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { rejectionOf } from '../support/errors.ts';
import { storages } from '../support/storages.ts';
import {
  Click,
  type ClickEvent,
  Clicks,
  Counter,
  type CounterEvent,
  Counters,
} from '../support/systems/clicks.ts';

type Handler = PolicyHandler<ClickEvent, CounterEvent>;

const discarded = (version: number) =>
  `Application 'counters' cannot create Counter 'a': the aggregate with this id was discarded at version ${version}, and ` +
  'an id is not used again. Choose another id; repository.wasDiscarded() tells beforehand.';

/** Runs a command of another writer outside of the policy that waits for it. */
const inRival = AsyncLocalStorage.snapshot();

function ended(id: string): Counter {
  const counter = Counter.start(id);
  counter.stop();
  return counter;
}

describe.each(storages)('commands on $name', ({ create }) => {
  test('do not create an aggregate again that is discarded, and can know it beforehand', async () => {
    await using counters = await Counters.open({ storage: create() });
    const { repository } = counters;
    expect(await repository.wasDiscarded(Counter, 'a')).toBe(false);
    const first = Counter.start('a');
    await counters.save(first);
    expect(await repository.wasDiscarded(Counter, 'a')).toBe(false);
    first.stop();
    await counters.save(first);
    expect(await repository.has(Counter, 'a')).toBe(false);
    expect(await repository.wasDiscarded(Counter, 'a')).toBe(true);
    for (const again of [Counter.start('a'), ended('a')]) {
      const error = await rejectionOf(counters.save(again), AggregateDiscardedError);
      expect(error).toMatchObject({ applicationName: 'counters', originatorId: 'a', currentVersion: 2 });
      expect(error.message).toBe(discarded(2));
    }
    const [, other] = await Promise.allSettled([
      counters.save(Counter.start('a')),
      counters.save(Counter.start('b')),
    ]);
    expect(other).toMatchObject({ status: 'fulfilled' });
    expect(() => first.touch()).toThrow("Cannot trigger 'Counter.Touched' on Counter 'a': it is discarded");
    expect(await counters.save(first)).toMatchObject({ count: 0 });
  });

  test('do not discard and create an aggregate in one save', async () => {
    await using counters = await Counters.open({ storage: create() });
    await counters.save(Counter.start('a'));
    const last = await counters.repository.get(Counter, 'a');
    last.stop();
    const error = await rejectionOf(counters.save(last, Counter.start('a')), AggregateDiscardedError);
    expect(error.message).toBe(discarded(2));
    await counters.save(last);
    expect(await counters.recorded()).toEqual(['Counter.Started', 'Counter.Stopped']);
  });

  test('get a conflict for an id that is in use', async () => {
    await using counters = await Counters.open({ storage: create() });
    await counters.save(Counter.start('a'));
    const error = await rejectionOf(counters.save(Counter.start('a')), RecordConflictError);
    expect(error.message).toContain('an aggregate with this id is at version 1 already');
  });
});

/** Runs a handler for some clicks. */
async function play(storage: StorageDescription, batchSize: number, handler: Handler, clicked = 3) {
  await using clicks = await Clicks.open({ storage });
  await using counters = await Counters.open({ storage });
  Object.assign(counters.policy, { handlerOf: () => handler });
  await clicks.save(...Array.from({ length: clicked }, (_, i) => Click.make('a', i + 1)));
  counters.follow(clicks.log, batchSize);
  const outcome = await counters.run().catch((error: unknown) => error);
  return { outcome, recorded: await counters.recorded() };
}

const numberOf = (event: ClickEvent) => (event.type === 'Click.Made' ? event.data.number : 0);

describe.each(storages)('policies on $name', ({ create }) => {
  test.each([1, 2, 500])(
    'fail if they create an aggregate again that is discarded (batches of %i)',
    async (size) => {
      let calls = 0;
      const { outcome, recorded } = await play(create(), size, async (event, repository) => {
        if (numberOf(event) === 1) return Counter.start('a');
        if (numberOf(event) === 2) return (await repository.get(Counter, 'a')).stop();
        calls += 1;
        expect(await repository.has(Counter, 'a')).toBe(false);
        expect(await repository.wasDiscarded(Counter, 'a')).toBe(true);
        return Counter.start('a');
      });
      expect(outcome).toBeInstanceOf(PolicyError);
      expect(outcome).toMatchObject({ notificationId: 3, cause: { code: 'AGGREGATE_DISCARDED' } });
      expect((outcome as PolicyError).message).toContain(discarded(2));
      expect(calls).toBeLessThanOrEqual(3); // the first conflict of an id may be a lost race
      expect(recorded).toEqual(['Counter.Started', 'Counter.Stopped']);
    },
  );

  test.each([1, 500])(
    'handle an event again if a command creates and discards the aggregate meanwhile (batches of %i)',
    async (size) => {
      const storage = create();
      await using rival = await Counters.open({ storage });
      const { outcome, recorded } = await play(storage, size, async (event, repository) => {
        if (await repository.wasDiscarded(Counter, 'a')) return undefined;
        if (numberOf(event) === 1) await inRival(() => rival.save(ended('a')));
        return Counter.start('a');
      });
      expect(outcome).toBe(3);
      expect(recorded).toEqual(['Counter.Started', 'Counter.Stopped']);
    },
  );

  test.each([1, 500])('fail if one handler discards and creates it (batches of %i)', async (size) => {
    const { outcome, recorded } = await play(create(), size, async (event, repository) => {
      if (numberOf(event) === 1) return Counter.start('a');
      (await repository.get(Counter, 'a')).stop();
      return Counter.start('a');
    });
    expect(outcome).toMatchObject({ notificationId: 2, cause: { message: discarded(2) } });
    expect(recorded).toEqual(['Counter.Started']);
  });

  test.each([1, 500])('fail at once if they create one that lives (batches of %i)', async (size) => {
    let calls = 0;
    const { outcome, recorded } = await play(create(), size, () => {
      calls += 1;
      return Counter.start('a');
    });
    expect(outcome).toMatchObject({
      notificationId: 2,
      cause: { code: 'RECORD_CONFLICT', currentVersion: 1 },
    });
    expect((outcome as PolicyError).message).toContain('an aggregate with this id is at version 1 already');
    expect(calls).toBeLessThanOrEqual(8);
    expect(recorded).toEqual(['Counter.Started']);
  });
});

test('a policy that creates an aggregate which commands change all the time fails, and is not repeated for ever', async () => {
  const storage = memory();
  await using rival = await Counters.open({ storage });
  await rival.save(Counter.start('a'));
  const { outcome } = await play(storage, 1, async () => {
    await inRival(() => rival.touch('a'));
    return Counter.start('a');
  });
  expect(outcome).toMatchObject({ notificationId: 1, cause: { code: 'RECORD_CONFLICT' } });
});

test('a policy that loses the race to create an aggregate gets it on the next try', async () => {
  const storage = memory();
  await using rival = await Counters.open({ storage });
  const { outcome, recorded } = await play(
    storage,
    1,
    async (_, repository) => {
      if (await repository.has(Counter, 'a')) return (await repository.get(Counter, 'a')).touch();
      await inRival(() => rival.save(Counter.start('a')));
      return Counter.start('a');
    },
    1,
  );
  expect({ outcome, recorded }).toEqual({ outcome: 1, recorded: ['Counter.Started', 'Counter.Touched'] });
});
