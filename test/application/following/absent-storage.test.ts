import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { memory, ProcessApplication } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { isTransientFailure } from '../../../src/application/failures.ts';
import { rejectionOf } from '../../support/errors.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { Click, type ClickEvent, Clicks, Counter, type CounterEvent } from '../../support/systems/clicks.ts';

const directories: string[] = [];

/** Moves the file of an application from one directory to another. */
function move(from: string, to: string, applicationName = 'counters'): void {
  for (const end of ['', '-wal', '-shm']) {
    const name = `${applicationName}.sqlite${end}`;
    if (existsSync(join(from, name))) renameSync(join(from, name), join(to, name));
  }
}

/** Counts clicks; its first call loses the storage while it looks for a counter. */
abstract class ForgetfulCounters extends ProcessApplication<CounterEvent, ClickEvent> {
  static readonly applicationName = 'counters';
  static readonly emits = [
    'Counter.Started',
    'Counter.Counted',
    'Counter.Touched',
    'Counter.Stopped',
  ] as const;
  calls = 0;

  override readonly policy = this.when({
    'Click.Made': async ({ data: { key } }, repository) => {
      this.calls += 1;
      if (this.calls === 1) {
        const [directory = '', elsewhere = ''] = directories;
        move(directory, elsewhere);
        await delay(1_100); // until the connection looks for its file
      }
      try {
        (await repository.get(Counter, key)).touch();
        return undefined;
      } catch (error) {
        return this.decide(error, key);
      }
    },
  });

  abstract decide(error: unknown, key: string): Counter;
}

class CatchingCounters extends ForgetfulCounters {
  override decide(_error: unknown, key: string): Counter {
    return Counter.start(key);
  }
}

class WrappingCounters extends ForgetfulCounters {
  override decide(error: unknown, key: string): Counter {
    if (this.calls === 1) throw new Error('The counter cannot be read.', { cause: error });
    return Counter.start(key);
  }
}

test.each([
  ['catches', CatchingCounters],
  ['wraps', WrappingCounters],
])(
  'a policy that %s an error of its storage is repeated, and decides once the storage is back',
  async (_, Counters) => {
    directories.splice(0, 2, temporaryDirectory(), temporaryDirectory());
    const [directory = '', elsewhere = ''] = directories;
    const storage = sqlite({ directory, synchronous: 'NORMAL' });
    await using clicks = await Clicks.open({ storage });
    await using counters = await Counters.open({ storage, cacheSize: 0 });
    counters.follow(clicks.log);
    await clicks.save(Click.make('a', 1));
    const error = await rejectionOf(counters.run(), Error);
    expect(error).toMatchObject({ code: 'POLICY_FAILED', cause: { code: 'STORAGE_MISSING' } });
    expect(isTransientFailure(error)).toBe(true);
    expect(counters.calls).toBe(1);
    move(elsewhere, directory);
    expect(await counters.run()).toBe(1);
    const events = await counters.log.select(0, 10);
    expect(events.map(({ type }) => type)).toEqual(['Counter.Started']);
  },
);

test.each([false, true])(
  'a policy that catches an error of reading another application is repeated, in an attempt: %s',
  async (isAttempted) => {
    const [directory, elsewhere] = [temporaryDirectory(), temporaryDirectory()];
    const known = sqlite({ directory, synchronous: 'NORMAL' });
    await using others = await CatchingCounters.open({ storage: known, cacheSize: 0 });
    await others.save(Counter.start('known'));
    class Guesses extends ProcessApplication<CounterEvent, ClickEvent> {
      static readonly applicationName = 'guesses';
      static readonly emits = ['Counter.Started'] as const;
      override readonly policy = this.when({
        'Click.Made': async (_event, repository) => {
          const read = () => others.repository.has(Counter, 'known');
          const isKnown = await (isAttempted ? repository.attempt(read) : read()).catch(() => false);
          return Counter.start(isKnown ? 'read' : 'guessed');
        },
      });
    }
    await using clicks = await Clicks.open({ storage: memory() });
    await using guesses = await Guesses.open({ storage: memory() });
    guesses.follow(clicks.log);
    await clicks.save(Click.make('a', 1));
    move(directory, elsewhere);
    await delay(1_100); // until the connection looks for its file
    const error = await rejectionOf(guesses.run(), Error);
    expect(error).toMatchObject({ code: 'POLICY_FAILED', cause: { code: 'STORAGE_MISSING' } });
    move(elsewhere, directory);
    await guesses.run();
    expect(await guesses.repository.has(Counter, 'read')).toBe(true);
    expect(await guesses.repository.has(Counter, 'guessed')).toBe(false);
  },
);
