import { AsyncLocalStorage } from 'node:async_hooks';
import { memory, TooManySavesError } from 'kahn';
import { expect, test, vi } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { CommitQueue } from '../../../src/application/recording/commit-queue.ts';
import { aggregateInternals } from '../../../src/domain/aggregate.ts';
import { storages } from '../../support/storages.ts';
import { Account, Accounts } from '../../support/systems/accounts.ts';

test('rejects a save when 100,000 are waiting', async () => {
  await using accounts = await Accounts.open({ storage: memory() });
  const store = applicationInternals.storeOf(accounts);
  const commit = Promise.withResolvers<void>();
  const queue = new CommitQueue(store, { runCommit: () => commit.promise, grown: () => {} });
  const account = Account.open('ada');
  const prepared = store.prepare(aggregateInternals.pending(account), [account], () => ({}));
  for (let i = 0; i < 100_000; i++) void queue.submit(prepared);
  await expect(queue.submit(prepared)).rejects.toThrow(TooManySavesError);
});

test('rejects a save when larger saves are waiting than fit in memory', async () => {
  await using accounts = await Accounts.open({ storage: memory() });
  const store = applicationInternals.storeOf(accounts);
  const commit = Promise.withResolvers<void>();
  const queue = new CommitQueue(store, { runCommit: () => commit.promise, grown: () => {} });
  const account = Account.open('ada');
  const small = store.prepare(aggregateInternals.pending(account), [account], () => ({}));
  void queue.submit({ ...small, size: 2 ** 29 });
  void queue.submit({ ...small, size: 2 ** 29 });
  await expect(queue.submit(small)).rejects.toThrow(/'accounts' has 2 saves of 1074 MB that wait/);
});

test.for(storages)('large saves do not share a commit: $name', async ({ create }) => {
  await using accounts = await Accounts.open({ storage: create() });
  const heads: number[] = [];
  accounts.subscribe(({ head }) => heads.push(head));
  const large = 'x'.repeat(3_000_000);
  const owners = ['ada', large, large, large, 'bob', 'x'.repeat(9_000_000), 'eve'];
  const saves = await Promise.all(owners.map((owner) => accounts.save(Account.open(owner))));
  expect(saves.map(({ notificationId }) => notificationId)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(heads).toEqual([3, 5, 6, 7]);
});

test('saves of several callers are recorded in the context of none, and each caller keeps its own', async () => {
  const request = new AsyncLocalStorage<number>();
  await using accounts = await Accounts.open({ storage: memory() });
  const { recorder } = applicationInternals.storeOf(accounts);
  const record = recorder.record.bind(recorder);
  const seen: unknown[] = [];
  vi.spyOn(recorder, 'record').mockImplementation((...args) => {
    seen.push(request.getStore());
    return record(...args);
  });
  const save = async (n: number) => {
    await accounts.save(Account.open(`${n}`));
    return request.getStore();
  };
  expect(await Promise.all([1, 2, 3].map((n) => request.run(n, save, n)))).toEqual([1, 2, 3]);
  expect(seen).toEqual([undefined]);
});
