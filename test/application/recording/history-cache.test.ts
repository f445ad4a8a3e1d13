import type { DomainEvent } from 'kahn';
import { describe, expect, test } from 'vitest';
import { HistoryCache } from '../../../src/application/recording/history-cache.ts';
import { storages } from '../../support/storages.ts';
import { Account, Accounts } from '../../support/systems/accounts.ts';

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
  length: count * 2,
});

test('keeps used histories and drops unused ones, within its capacity', () => {
  const cache = new HistoryCache(20);
  const held = (ids: readonly string[]) => ids.filter((id) => cache.get(id) !== undefined);
  for (let i = 0; i < 100; i++) {
    cache.set('used', history('used', 2));
    cache.set(`${i}`, history(`${i}`, 3));
  }
  expect(cache.get('used')?.events).toHaveLength(2);
  const others = Array.from({ length: 100 }, (_, i) => `${i}`);
  expect(held(others).length).toBeLessThanOrEqual(20 / 3);
  expect(cache.get('99')).toBeDefined();
  cache.set('large', history('large', 20));
  expect(held(['large', ...others])).toEqual(['large']);
  cache.set('small', history('small', 1));
  expect(held(['large', 'small'])).toEqual(['small']);
  cache.set('too large', history('too large', 21));
  expect(held(['too large', 'small'])).toEqual(['small']);
});

test('extends cached histories, and drops histories with a gap before the event', () => {
  const cache = new HistoryCache(100);
  const append = (event: DomainEvent) => cache.append([event], [{ ...event, data: '{}' }]);
  const [first, second, third] = eventsOf('a', 3) as [DomainEvent, DomainEvent, DomainEvent];
  append(first);
  expect(cache.get('a')).toBeUndefined();
  cache.set('a', { snapshot: undefined, events: [first], length: 2 });
  append(second);
  expect(cache.get('a')?.events).toEqual([first, second]);
  append(second);
  expect(cache.get('a')).toBeUndefined();
  cache.set('a', { snapshot: undefined, events: [first], length: 2 });
  append(third);
  expect(cache.get('a')).toBeUndefined();
  cache.set('a', { snapshot: undefined, events: [first], length: 2 });
  cache.purge('a');
  expect(cache.get('a')).toBeUndefined();
});

test('large histories count as several events', () => {
  const cache = new HistoryCache(20);
  const large = (events: readonly DomainEvent[], length: number) => ({ snapshot: undefined, events, length });
  cache.set('a', large(eventsOf('a', 1), 16_000));
  cache.set('b', large(eventsOf('b', 1), 16_000));
  expect([cache.get('a'), cache.get('b')]).not.toContain(undefined);
  cache.set('c', large(eventsOf('c', 1), 33_600));
  expect(cache.get('c')).toBeUndefined();
  cache.set('d', large([], 0));
  cache.set('e', large(eventsOf('e', 1), 2));
  const second = eventsOf('e', 2).slice(1) as [DomainEvent];
  cache.append(second, [{ ...second[0], data: 'x'.repeat(33_600) }]);
  expect(cache.get('e')).toBeUndefined();
});

test('missing aggregates take no room', () => {
  const cache = new HistoryCache(100);
  cache.set('nobody', history('nobody', 0));
  expect(cache.get('nobody')).toBeUndefined();
});

test('a cache without capacity holds nothing', () => {
  const cache = new HistoryCache(0);
  cache.set('a', history('a', 1));
  expect(cache.get('a')).toBeUndefined();
});

describe.each(storages)('with a cache on $name', ({ create }) => {
  test('an aggregate has events that others recorded after it was cached', async () => {
    const storage = create();
    await using one = await Accounts.open({ storage });
    await using two = await Accounts.open({ storage });
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

  test('a save that fails leaves no trace in the cache', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    const account = Account.open('ada');
    await accounts.save(account);
    const stale = await accounts.repository.get(Account, account.id);
    await accounts.save((await accounts.repository.get(Account, account.id)).change('good'));
    await expect(accounts.save(stale.change('bad'))).rejects.toMatchObject({ code: 'RECORD_CONFLICT' });
    expect((await accounts.repository.get(Account, account.id)).changes).toEqual(['good']);
  });

  test('two callers never share an aggregate', async () => {
    await using accounts = await Accounts.open({ storage: create() });
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
    await using accounts = await Accounts.open({ storage: create(), cacheSize });
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
