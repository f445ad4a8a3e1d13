import { setTimeout as delay } from 'node:timers/promises';
import { AggregateUndoneError, memory, PolicyError, type PolicyHandler } from 'kahn';
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

/** Runs a handler for one click, or more; the counters `a` and `b` exist. Returns what it recorded, as id and type. */
async function recordedBy(handler: Handler, clicked = 1, batchSize = 500): Promise<readonly string[]> {
  const storage = memory();
  await using clicks = await Clicks.open({ storage });
  await using counters = await Counters.open({ storage });
  Object.assign(counters.policy, { handlerOf: () => handler });
  await counters.save(Counter.start('a'), Counter.start('b'));
  await clicks.save(...Array.from({ length: clicked }, (_, i) => Click.make('a', i + 1)));
  counters.follow(clicks.log, batchSize);
  await counters.run();
  const recorded: string[] = [];
  for await (const { event } of counters.reader()) {
    recorded.push(`${event.originatorId} ${event.type.slice('Counter.'.length)}`);
  }
  return recorded.slice(2);
}

const failureOf = async (handler: Handler) => rejectionOf(recordedBy(handler), PolicyError);
const fail = () => {
  throw new RangeError('no');
};
const failingAfter = (work: () => unknown) => () => {
  work();
  fail();
};

test('an attempt that succeeds keeps everything, and resolves with its result', async () => {
  const recorded = await recordedBy(async (_, repository) => {
    const counter = await repository.get(Counter, 'a');
    const made = await repository.attempt(async () => {
      counter.touch();
      (await repository.get(Counter, 'b')).touch();
      return Counter.start('new');
    });
    counter.touch();
    return made;
  });
  expect(recorded).toEqual(['a Touched', 'b Touched', 'new Started', 'a Touched']);
});

test('an attempt that fails undoes everything inside of it, and rejects with its error', async () => {
  const recorded = await recordedBy(async (_, repository) => {
    const counter = await repository.get(Counter, 'a');
    counter.touch();
    const failing = repository.attempt(async () => {
      counter.add(1, '');
      (await repository.get(Counter, 'b')).touch();
      Counter.start('new');
      fail();
    });
    await expect(failing).rejects.toThrow(RangeError);
    const again = await repository.get(Counter, 'a');
    expect(again).toMatchObject({ version: 2, count: 0 });
    expect((await repository.get(Counter, 'b')).version).toBe(1);
    again.add(2, '');
  });
  expect(recorded).toEqual(['a Touched', 'a Counted']);
});

test('an object that a failed attempt changed refuses every use; others stay as they are', async () => {
  await recordedBy(async (_, repository) => {
    const [changed, other] = [await repository.get(Counter, 'a'), await repository.get(Counter, 'b')];
    await expect(repository.attempt(failingAfter(() => changed.touch()))).rejects.toThrow('no');
    const message =
      "Counter 'a' was changed in an attempt that failed, so the changes of this object are undone. Get the aggregate " +
      'again from the repository, or create it again if the attempt made it.';
    for (const use of [
      () => changed.touch(),
      () => changed.count,
      () => changed.version,
      () => {
        changed.count = 2;
      },
      () => JSON.stringify(changed),
    ]) {
      expect(use).toThrow(AggregateUndoneError);
      expect(use).toThrow(message);
    }
    expect(changed.id).toBe('a');
    expect(changed instanceof Counter).toBe(true);
    expect((await Promise.resolve(changed)) === changed).toBe(true);
    other.touch();
  });
});

test('an object whose apply() failed inside of a failed attempt is undone, too', async () => {
  class Fragile extends Counter {
    protected override apply(event: CounterEvent): void {
      super.apply(event);
      if (event.type === 'Counter.Counted') throw new RangeError('after the change');
    }
  }
  const recorded = await recordedBy(async (_, repository) => {
    const counter = await repository.get(Fragile, 'a');
    counter.touch();
    await expect(repository.attempt(() => counter.add(1, ''))).rejects.toThrow('after the change');
    expect(() => counter.count).toThrow(AggregateUndoneError);
    expect(await repository.get(Fragile, 'a')).toMatchObject({ count: 0, version: 2 });
  });
  expect(recorded).toEqual(['a Touched']);
});

