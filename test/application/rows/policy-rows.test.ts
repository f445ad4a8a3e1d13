import { PolicyError } from 'kahn';
import { describe, expect, test } from 'vitest';
import { temporarySqlite } from '../../support/storages.ts';
import { Click, Clicks } from '../../support/systems/clicks.ts';
import { SqliteTallies } from './tallies.ts';

async function open(numbers: readonly number[]) {
  const storage = temporarySqlite();
  const opened = new AsyncDisposableStack();
  const clicks = opened.use(await Clicks.open({ storage }));
  const tallies = opened.use(await SqliteTallies.open({ storage }));
  for (const number of numbers) await clicks.save(Click.make('a', number));
  tallies.follow(clicks.log);
  return { storage, clicks, tallies, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

async function failure(run: Promise<unknown>): Promise<PolicyError> {
  const error = await run.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(PolicyError);
  return error as PolicyError;
}

describe('rows of a policy', () => {
  test('are recorded with the events and the position', async () => {
    await using shop = await open([1, 2, 3]);
    expect(await shop.tallies.run()).toBe(3);
    expect(await shop.tallies.marked()).toEqual({ events: [1, 2, 3], rows: [1, 2, 3] });
  });

  test('a handler that throws leaves neither its rows nor its events, and all before it are recorded', async () => {
    await using shop = await open([1, 2, 3, 4]);
    shop.tallies.meanwhile = (number) => {
      if (number === 3) throw new Error('no third');
    };
    expect(await failure(shop.tallies.run())).toMatchObject({ notificationId: 3 });
    expect(await shop.tallies.marked()).toEqual({ events: [1, 2], rows: [1, 2] });
  });

  test.each([
    'commit',
    'end transaction',
    '/* x */ ; -- y\n rollback',
    'begin',
    "insert into tally_rows values (9, ''); commit",
    'pragma locking_mode = exclusive',
    "attach ':memory:' as other",
  ])('%s is refused', async (text) => {
    await using shop = await open([1]);
    shop.tallies.meanwhile = (_number, _context, rows) => rows.exec(text);
    expect(await failure(shop.tallies.run())).toMatchObject({ cause: { code: 'ROWS_REFUSED' } });
    expect(await shop.tallies.marked()).toEqual({ events: [], rows: [] });
  });
});
