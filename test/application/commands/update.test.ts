import {
  AggregateDiscardedError,
  AggregateNotFoundError,
  AggregateReleasedError,
  AggregateUndoneError,
  ApplicationNotOpenError,
  InvalidArgumentError,
  InvalidOptionError,
  memory,
  ProcessApplication,
  RecordConflictError,
  run,
  System,
  UpdateConflictError,
} from 'kahn';
import { expect, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';
import { Account, type AccountEvent, Accounts } from '../../support/systems/accounts.ts';

async function opened(): Promise<Accounts> {
  const accounts = await Accounts.open({ storage: memory() });
  await accounts.save(Account.open('ada', 'a'));
  return accounts;
}

/** Changes an account as another writer. */
async function changeElsewhere(accounts: Accounts, by: unknown): Promise<void> {
  await accounts.save((await accounts.repository.get(Account, 'a')).change(by));
}

test('resolves with the place of the events and what the function returns', async () => {
  await using accounts = await opened();
  const options = { correlationId: 'c', metadata: { user: 'ada' } };
  const change = (account: Account) => account.change(1).change(2).changes.length;
  const updated = await accounts.update(Account, 'a', change, options);
  const place = { applicationName: 'accounts', pipelineId: 0, notificationId: 3 };
  expect(updated).toEqual({ ...place, count: 2, correlationId: 'c', result: 2 });
  const [notification] = await accounts.log.select(2, 1);
  expect(notification).toMatchObject({ correlationId: 'c', metadata: '{"user":"ada"}' });
});

test('awaits an asynchronous function', async () => {
  await using accounts = await opened();
  const { result, count } = await accounts.update(Account, 'a', async (account) => {
    await Promise.resolve();
    account.change(1);
    return account.owner;
  });
  expect([result, count]).toEqual(['ada', 1]);
});

test('records nothing if the function triggers nothing', async () => {
  await using accounts = await opened();
  const updated = await accounts.update(Account, 'a', ({ owner }) => owner);
  expect(updated).toMatchObject({ notificationId: 0, count: 0, result: 'ada' });
  expect(await accounts.log.head()).toBe(1);
});

test('calls the function again with a fresh aggregate after a lost race', async () => {
  await using accounts = await opened();
  const seen: Account[] = [];
  const { result } = await accounts.update(Account, 'a', async (account) => {
    if (seen.push(account) === 1) await changeElsewhere(accounts, 'elsewhere');
    return account.change('here').version;
  });
  expect(result).toBe(3);
  const { changes } = await accounts.repository.get(Account, 'a');
  expect(changes).toEqual(['elsewhere', 'here']);
  expect(() => seen[0]?.changes).toThrow(AggregateUndoneError);
  expect(seen[1]?.changes).toEqual(['elsewhere', 'here']);
});

test('rejects with the number of tries and the last conflict when every try loses a race', async () => {
  await using accounts = await opened();
  let calls = 0;
  const change = async (account: Account) => {
    calls += 1;
    await changeElsewhere(accounts, calls);
    account.change('here');
  };
  const error = await rejectionOf(accounts.update(Account, 'a', change, { retries: 2 }), UpdateConflictError);
  expect(error).toMatchObject({ applicationName: 'accounts', originatorId: 'a', tries: 3 });
  expect(error.cause).toBeInstanceOf(RecordConflictError);
  expect(error.message).toBe(
    "Application 'accounts' could not update aggregate 'a' in 3 tries: other writers keep changing it. Try again later, " +
      'raise the option `retries`, or divide what the aggregate keeps among several.',
  );
  expect((await accounts.repository.get(Account, 'a')).changes).toEqual([1, 2, 3]);
  await expect(accounts.update(Account, 'a', change, { retries: 0 })).rejects.toThrow('in 1 try: other');
});

test.each([
  ['throws', (account: Account) => fail(account)],
  ['rejects', async (account: Account) => fail(account)],
])('passes the error on and records nothing if the function %s', async (_, change) => {
  await using accounts = await opened();
  let kept: Account | undefined;
  const updating = accounts.update(Account, 'a', (account) => {
    kept = account;
    return change(account);
  });
  await expect(updating).rejects.toThrow('refused');
  expect(await accounts.log.head()).toBe(1);
  expect(() => kept?.changes).toThrow(AggregateUndoneError);
});

function fail(account: Account): never {
  account.change(1);
  throw new Error('refused');
}

test('passes on a conflict of a save that the function makes', async () => {
  await using accounts = await opened();
  const stale = await accounts.repository.get(Account, 'a');
  await changeElsewhere(accounts, 1);
  let calls = 0;
  const change = async () => {
    calls += 1;
    await accounts.save(stale.change(2));
  };
  await expect(accounts.update(Account, 'a', change)).rejects.toThrow(RecordConflictError);
  expect(calls).toBe(1);
});

test('refuses changes after the function has returned', async () => {
  await using accounts = await opened();
  const { result: account } = await accounts.update(Account, 'a', (one) => one.change(1));
  expect(account.changes).toEqual([1]);
  expect(() => account.change(2)).toThrow(AggregateReleasedError);
});

test('rejects for an aggregate that does not exist or is discarded', async () => {
  await using accounts = await opened();
  await accounts.update(Account, 'a', (account) => account.close());
  for (const id of ['a', 'b'])
    await expect(accounts.update(Account, id, () => {})).rejects.toThrow(AggregateNotFoundError);
});

test('makes the aggregate if there is none', async () => {
  await using accounts = await opened();
  const create = () => Account.open('bob', 'b');
  const changed = () => accounts.update(Account, 'b', (account) => account.change(1).version, { create });
  expect(await changed()).toMatchObject({ result: 2, count: 2 });
  expect(await changed()).toMatchObject({ result: 3, count: 1 });
});

test('gets the aggregate that another writer has made meanwhile', async () => {
  await using accounts = await opened();
  const create = () => Account.open('bob', 'b');
  let calls = 0;
  const { result, count } = await accounts.update(
    Account,
    'b',
    async ({ owner }) => {
      calls += 1;
      if (calls === 1) await accounts.save(Account.open('eve', 'b'));
      return owner;
    },
    { create },
  );
  expect([result, count]).toEqual(['eve', 0]);
});

test('rejects if `create` makes another aggregate, or one whose id is discarded', async () => {
  await using accounts = await opened();
  const updating = (id: string, create: unknown) =>
    accounts.update(Account, id, () => {}, { create: create as () => Account });
  await expect(updating('b', () => Account.open('bob', 'c'))).rejects.toThrow(
    "must make Account 'b', but returned one with the id 'c'.",
  );
  await expect(updating('b', () => undefined)).rejects.toThrow('but returned undefined.');
  await accounts.update(Account, 'a', (account) => account.close());
  await expect(updating('a', () => Account.open('ada', 'a'))).rejects.toThrow(AggregateDiscardedError);
});

test('rejects and records nothing if the application is closed before the function returns', async () => {
  const storage = memory();
  await using elsewhere = await Accounts.open({ storage });
  await elsewhere.save(Account.open('ada', 'a'));
  const accounts = await Accounts.open({ storage });
  const closed = Promise.withResolvers<void>();
  const updating = accounts.update(Account, 'a', async (account) => {
    await closed.promise;
    account.change(1);
  });
  await accounts.close();
  closed.resolve();
  await expect(updating).rejects.toMatchObject({ code: 'STORAGE_CLOSED' });
  await expect(accounts.update(Account, 'a', () => {})).rejects.toThrow(ApplicationNotOpenError);
  expect(await elsewhere.log.head()).toBe(1);
});

test('is refused in a policy, and the error names the call', async () => {
  class Nested extends ProcessApplication<AccountEvent, AccountEvent> {
    static readonly applicationName = 'nested';
    static readonly emits = Accounts.emits;
    override readonly policy = this.when({
      'Account.Opened': async ({ originatorId }) => {
        await runner.get(Accounts).update(Account, originatorId, (account) => account.change(1));
      },
    });
  }
  await using runner = await run(System.of([[Accounts, Nested]]), { storage: memory() });
  const saving = runner.get(Accounts).save(Account.open('ada'));
  await expect(saving).rejects.toThrow("The policy of application 'nested' called update() on 'accounts'");
  expect(await runner.get(Accounts).log.head()).toBe(1);
});

test('rejects wrong arguments and options', async () => {
  await using accounts = await opened();
  const update = (change: unknown, options: unknown) =>
    accounts.update(Account, 'a', change as () => void, options as object);
  await expect(update(undefined, {})).rejects.toThrow(InvalidArgumentError);
  for (const options of [{ retries: -1 }, { retry: 1 }, { create: 1 }, { signal: 1 }, { correlationId: '' }])
    await expect(update(() => {}, options)).rejects.toThrow(InvalidOptionError);
  await expect(update(() => {}, { metadata: { f: () => {} } })).rejects.toThrow('the metadata of update()');
});

test('rejects with the reason of the signal before a try, and records nothing', async () => {
  await using accounts = await opened();
  await expect(
    accounts.update(Account, 'a', (account) => account.change(1), { signal: AbortSignal.abort('stop') }),
  ).rejects.toBe('stop');
  const stop = new AbortController();
  const change = async (account: Account) => {
    await changeElsewhere(accounts, 'elsewhere');
    account.change('here');
    stop.abort('stop');
  };
  await expect(accounts.update(Account, 'a', change, { signal: stop.signal })).rejects.toBe('stop');
  expect((await accounts.repository.get(Account, 'a')).changes).toEqual(['elsewhere']);
});

test.for(storages)('a hundred concurrent updates of one aggregate succeed: $name', async ({ create }) => {
  await using accounts = await Accounts.open({ storage: create() });
  await accounts.save(Account.open('ada', 'a'));
  let calls = 0;
  const updates = await Promise.all(
    Array.from({ length: 100 }, (_, i) =>
      accounts.update(Account, 'a', (account) => {
        calls += 1;
        return account.change(i).version;
      }),
    ),
  );
  expect(updates.map(({ result }) => result)).toEqual(Array.from({ length: 100 }, (_, i) => i + 2));
  expect(calls).toBe(100); // one after the other: none lost a race
  expect((await accounts.repository.get(Account, 'a')).changes).toEqual([...Array(100).keys()]);
});

test.for(storages)(
  'no other writer records during a try after three lost races: $name',
  async ({ create }) => {
    const storage = create();
    await using accounts = await Accounts.open({ storage });
    await using elsewhere = await Accounts.open({ storage });
    await accounts.save(Account.open('ada', 'a'));
    let last: Promise<RecordConflictError> | undefined;
    let calls = 0;
    const { result } = await accounts.update(Account, 'a', async (account) => {
      calls += 1;
      const rival = changeElsewhere(elsewhere, calls);
      if (calls <= 3) await rival;
      else {
        last = rejectionOf(rival, RecordConflictError);
        for (let turn = 0; turn < 100; turn += 1) await new Promise(setImmediate); // the rival could record now
      }
      return account.change('here').version;
    });
    expect([calls, result]).toEqual([4, 5]);
    expect(await last).toBeInstanceOf(RecordConflictError);
    expect((await accounts.repository.get(Account, 'a')).changes).toEqual([1, 2, 3, 'here']);
  },
);
