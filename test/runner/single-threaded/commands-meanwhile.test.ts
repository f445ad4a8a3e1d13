import { getEventListeners } from 'node:events';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import {
  type Application,
  DownstreamError,
  memory,
  RunnerClosedError,
  run,
  SingleThreadedRunner,
  System,
} from 'kahn';
import { type Recorder, StorageError, type WriteLock } from 'kahn/storage';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';
import { inTime, until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { Counts, OtherResults, OtherTasks, Result, Results, Task, Tasks, tasks } from './held-tasks.ts';

/** Makes the policy of an application wait for the returned function, from the first task of that name on. */
function hold(results: Results, name: string): { held: Promise<void>; release: () => void } {
  const held = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  results.meanwhile = async (task) => {
    if (task !== name) return;
    held.resolve();
    await released.promise;
  };
  return { held: held.promise, release: () => released.resolve() };
}

/** Whether a promise is settled. */
function watch(promise: Promise<unknown>): () => boolean {
  let isSettled = false;
  const settle = () => {
    isSettled = true;
  };
  promise.then(settle, settle);
  return () => isSettled;
}

describe.each(storages)('while a policy of a single thread waits, on $name', ({ create }) => {
  async function started() {
    const runner = await run(tasks, { storage: create() });
    onTestFinished(() => runner.close());
    const results = runner.get(Results);
    const { held, release } = hold(results, 'slow');
    const slow = runner.get(Tasks).save(Task.add('slow'));
    await held;
    return { runner, results, slow, isSlowDone: watch(slow), release };
  }

  test('a command of another pipeline resolves, its followers included', async () => {
    const { runner, slow, isSlowDone, release } = await started();
    await runner.get(OtherTasks).save(Task.add('unrelated'));
    expect(runner.get(OtherResults).handled).toEqual(['unrelated']);
    expect(isSlowDone()).toBe(false);
    release();
    await slow;
    expect(runner.get(Counts).count).toBe(1);
  });

  test('a command of the application of that policy resolves, its followers included', async () => {
    const { runner, results, slow, isSlowDone, release } = await started();
    await results.save(Result.find('by hand'));
    expect(runner.get(Counts).count).toBe(1);
    expect(isSlowDone()).toBe(false);
    release();
    await slow;
    expect(runner.get(Counts).count).toBe(2);
  });

  test('a command that the policy follows is recorded, and resolves when the policy has handled it', async () => {
    const { runner, results, slow, release } = await started();
    const later = runner.get(Tasks).save(Task.add('later'));
    const isLaterDone = watch(later);
    await until('the task is recorded', async () => (await runner.get(Tasks).log.head()) === 2);
    expect(isLaterDone()).toBe(false);
    release();
    await Promise.all([slow, later]);
    expect(results.handled).toEqual(['slow', 'later']);
    expect(runner.get(Counts).count).toBe(2);
  });

  test('a runner beside it may process the event first: the save waits for what follows from that', async () => {
    const storage = create();
    await using runner = await run(tasks, { storage });
    const { held, release } = hold(runner.get(Results), 'slow');
    const saving = runner.get(Tasks).save(Task.add('slow'));
    await held;
    await using elsewhere = await Results.open({ storage });
    elsewhere.follow(runner.get(Tasks).log);
    await elsewhere.run();
    await elsewhere.save(Result.find('by hand'));
    expect(runner.get(Counts).count).toBe(0);
    release();
    await saving;
    expect(runner.get(Counts).count).toBeGreaterThan(0);
    await runner.caughtUp();
    expect(runner.get(Counts).count).toBe(2);
  });

  test('an aggregate can be saved again', async () => {
    const runner = await run(tasks, { storage: create() });
    onTestFinished(() => runner.close());
    const { held, release } = hold(runner.get(Results), 'slow');
    const task = Task.add('slow');
    const first = runner.get(Tasks).save(task);
    await held;
    const second = runner.get(Tasks).save(task.rename('new name'));
    await until('the task is recorded again', async () => (await runner.get(Tasks).log.head()) === 2);
    release();
    await Promise.all([first, second]);
  });

  test('caughtUp() waits for what was recorded before the call, and for nothing else', async () => {
    const { runner, slow, release } = await started();
    const { recorder } = applicationInternals.storeOf(runner.get(OtherTasks));
    const head = vi.spyOn(recorder, 'head');
    const caughtUp = runner.caughtUp({ signal: inTime() });
    const isCaughtUp = watch(caughtUp);
    await until('the call has read where the log ends', () =>
      head.mock.settledResults.some(({ type }) => type === 'fulfilled'),
    );
    await runner.get(OtherTasks).save(Task.add('unrelated'));
    expect(isCaughtUp()).toBe(false);
    const next = hold(runner.get(OtherResults), 'next');
    const saving = runner.get(OtherTasks).save(Task.add('next'));
    await next.held;
    release();
    await slow;
    await caughtUp;
    next.release();
    await saving;
  });
});

describe.each(storages)('in a single thread with a steady load on $name', ({ create }) => {
  test('save() and caughtUp() resolve', { timeout: 120_000 }, async () => {
    await using runner = await run(tasks, { storage: create() });
    let isLoaded = true;
    const clients = Array.from({ length: 5 }, async () => {
      while (isLoaded) {
        await runner.get(Tasks).save(Task.add('load'));
        await nextTurn();
      }
    });
    try {
      for (let round = 1; round <= 20; round += 1) {
        await runner.get(Tasks).save(Task.add(`${round}`));
        expect(runner.get(Results).handled).toContain(`${round}`);
        await runner.caughtUp({ signal: inTime() });
      }
    } finally {
      isLoaded = false;
    }
    await Promise.all(clients);
    await runner.caughtUp();
    expect((await runner.status()).flatMap(({ upstreams }) => upstreams.map(({ lag }) => lag))).toEqual([
      0, 0, 0,
    ]);
  });

  test('a hundred concurrent commands resolve when what follows from them is processed', async () => {
    await using runner = await run(tasks, { storage: create() });
    const { handled } = runner.get(Results);
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        await runner.get(Tasks).save(Task.add(`${i}`));
        expect(handled).toContain(`${i}`);
      }),
    );
    expect(runner.get(Counts).count).toBe(100);
  });
});