test('an object that was undone cannot be returned', async () => {
  const error = await failureOf(async (_, repository) => {
    const made = Counter.start('new');
    await repository.attempt(failingAfter(() => made.touch())).catch(() => {});
    return made;
  });
  expect(error).toMatchObject({ cause: { code: 'AGGREGATE_UNDONE' } });
});

test('an aggregate made before a failed attempt can be got again, and is recorded', async () => {
  const recorded = await recordedBy(async (_, repository) => {
    const made = Counter.start('new');
    await repository.attempt(failingAfter(() => made.touch())).catch(() => {});
    (await repository.get(Counter, 'new')).add(1, '');
  });
  expect(recorded).toEqual(['new Started', 'new Counted']);
});

test('an inner attempt that fails undoes only itself', async () => {
  const recorded = await recordedBy(async (_, repository) => {
    await repository.attempt(async () => {
      (await repository.get(Counter, 'a')).touch();
      (await repository.get(Counter, 'b')).touch();
      await repository.attempt(async () => (await repository.get(Counter, 'b')).stop()).then(() => {});
      await repository
        .attempt(async () => {
          (await repository.get(Counter, 'a')).stop();
          fail();
        })
        .catch(() => {});
      (await repository.get(Counter, 'a')).add(1, '');
    });
  });
  expect(recorded).toEqual(['a Touched', 'b Touched', 'b Stopped', 'a Counted']);
});

test('attempts that are started together run one after the other', async () => {
  const order: string[] = [];
  const recorded = await recordedBy(async (_, repository) => {
    const outcomes = await Promise.allSettled(
      ['a', 'b', 'a'].map((id, i) =>
        repository.attempt(async () => {
          order.push(`${i} begins`);
          (await repository.get(Counter, id)).touch();
          await delay(3 - i);
          order.push(`${i} ends`);
          if (i === 0) fail();
        }),
      ),
    );
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  });
  expect(order).toEqual(['0 begins', '0 ends', '1 begins', '1 ends', '2 begins', '2 ends']);
  expect(recorded).toEqual(['b Touched', 'a Touched']);
});

test('changes beside an attempt that fails make the policy fail, even if the handler catches the error', async () => {
  const error = await failureOf(async (_, repository) => {
    const counter = await repository.get(Counter, 'a');
    const attempt = repository.attempt(async () => {
      await delay(1);
      fail();
    });
    await delay(0);
    counter.touch();
    await attempt.catch(() => {});
  });
  expect(error.message).toContain(
    "triggered 'Counter.Touched' on Counter 'a' while an attempt was running, but not inside of it",
  );
});

test('what an attempt starts and does not await makes the policy fail', async () => {
  let late: Promise<unknown> | undefined;
  const error = await failureOf(async (_, repository) => {
    const counter = await repository.get(Counter, 'a');
    await repository.attempt(() => {
      late = delay(1).then(() => counter.touch());
      late.catch(() => {});
    });
    await late?.catch(() => {});
  });
  expect(error.message).toContain(
    "triggered 'Counter.Touched' on Counter 'a' in an attempt that had already ended",
  );
});

test('try and catch without an attempt keep what was triggered before the error', async () => {
  const recorded = await recordedBy(async (_, repository) => {
    try {
      (await repository.get(Counter, 'a')).touch();
      fail();
    } catch {}
  });
  expect(recorded).toEqual(['a Touched']);
});

test.each([1, 500])(
  'changes of earlier handlers survive a failed attempt (batches of %i)',
  async (batchSize) => {
    const recorded = await recordedBy(
      async ({ data }, repository) => {
        const { number } = data as { number: number };
        const counter = await repository.get(Counter, 'a');
        expect(counter.count).toBe(number - 1);
        await repository.attempt(failingAfter(() => counter.stop())).catch(() => {});
        (await repository.get(Counter, 'a')).add(number, '');
      },
      3,
      batchSize,
    );
    expect(recorded).toEqual(['a Counted', 'a Counted', 'a Counted']);
  },
);

