import { setTimeout as delay } from 'node:timers/promises';
import { memory, PolicyError, type PolicyHandler } from 'kahn';
import { describe, expect, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import {
  Click,
  type ClickEvent,
  Clicks,
  Counter,
  type CounterEvent,
  Counters,
} from '../../support/systems/clicks.ts';

type Handler = PolicyHandler<ClickEvent, CounterEvent>;

/** Runs a handler for three clicks; the counters `a` and `b` exist. */
async function play(handler: Handler, batchSize = 500) {
  const storage = memory();
  await using clicks = await Clicks.open({ storage });
  await using counters = await Counters.open({ storage });
  Object.assign(counters.policy, { handlerOf: () => handler });
  await counters.save(Counter.start('a'), Counter.start('b'));
  await clicks.save(...[1, 2, 3].map((number) => Click.make('a', number)));
  counters.follow(clicks.log, batchSize);
  const outcome = await counters.run().catch((error: unknown) => error);
  await delay(5); // what the handler has started and not awaited ends
  return { outcome, recorded: (await counters.recorded()).slice(2) };
}

async function failureOf(handler: Handler, batchSize?: number): Promise<PolicyError> {
  const { outcome, recorded } = await play(handler, batchSize);
  expect(outcome).toBeInstanceOf(PolicyError);
  expect(recorded).toEqual([]);
  return outcome as PolicyError;
}

const kept = Counter.start('kept');

const lost: Readonly<Record<string, readonly [Handler, string]>> = {
  'an aggregate that is not returned': [
    () => {
      Counter.start('new');
    },
    "made Counter 'new' ('Counter.Started') and did not return it, so it would be lost. Return it",
  ],
  'one of two aggregates': [
    () => {
      Counter.start('new');
      return Counter.start('other');
    },
    "made Counter 'new' ('Counter.Started') and did not return it",
  ],
  'an aggregate made after a wait': [
    async () => {
      await delay(1);
      Counter.start('new').touch();
    },
    "made Counter 'new' ('Counter.Started') and did not return it",
  ],
  'an aggregate that was made inside of an attempt': [
    async (_, repository) => {
      await repository.attempt(() => Counter.start('new'));
    },
    "made Counter 'new' ('Counter.Started') and did not return it",
  ],
  'a change of an aggregate that is not from the repository': [
    () => kept.touch(),
    "changed Counter 'kept' ('Counter.Touched'), which it neither got from its repository nor returned",
  ],
  'a get without await': [
    (_, repository) => {
      void repository.get(Counter, 'a');
    },
    "returned without waiting for repository.get(Counter, 'a'): put 'await' in front of it",
  ],
  'a get without await in a handler that waits for another': [
    async (_, repository) => {
      void repository.get(Counter, 'a');
      await repository.get(Counter, 'b');
    },
    "returned without waiting for repository.get(Counter, 'a')",
  ],
  'a has without await': [
    async (_, repository) =>
      (repository.has(Counter, 'none') as unknown) ? undefined : Counter.start('none'),
    "returned without waiting for repository.has(Counter, 'none')",
  ],
  'an attempt without await': [
    (_, repository) => void repository.attempt(async () => (await repository.get(Counter, 'a')).touch()),
    'returned without waiting for repository.attempt()',
  ],
  'the use of a get without await': [
    (_, repository) => (repository.get(Counter, 'a') as unknown as Counter).touch(),
    "repository.get(...).touch is not a function. The policy of 'counters' did not await repository.get(Counter, 'a')",
  ],
  'a function that was started and not awaited': [
    (_, repository) => {
      for (const id of ['a', 'b']) void (async () => (await repository.get(Counter, id)).touch())();
    },
    "returned without waiting for repository.get(Counter, 'a')",
  ],
  'a get that is not awaited and finds nothing': [
    (_, repository) => void repository.get(Counter, 'none'),
    "returned without waiting for repository.get(Counter, 'none')",
  ],
  'an array of promises': [
    (_, repository) => ['a', 'b'].map(async (id) => (await repository.get(Counter, id)).touch()) as never,
    'got an array with a promise: return await Promise.all([…])',
  ],
  'an array with a promise that rejects': [
    () => [Promise.reject(new Error('late')), undefined] as never,
    'got an array with a promise',
  ],
};

describe.each([1, 500])('a policy that would lose something fails, in batches of %i', (batchSize) => {
  test.each(Object.entries(lost))('%s', async (_, [handler, message]) => {
    const error = await failureOf(handler, batchSize);
    expect(error).toMatchObject({ notificationId: 1, cause: { code: 'INVALID_POLICY' } });
    expect(error.message).toContain(message);
  });

  test('an aggregate cannot be changed after the end of its handler, nor by the next one', async () => {
    let first: Counter | undefined;
    let late = Promise.resolve<unknown>(undefined);
    let goOn = Promise.withResolvers<void>();
    const { recorded } = await play(async ({ data }, repository) => {
      const { number } = data as { number: number };
      if (number === 1) {
        first = await repository.get(Counter, 'a');
        goOn = Promise.withResolvers<void>();
        late = goOn.promise.then(() => first?.touch()).catch((error: unknown) => error);
      } else if (number === 2) {
        goOn.resolve();
        await late;
        expect(() => first?.touch()).toThrow("Cannot trigger 'Counter.Touched' on Counter 'a'");
      }
    }, batchSize);
    expect(recorded).toEqual([]);
    expect(await late).toMatchObject({ code: 'AGGREGATE_RELEASED' });
  });

  test('the repository of a handler throws in the next handler', async () => {
    let first: Parameters<Handler>[1] | undefined;
    const codes: unknown[] = [];
    await play(async ({ data }, repository) => {
      const { number } = data as { number: number };
      if (number === 1) first = repository;
      if (number !== 2) return;
      const error = await first?.get(Counter, 'a').catch((thrown: unknown) => thrown);
      codes.push((error as { code: string }).code);
      expect(() => first?.deriveId()).toThrow('used its repository after it had returned');
    }, batchSize);
    expect(codes).toEqual(['INVALID_POLICY']);
  });

  test('what is awaited is recorded, however it is awaited', async () => {
    const handlers: readonly Handler[] = [
      (_, repository) => repository.get(Counter, 'a').then((counter) => counter.touch()),
      async (_, repository) => {
        const [a, b] = await Promise.all(['a', 'b'].map((id) => repository.get(Counter, id)));
        a?.touch();
        b?.touch();
      },
      async (_, repository) => {
        const getting = repository.get(Counter, 'a');
        await delay(1);
        const counter = await getting;
        counter.touch();
        return counter;
      },
      (_, repository) => repository.get(Counter, 'a').finally(() => {}),
      async (_, repository) => Promise.race([repository.get(Counter, 'a'), repository.get(Counter, 'b')]),
    ];
    for (const [i, touches] of [1, 2, 1, 0, 0].entries()) {
      const { outcome, recorded } = await play(handlers[i] as Handler, batchSize);
      expect(outcome).toBe(3);
      expect(recorded).toHaveLength(3 * touches);
    }
  });
});

test('an aggregate is thrown away by an attempt that fails', async () => {
  const { outcome, recorded } = await play(async (_, repository) => {
    await repository
      .attempt(() => {
        Counter.start('new');
        throw new Error('no');
      })
      .catch(() => {});
  });
  expect({ outcome, recorded }).toEqual({ outcome: 3, recorded: [] });
});

test('a direct call of a policy fails alike', async () => {
  const counters = new Counters();
  const [event] = [{ type: 'Click.Made', data: {}, originatorId: 'x', originatorVersion: 1, timestamp: 0 }];
  for (const [handler, message] of Object.values(lost)) {
    const policy = (counters as unknown as { when(handlers: object): typeof counters.policy }).when({
      'Click.Made': handler,
    });
    const map = new Map(['a', 'b'].map((id) => [id, Counter.start(id)]));
    const error = await rejectionOf(policy(event as never, map), Error);
    expect(error.message).toContain(message);
  }
});

test('aggregates that commands make while a policy runs are none of its business', async () => {
  const storage = memory();
  await using clicks = await Clicks.open({ storage });
  await using counters = await Counters.open({ storage });
  const command = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  void command.promise.then(async () => {
    await counters.save(Counter.start('by command'));
    done.resolve();
  });
  counters.meanwhile = () => {
    command.resolve();
    return done.promise;
  };
  counters.follow(clicks.log);
  await clicks.save(Click.make('a', 1));
  expect(await counters.run()).toBe(1);
});
