import type { DomainEvent } from 'kahn';
import { describe, expect, test } from 'vitest';
import { HistoryCache } from '../../src/application/history-cache.ts';
import { Account, Accounts } from '../support/accounts.ts';
import { storages } from '../support/storages.ts';

const eventsOf = (originatorId: string, count: number): DomainEvent[] =>
  Array.from({ length: count }, (_, i) => ({
    type: 'X',
    data: {},
    originatorId,
    originatorVersion: i + 1,
    timestamp: 0,
  }));
const history = (originatorId: string, count: number) => ({
  snapshot: undefined,
  events: eventsOf(originatorId, count),
});

test('the cache holds at most its capacity of events, and forgets what was used longest ago', () => {
  const cache = new HistoryCache(10);
  for (const id of ['a', 'b', 'c']) cache.set(id, history(id, 3));
  cache.get('a');
  cache.set('d', history('d', 4));
  expect(cache.size).toBe(10);
  expect(['a', 'b', 'c', 'd'].filter((id) => cache.get(id) !== undefined)).toEqual(['a', 'c', 'd']);
  cache.set('e', history('e', 11));
  expect(cache.get('e')).toBeUndefined();
  cache.set('a', history('a', 1));
  expect(cache.size).toBe(8);
  for (const id of ['a', 'c', 'd']) cache.purge(id);
  expect(cache.size).toBe(0);
});

describe.each(storages)('with a cache on $name', ({ create }) => {
  test('an aggregate has what others have recorded since it was cached', async () => {
    const persistence = create();
    await using one = await Accounts.open({ persistence });
    await using two = await Accounts.open({ persistence });
    const account = Account.open('ada');
    await one.save(account);
    for (let i = 0; i < 7; i++) {
      const there = await two.repository.get(Account, account.id);
      await two.save(there.change(i));
      const here = await one.repository.get(Account, account.id);
      expect(here.changes).toEqual(there.changes);
      await one.save(here.change('here'));
    }
    expect(await two.repository.get(Account, account.id)).toMatchObject({ version: 15 });
  });

  test('what could not be recorded leaves nothing behind', async () => {
    await using accounts = await Accounts.open({ persistence: create() });
    const account = Account.open('ada');
    await accounts.save(account);
    const stale = await accounts.repository.get(Account, account.id);
    await accounts.save((await accounts.repository.get(Account, account.id)).change('good'));
    await expect(accounts.save(stale.change('bad'))).rejects.toMatchObject({ code: 'RECORD_CONFLICT' });
    expect((await accounts.repository.get(Account, account.id)).changes).toEqual(['good']);
  });

  test('two callers never share an aggregate', async () => {
    await using accounts = await Accounts.open({ persistence: create() });
    const account = Account.open('ada').change({ n: 1 });
    await accounts.save(account);
    const one = await accounts.repository.get(Account, account.id);
    const two = await accounts.repository.get(Account, account.id);
    one.change('mine');
    one.changes.push('and mine');
    expect(two).toMatchObject({ version: 2, changes: [{ n: 1 }] });
    expect(account).toMatchObject({ version: 2, changes: [{ n: 1 }] });
  });

  test.each([0, 3, 10_000])('the result is the same with a cache of %i events', async (cacheSize) => {
    await using accounts = await Accounts.open({ persistence: create(), cacheSize });
    const all = Array.from({ length: 5 }, (_, i) => Account.open(`${i}`));
    await accounts.save(...all);
    for (let round = 0; round < 12; round++) {
      for (const { id } of all) {
        const account = await accounts.repository.get(Account, id);
        expect(account.changes).toEqual(Array.from({ length: round }, (_, i) => i));
        await accounts.save(account.change(round));
      }
    }
  });
});
