import type { StorageDescription } from 'kahn';
import { describe, expect, onTestFinished, test } from 'vitest';
import { cutOff } from '../../support/restored-logs.ts';
import { storages } from '../../support/storages.ts';
import { Account, Accounts } from '../../support/systems/accounts.ts';

const restorable = storages.filter(({ name }) => name !== 'memory');

describe.each(restorable)(
  'an application whose log on $name was restored from an older copy',
  ({ create }) => {
    /** Opens an application that has the histories of an account in its cache, and cuts its log off after `version`. */
    async function restored(
      storage: StorageDescription,
      versions: number,
      version: number,
    ): Promise<Accounts> {
      const accounts = await Accounts.open({ storage });
      onTestFinished(() => accounts[Symbol.asyncDispose]());
      await add(accounts, Account.open('ada', 'a'), 'old', versions - 1);
      await accounts.repository.get(Account, 'a');
      await cutOff(storage, 'accounts', version);
      return accounts;
    }

    async function add(accounts: Accounts, account: Account, by: string, count: number): Promise<void> {
      for (let i = 0; i < count; i += 1) account.change(by);
      await accounts.save(account);
    }

    /** Records changes as another process does. */
    async function addElsewhere(storage: StorageDescription, count: number): Promise<void> {
      await using elsewhere = await Accounts.open({ storage });
      await add(elsewhere, await elsewhere.repository.get(Account, 'a'), 'new', count);
    }

    test('gets the aggregates of the copy', async () => {
      const accounts = await restored(create(), 4, 2);
      const account = await accounts.repository.get(Account, 'a');
      expect(account).toMatchObject({ version: 2, changes: ['old'] });
      await accounts.save(account.change('by hand'));
      expect(await accounts.repository.get(Account, 'a')).toMatchObject({
        version: 3,
        changes: ['old', 'by hand'],
      });
    });

    test.each([
      ['less', 1],
      ['as much', 2],
      ['more', 4],
    ])('gets the aggregates of the new history, which has %s', async (_, count) => {
      const storage = create();
      const accounts = await restored(storage, 4, 2);
      await addElsewhere(storage, count);
      expect(await accounts.repository.get(Account, 'a')).toMatchObject({
        version: 2 + count,
        changes: ['old', ...Array.from({ length: count }, () => 'new')],
      });
    });
  },
);
