import {
  Aggregate,
  type DomainEvent,
  LogMismatchError,
  PolicyError,
  type PolicyRepository,
  ProcessApplication,
  type StorageDescription,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { applicationInternals } from '../../src/application/application.ts';
import { processApplicationInternals } from '../../src/application/process-application.ts';
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

async function opened(storage: StorageDescription, batchSize = 500) {
  const clicks = await Clicks.open({ storage });
  const counters = await Counters.open({ storage });
  counters.follow(clicks.log, batchSize);
  const { recorder } = applicationInternals.storeOf(counters);
  const position = async () => (await recorder.position(0, 'clicks')).position;
  const close = async () => {
    await counters.close();
    await clicks.close();
  };
  return { clicks, counters, position, [Symbol.asyncDispose]: close };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe.each(storages)('a process application on $name', ({ create }) => {
  test('processes every notification once, in order, with any number of concurrent runs', async () => {
    await using app = await opened(create(), 7);
    await app.clicks.save(...numbers(1, 50).map((number) => Click.make(`${number % 3}`, number)));
    const processed = await Promise.all([app.counters.run(), app.counters.run({ upstreamName: 'clicks' })]);
    expect(processed).toEqual([50, 0]);
    await app.clicks.save(Click.make('0', 51));
    expect(await app.counters.run()).toBe(1);
    expect(await app.position()).toBe(51);
    expect(await app.counters.counted()).toEqual(
      new Map(['1', '2', '0'].map((key) => [key, numbers(1, 51).filter((n) => `${n % 3}` === key)])),
    );
    expect((await app.counters.repository.get(Counter, '0')).count).toBe(17);
  });

  test('continues from its recorded position when it is opened again', async () => {
    const storage = create();
    {
      await using app = await opened(storage);
      await app.clicks.save(Click.make('a', 1), Click.make('a', 2));
      await app.counters.run();
      await app.clicks.save(Click.make('a', 3));
    }
    await using app = await opened(storage);
    expect(await app.counters.run()).toBe(1);
    expect(await app.counters.counted()).toEqual(new Map([['a', [1, 2, 3]]]));
  });

  test.each([1, 4, 500])(
    'records everything before the notification on which its policy fails (batches of %i)',
    async (size) => {
      await using app = await opened(create(), size);
      await app.clicks.save(...numbers(1, 10).map((number) => Click.make('a', number)));
      app.counters.meanwhile = (number) => {
        if (number === 7) throw new RangeError('seven');
      };
      for (let attempt = 0; attempt < 2; attempt++) {
        const error = await rejectionOf(app.counters.run(), PolicyError);
        expect(error).toMatchObject({
          applicationName: 'counters',
          upstreamName: 'clicks',
          pipelineId: 0,
          notificationId: 7,
          eventType: 'Click.Made',
        });
        expect(error.message).toMatch(
          /^The policy of application 'counters' failed on notification 7 of 'clicks' \('Click.Made' of aggregate '.+'\): seven$/,
        );
        expect(error.cause).toBeInstanceOf(RangeError);
        expect(await app.position()).toBe(6);
        expect(await app.counters.counted()).toEqual(new Map([['a', numbers(1, 6)]]));
      }
      app.counters.meanwhile = () => {};
      expect(await app.counters.run()).toBe(4);
      expect(await app.counters.counted()).toEqual(new Map([['a', numbers(1, 10)]]));
    },
  );

  test('an event that cannot be recorded is attributed to its notification', async () => {
    await using app = await opened(create());
    await app.clicks.save(
      ...numbers(1, 5).map((number) => Click.make('a', number === 3 ? Number.MAX_VALUE : number)),
    );
    const { policy } = app.counters;
    Object.assign(policy, {
      handlerOf: () => (event: ClickEvent) => {
        const number = event.type === 'Click.Made' && event.data.number === Number.MAX_VALUE ? Number.NaN : 1;
        const counter = Counter.start(event.originatorId);
        counter.add(number, '');
        return counter;
      },
    });
    const error = await rejectionOf(app.counters.run(), PolicyError);
    expect(error).toMatchObject({
      notificationId: 3,
      cause: { code: 'EVENT_NOT_ENCODABLE', path: 'number' },
    });
    expect(await app.position()).toBe(2);
  });

  test('save() in a policy throws, even in a floating promise', async () => {
    await using app = await opened(create());
    const outcomes: unknown[] = [];
    app.counters.meanwhile = async () => {
      outcomes.push(await app.counters.save(Counter.start('b')).catch((error: unknown) => error));
      outcomes.push(await app.clicks.save(Click.ignored()).catch((error: unknown) => error));
    };
    await app.clicks.save(Click.make('a', 1));
    await app.counters.run();
    expect(outcomes).toMatchObject([
      { code: 'SAVE_IN_POLICY', applicationName: 'counters' },
      { code: 'SAVE_IN_POLICY', applicationName: 'clicks' },
    ]);
    expect(await app.counters.recorded()).toEqual(['Counter.Started', 'Counter.Counted']);
  });

  test('positions after ignored events are recorded with the next events, on demand, or after a bound', async () => {
    await using app = await opened(create(), 5);
    await app.clicks.save(...numbers(1, 12).map(() => Click.ignored()));
    expect(await app.counters.run()).toBe(12);
    expect(await app.position()).toBe(0);
    await processApplicationInternals.recordPositions(app.counters);
    expect(await app.position()).toBe(12);
    await app.clicks.save(Click.ignored(), Click.make('a', 1), Click.ignored());
    await app.counters.run();
    expect(await app.position()).toBe(15);
    await app.clicks.save(...numbers(1, 60).map(() => Click.ignored()));
    await app.counters.run();
    expect(await app.position()).toBeGreaterThanOrEqual(15 + 50);
    expect(await app.counters.log.head()).toBe(2);
  });

  test('events of several aggregates are recorded in the order in which they were triggered', async () => {
    type StepEvent = DomainEvent<'Step.Made', { step: number }>;
    class Walker extends Aggregate<StepEvent> {
      static start(step: number, id: string) {
        return Walker.create('Step.Made', { step }, id);
      }
      go(step: number) {
        this.trigger('Step.Made', { step });
      }
    }
    class Walkers extends ProcessApplication<StepEvent, ClickEvent> {
      static readonly applicationName = 'walkers';
      static readonly emits = ['Step.Made'] as const;
      override readonly policy = this.when({
        'Click.Made': (_, repository) => {
          const one = Walker.start(1, repository.deriveId());
          const two = Walker.start(2, repository.deriveId());
          one.go(3);
          two.go(4);
          one.go(5);
          return [two, one];
        },
      });
    }
    const storage = create();
    await using clicks = await Clicks.open({ storage });
    await using walkers = await Walkers.open({ storage });
    walkers.follow(clicks.log);
    await clicks.save(Click.make('a', 1), Click.make('a', 2));
    await walkers.run();
    const steps = [];
    for await (const { event } of walkers.reader()) steps.push(event.data.step);
    expect(steps).toEqual([1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
  });

  test('the repository throws after its handler has returned', async () => {
    await using app = await opened(create());
    const late = Promise.withResolvers<unknown>();
    Object.assign(app.counters.policy, {
      handlerOf: () => (_: unknown, repository: { get(kind: unknown, id: string): Promise<unknown> }) => {
        setImmediate(() => repository.get(Counter, 'a').catch(late.resolve));
      },
    });
    await app.clicks.save(Click.make('a', 1));
    await app.counters.run();
    expect(await late.promise).toMatchObject({ code: 'INVALID_POLICY' });
  });

  test('an aggregate that a policy kept cannot change', async () => {
    await using app = await opened(create());
    const kept: Counter[] = [];
    Object.assign(app.counters.policy, {
      handlerOf: () => () => {
        kept.push(Counter.start('a'));
        return kept;
      },
    });
    await app.clicks.save(Click.make('a', 1));
    await app.counters.run();
    expect(() => kept[0]?.touch()).toThrow("Cannot trigger 'Counter.Touched' on Counter 'a'");
    expect(await app.counters.recorded()).toEqual(['Counter.Started']);
  });

  test('an aggregate that was loaded ahead can be got as another class', async () => {
    class Tally extends Counter {}
    await using app = await opened(create());
    await app.counters.touch('a');
    await app.counters.touch('b');
    Object.assign(app.counters.policy, {
      handlerOf: () => async (event: ClickEvent, repository: PolicyRepository<CounterEvent>) => {
        if (event.type !== 'Click.Made') return;
        const { key, number } = event.data;
        const counter = await repository.get(number === 1 ? Counter : Tally, key);
        counter.add(number, '');
      },
    });
    await app.clicks.save(Click.make('a', 1), Click.make('b', 2), Click.make('b', 3));
    await app.counters.run();
    expect(await app.counters.counted()).toEqual(
      new Map([
        ['a', [1]],
        ['b', [2, 3]],
      ]),
    );
  });

  test('two concurrent gets return the same aggregate', async () => {
    await using app = await opened(create());
    await app.counters.touch('a');
    await app.counters.touch('b');
    Object.assign(app.counters.policy, {
      handlerOf: () => async (_: unknown, repository: PolicyRepository<CounterEvent>) => {
        const ids = ['a', 'b', 'a', 'b', 'a'];
        const counters = await Promise.all(ids.map((id) => repository.get(Counter, id)));
        for (const [number, counter] of counters.entries()) counter.add(number, '');
      },
    });
    await app.clicks.save(Click.make('a', 1));
    await app.counters.run();
    expect(await app.counters.counted()).toEqual(
      new Map([
        ['a', [0, 2, 4]],
        ['b', [1, 3]],
      ]),
    );
  });

  test('does not find an aggregate that was discarded earlier in the batch', async () => {
    await using app = await opened(create());
    const found: boolean[] = [];
    Object.assign(app.counters.policy, {
      handlerOf: () => async (_: unknown, repository: PolicyRepository<CounterEvent>) => {
        found.push(await repository.has(Counter, 'a'));
        if (found.length === 1) return Counter.start('a');
        if (found.length === 2) (await repository.get(Counter, 'a')).stop();
        return undefined;
      },
    });
    await app.clicks.save(...numbers(1, 3).map((number) => Click.make('a', number)));
    await app.counters.run();
    expect(found).toEqual([false, true, false]);
  });

  test('an aggregate that is made twice is attributed to its notification', async () => {
    await using app = await opened(create());
    Object.assign(app.counters.policy, { handlerOf: () => () => Counter.start('always the same') });
    await app.clicks.save(Click.make('a', 1), Click.make('a', 2));
    for (let attempt = 0; attempt < 2; attempt++) {
      const error = await rejectionOf(app.counters.run(), PolicyError);
      expect(error).toMatchObject({
        notificationId: 2,
        upstreamName: 'clicks',
        cause: { code: 'RECORD_CONFLICT' },
      });
      expect(error.message).toContain("cannot record version 1 of aggregate 'always the same'");
    }
    expect(await app.position()).toBe(1);
  });

  test('this.repository throws in a policy', async () => {
    await using app = await opened(create());
    app.counters.meanwhile = async () => void (await app.counters.repository.has(Counter, 'a'));
    await app.clicks.save(Click.make('a', 1));
    const error = await rejectionOf(app.counters.run(), PolicyError);
    expect(error.message).toContain("The policy of 'counters' used this.repository");
  });

  test('the error of a policy contains anything that was thrown', async () => {
    await using app = await opened(create());
    await app.clicks.save(Click.make('a', 1));
    for (const thrown of [undefined, null, 'text', Object.create(null), Symbol('s')]) {
      app.counters.meanwhile = () => {
        throw thrown;
      };
      expect((await rejectionOf(app.counters.run(), PolicyError)).cause).toBe(thrown);
    }
  });

  test('rejects a second aggregate with the same id', async () => {
    await using app = await opened(create());
    Object.assign(app.counters.policy, { handlerOf: () => () => [Counter.start('a'), Counter.start('a')] });
    await app.clicks.save(Click.make('a', 1));
    const error = await rejectionOf(app.counters.run(), PolicyError);
    expect(error.message).toContain("made a second aggregate with the id 'a'");
  });

  test('a run can be aborted between batches, and continues in the next run', async () => {
    await using app = await opened(create(), 2);
    await app.clicks.save(...numbers(1, 6).map((number) => Click.make('a', number)));
    const abort = new AbortController();
    app.counters.meanwhile = (number) => {
      if (number === 3) abort.abort(new Error('enough'));
    };
    await expect(app.counters.run({ signal: abort.signal })).rejects.toThrow('enough');
    expect(await app.position()).toBe(4);
    expect(await app.counters.run()).toBe(2);
  });

  test('rejects an upstream that it does not follow, and an invalid batch size', async () => {
    await using app = await opened(create());
    await expect(app.counters.run({ upstreamName: 'sales' })).rejects.toThrow(
      "'counters' does not follow 'sales'",
    );
    for (const size of [0, -1, 1.5, Number.NaN]) {
      expect(() => app.counters.follow(app.clicks.log, size)).toThrow(
        "Expected option 'batchSize' of Counters.follow() to be an integer >= 1",
      );
    }
  });

  test('rejects a log that ends before its position or has a gap', async () => {
    const storage = create();
    const { position } = await (async () => {
      await using app = await opened(storage);
      await app.clicks.save(Click.make('a', 1), Click.make('a', 2));
      await app.counters.run();
      return { position: await app.position() };
    })();
    expect(position).toBe(2);
    await using replaced = await Clicks.open({ storage: create() });
    await replaced.save(Click.make('b', 1));
    await using counters = await Counters.open({ storage });
    counters.follow(replaced.log);
    const error = await rejectionOf(counters.run(), LogMismatchError);
    expect(error).toMatchObject({ applicationName: 'counters', upstreamName: 'clicks' });
    expect(error.message).toContain('has processed notification 2, but the log ends at 1');
  });
});
