import { memory, TooManySavesError } from 'kahn';
import { expect, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { CommitQueue } from '../../../src/application/recording/commit-queue.ts';
import { aggregateInternals } from '../../../src/domain/aggregate.ts';
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