describe.each(storages)('after an application of a single thread has failed on $name', ({ create }) => {
  async function failed() {
    const runner = await run(tasks, { storage: create() });
    onTestFinished(() => runner.close());
    runner.get(Results).meanwhile = (name) => {
      if (name === 'poison') throw new RangeError('no poison');
    };
    const error = await rejectionOf(runner.get(Tasks).save(Task.add('poison')), DownstreamError);
    expect([...error.failures.keys()]).toEqual(['results']);
    return runner;
  }

  test('a command that has nothing to do with it resolves', async () => {
    const runner = await failed();
    await runner.get(OtherTasks).save(Task.add('unrelated'));
    await runner.get(Results).save(Result.find('by hand'));
    expect(runner.get(Counts).count).toBe(1);
    await rejectionOf(runner.caughtUp(), DownstreamError);
  });

  test('a command whose events its policy handles rejects, and a command whose events it ignores resolves', async () => {
    const runner = await failed();
    const task = Task.add('next');
    const error = await rejectionOf(runner.get(Tasks).save(task), DownstreamError);
    expect(error.message).toMatch(/^The events saved in 'tasks' are recorded, but .* 'results' failed/);
    await runner.get(Tasks).save(task.rename('new name'));
    expect(await runner.get(Tasks).log.head()).toBe(3);
  });
});

test('one of two commands that share a commit rejects, and only that one', async () => {
  await using runner = await run(tasks, { storage: memory(), batchSize: 1 });
  runner.get(Results).meanwhile = (name) => {
    if (name === 'poison') throw new RangeError('no poison');
  };
  const [good, poisoned] = await Promise.allSettled(
    ['good', 'poison'].map((name) => runner.get(Tasks).save(Task.add(name))),
  );
  expect([good?.status, poisoned?.status]).toEqual(['fulfilled', 'rejected']);
});

/** Makes the storage of an application behave like storage without a write lock. */
function withoutLock(application: Application): void {
  const { recorder } = applicationInternals.storeOf(application) as { recorder: Required<Recorder> };
  vi.spyOn(recorder, 'lock').mockResolvedValue(undefined as unknown as WriteLock);
}

test('a slow policy finishes although commands never stop to change its aggregate, without a write lock', async () => {
  class SlowChecks extends Results {
    override readonly policy = this.when({
      'Task.Added': async ({ originatorId, data: { name } }, repository) => {
        const result = await repository.get(Result, originatorId);
        await delay(20);
        result.check(name);
      },
    });
  }
  const events = watchRunners();
  await using runner = await run(System.of([[Tasks, SlowChecks]]), { storage: memory() });
  const checks = runner.get(SlowChecks);
  withoutLock(checks);
  const task = Task.add('contested');
  await checks.save(Result.find('contested', task.id));
  let isDone = false;
  const saving = runner
    .get(Tasks)
    .save(task)
    .finally(() => {
      isDone = true;
    });
  while (!isDone) {
    const result = await checks.repository.get(Result, task.id);
    await checks.save(result.check('by hand')).catch(() => {}); // the policy may win
    await nextTurn();
  }
  await saving;
  expect(events.some(({ kind }) => kind === 'interrupted')).toBe(true);
});