test('an attempt takes a function, not the promise of one that runs already', async () => {
  const error = await failureOf((_, repository) => repository.attempt(repository.has(Counter, 'a') as never));
  expect(error.message).toContain(
    'repository.attempt() takes a function, as in attempt(async () => { … }), got a promise',
  );
});

test('derived ids are not derived again after a failed attempt', async () => {
  const ids: string[] = [];
  await recordedBy(async (_, repository) => {
    ids.push(repository.deriveId());
    await repository.attempt(failingAfter(() => ids.push(repository.deriveId()))).catch(() => {});
    ids.push(repository.deriveId());
  });
  expect(new Set(ids).size).toBe(3);
});

describe('in a direct call of a policy', () => {
  const call = (handler: Handler, map: Map<string, Counter>) => {
    const { policy } = new (class extends Counters {
      override readonly policy = this.when({ 'Click.Made': handler as never });
    })();
    return policy(
      { type: 'Click.Made', data: {}, originatorId: 'x', originatorVersion: 1, timestamp: 0 } as never,
      map,
    );
  };

  test('the Map gets a new object with the earlier state', async () => {
    const before = Counter.start('a');
    before.add(1, '');
    const map = new Map([['a', before]]);
    const made = await call(async (_, repository) => {
      const counter = await repository.get(Counter, 'a');
      await repository.attempt(failingAfter(() => counter.add(2, ''))).catch(() => {});
      (await repository.get(Counter, 'a')).touch();
      return repository.attempt(() => Counter.start('new'));
    }, map);
    expect(map.get('a')).toMatchObject({ count: 1, version: 3 });
    expect(made.map(({ id }) => id)).toEqual(['new']);
  });

  test('attempts inside of attempts are undone', async () => {
    const map = new Map([['a', Counter.start('a')]]);
    await call(async (_, repository) => {
      const outer = repository.attempt(async () => {
        const counter = await repository.get(Counter, 'a');
        await repository.attempt(failingAfter(() => counter.add(1, ''))).catch(() => {});
        (await repository.get(Counter, 'a')).add(2, '');
        fail();
      });
      await expect(outer).rejects.toThrow(RangeError);
      (await repository.get(Counter, 'a')).touch();
    }, map);
    expect(map.get('a')).toMatchObject({ count: 0, version: 2 });
  });

  test('an aggregate with recorded events cannot be undone', async () => {
    await using counters = await Counters.open({ storage: memory() });
    await counters.touch('a');
    const map = new Map([['a', await counters.repository.get(Counter, 'a')]]);
    const calling = call(async (_, repository) => {
      const counter = await repository.get(Counter, 'a');
      await repository.attempt(failingAfter(() => counter.touch())).catch(() => {});
    }, map);
    await expect(calling).rejects.toThrow(
      'Pass an aggregate that the test has created, or test with a runner.',
    );
  });
});

test('a handler that catches the failure to undo an attempt loses nothing: the policy fails', async () => {
  let isBroken = false;
  class Brittle extends Counter {
    protected override apply(event: CounterEvent): void {
      if (isBroken) throw new RangeError('cannot be replayed');
      super.apply(event);
    }
  }
  const error = await failureOf(async (_, repository) => {
    (await repository.get(Brittle, 'a')).touch();
    const failing = repository.attempt(async () => {
      (await repository.get(Brittle, 'a')).touch();
      isBroken = true;
      fail();
    });
    await failing.catch(() => {});
  });
  expect(error.message).toContain('cannot be replayed');
});

test('an attempt whose turn comes after the end of its handler does not start', async () => {
  let starts = 0;
  const error = await failureOf(async (_, repository) => {
    const failing = repository.attempt(fail);
    const lasting = repository.attempt(() => delay(2));
    const waiting = repository.attempt(() => {
      starts += 1;
    });
    await Promise.all([failing, lasting, waiting]);
  });
  expect(error.cause).toBeInstanceOf(RangeError);
  await delay(20);
  expect(starts).toBe(0);
});