test('a save resolves when its effects can be read again, although their application has failed', async () => {
  const storage = memory();
  await using runner = await run(tasks, { storage });
  const results = runner.get(Results);
  const { held, release } = hold(results, 'slow');
  const saving = runner.get(Tasks).save(Task.add('slow'));
  await held;
  await using elsewhere = await Results.open({ storage });
  elsewhere.follow(runner.get(Tasks).log);
  await elsewhere.run();
  results.meanwhile = (name) => {
    if (name === 'poison') throw new RangeError('no poison');
  };
  const { recorder } = applicationInternals.storeOf(results);
  const causes = vi.spyOn(recorder, 'causes');
  const busy = new StorageError('STORAGE_BUSY', 'results', 'busy');
  for (let tries = 0; tries < 5; tries += 1) causes.mockRejectedValueOnce(busy);
  const failing = rejectionOf(runner.get(Tasks).save(Task.add('poison')), DownstreamError);
  await until('the poison is recorded', async () => (await runner.get(Tasks).log.head()) === 2);
  release();
  await failing;
  await saving;
  expect(causes.mock.calls.length).toBeGreaterThan(5);
  expect(runner.get(Counts).count).toBe(1);
});

test('a save resolves although the same follower has more to do', async () => {
  await using runner = await run(tasks, { storage: memory(), batchSize: 1 });
  const others = runner.get(OtherResults);
  const { held, release } = hold(others, 'slow');
  const saves = ['quick', 'slow'].map((name) => runner.get(OtherTasks).save(Task.add(name)));
  await held;
  await saves[0];
  release();
  await saves[1];
});

describe('close() of a single thread', () => {
  test('stops a policy that never settles after drainTimeoutMs, and rejects the saves that wait', async () => {
    const storage = memory();
    const events = watchRunners();
    const runner = await SingleThreadedRunner.start(tasks, { storage, drainTimeoutMs: 50 });
    const { held } = hold(runner.get(Results), 'hung');
    const saving = runner.get(Tasks).save(Task.add('hung'));
    await held;
    const caughtUp = runner.caughtUp();
    const outcomes = [rejectionOf(saving, RunnerClosedError), rejectionOf(caughtUp, RunnerClosedError)];
    await runner.close();
    const [error] = await Promise.all(outcomes);
    expect(error?.message).toContain('All saved events are recorded');
    expect(events.filter(({ kind }) => kind === 'stopped')).toContainEqual(
      expect.objectContaining({ applicationName: 'results', terminated: true }),
    );
    await using again = await run(tasks, { storage });
    expect(again.get(Results).handled).toEqual(['hung']);
  });

  test('stops a policy that never settles although commands wait for it', async () => {
    const hung = Promise.withResolvers<void>();
    let isInterrupted = false;
    class HungChecks extends Results {
      override readonly policy = this.when({
        'Task.Added': async ({ originatorId, data: { name } }, repository) => {
          const result = await repository.get(Result, originatorId);
          if (isInterrupted) {
            hung.resolve();
            await new Promise(() => {});
          }
          await delay(20);
          result.check(name);
        },
      });
    }
    const events = watchRunners();
    const runner = await SingleThreadedRunner.start(System.of([[Tasks, HungChecks]]), {
      storage: memory(),
      drainTimeoutMs: 50,
    });
    const checks = runner.get(HungChecks);
    withoutLock(checks);
    const task = Task.add('contested');
    await checks.save(Result.find('contested', task.id));
    const saving = rejectionOf(runner.get(Tasks).save(task), RunnerClosedError);
    while (!isInterrupted) {
      const result = await checks.repository.get(Result, task.id);
      await checks.save(result.check('by hand'));
      isInterrupted = events.some(({ kind }) => kind === 'interrupted');
      await nextTurn();
    }
    await hung.promise;
    const held = checks.save((await checks.repository.get(Result, task.id)).check('held'));
    await nextTurn();
    await runner.close();
    await Promise.all([saving, held]);
  });

  test('processes what is under way', async () => {
    const runner = await run(tasks);
    const { held, release } = hold(runner.get(Results), 'slow');
    const saving = runner.get(Tasks).save(Task.add('slow'));
    await held;
    const closing = runner.close();
    release();
    await saving;
    await closing;
  });
});

test('calls that are aborted leave no listeners, and do not disturb others', async () => {
  await using runner = await run(tasks);
  const { held, release } = hold(runner.get(Results), 'slow');
  const saving = runner.get(Tasks).save(Task.add('slow'));
  await held;
  const abort = new AbortController();
  const waits = Array.from({ length: 100 }, () => runner.caughtUp({ signal: abort.signal }));
  const other = runner.caughtUp({ signal: inTime() });
  await nextTurn();
  abort.abort(new Error('no time'));
  for (const outcome of await Promise.allSettled(waits)) expect(outcome.status).toBe('rejected');
  expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
  release();
  await Promise.all([saving, other]);
});
