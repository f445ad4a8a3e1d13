import {
  AggregateRepeatedError,
  type Application,
  IdempotencyKeyReusedError,
  InvalidArgumentError,
  InvalidOptionError,
  KeysUnsupportedError,
  memory,
  nameId,
  personal,
  RecordConflictError,
  ResultNotEncodableError,
  type SaveOptions,
} from 'kahn';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';
import { Account, Accounts } from '../../support/systems/accounts.ts';

const key = { idempotencyKey: 'k' };

function recorderOf(application: Application) {
  return applicationInternals.storeOf(application).recorder;
}

describe.each(storages)('save() with an idempotency key: $name', ({ create }) => {
  test('is recorded once, and gives the first outcome from any process', async () => {
    const storage = create();
    await using accounts = await Accounts.open({ storage });
    const first = await accounts.save(Account.open('ada').change(1), { ...key, correlationId: 'c' });
    expect(first).toMatchObject({ notificationId: 2, count: 2, correlationId: 'c' });
    await accounts.save(Account.open('bob'));
    await using elsewhere = await Accounts.open({ storage });
    for (const one of [accounts, elsewhere]) {
      expect(await one.save(Account.open('ada').change(1), key)).toEqual(first);
      expect(await one.log.head()).toBe(3);
    }
  });

  test('is recorded once among concurrent duplicates, and others of the commit are recorded', async () => {
    const storage = create();
    await using accounts = await Accounts.open({ storage });
    await using elsewhere = await Accounts.open({ storage });
    const saves = await Promise.all(
      Array.from({ length: 60 }, (_, i) => {
        const one = i % 2 === 0 ? accounts : elsewhere;
        return i % 3 === 0
          ? one.save(Account.open('eve'))
          : one.save(Account.open('ada'), { idempotencyKey: `${i % 4}` });
      }),
    );
    expect(await accounts.log.head()).toBe(20 + 4);
    const byKey = Map.groupBy(
      [...saves.entries()].filter(([i]) => i % 3 !== 0),
      ([i]) => i % 4,
    );
    for (const [, [first, ...others] = []] of byKey)
      for (const [, other] of others) expect(other).toEqual(first?.[1]);
    expect(new Set(saves.map(({ notificationId }) => notificationId)).size).toBe(24);
  });

  test('is recorded once among concurrent duplicates with derived ids', async () => {
    const storage = create();
    await using accounts = await Accounts.open({ storage });
    await using elsewhere = await Accounts.open({ storage });
    const saves = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const account = Account.open('ada', nameId('account', 'k'));
        const saved = await (i % 2 === 0 ? accounts : elsewhere).save(account, key);
        return [account.id, saved];
      }),
    );
    expect(new Set(saves.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(await accounts.log.head()).toBe(1);
  });

  test('is refused for another content', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    await accounts.save(Account.open('ada'), key);
    const other = Account.open('bob');
    const error = await rejectionOf(accounts.save(other, key), IdempotencyKeyReusedError);
    expect(error).toMatchObject({ applicationName: 'accounts', key: 'k', code: 'IDEMPOTENCY_KEY_REUSED' });
    expect(await accounts.log.head()).toBe(1);
    expect(await accounts.save(other, { idempotencyKey: 'other' })).toMatchObject({ notificationId: 2 });
  });

  test('may be used again after it is forgotten', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 });
    onTestFinished(() => void vi.useRealTimers());
    await using accounts = await Accounts.open({ storage: create() });
    for (const idempotencyKey of ['0', '1', '2'])
      await accounts.save(Account.open('ada'), { idempotencyKey });
    expect(await accounts.forgetKeys({ olderThanMs: 60_000 })).toBe(0);
    vi.setSystemTime(1_060_001);
    expect(await accounts.forgetKeys({ olderThanMs: 60_000 })).toBe(3);
    expect(await accounts.save(Account.open('bob'), { idempotencyKey: '0' })).toMatchObject({
      notificationId: 4,
    });
  });
});

describe.each(storages)('update() with an idempotency key: $name', ({ create }) => {
  test('gives the first outcome and result, without calling the function', async () => {
    const storage = create();
    await using accounts = await Accounts.open({ storage });
    await accounts.save(Account.open('ada', 'a'));
    let calls = 0;
    const change = (account: Account) => {
      calls += 1;
      return { at: new Date(0), version: account.change(1).version, none: undefined };
    };
    const first = await accounts.update(Account, 'a', change, key);
    expect(first.result).toEqual({ at: new Date(0), version: 2, none: undefined });
    await accounts.save(Account.open('bob'));
    await using elsewhere = await Accounts.open({ storage });
    for (const one of [accounts, elsewhere])
      expect(await one.update(Account, 'a', change, key)).toEqual(first);
    expect([calls, await accounts.log.head()]).toEqual([1, 3]);
  });

  test('is recorded once among concurrent duplicates', async () => {
    const storage = create();
    await using accounts = await Accounts.open({ storage });
    await using elsewhere = await Accounts.open({ storage });
    await accounts.save(Account.open('ada', 'a'));
    const updates = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        (i % 2 === 0 ? accounts : elsewhere).update(
          Account,
          'a',
          (account) => account.change(i % 4).version,
          {
            idempotencyKey: `${i % 4}`,
          },
        ),
      ),
    );
    for (const [i, updated] of updates.entries()) expect(updated).toEqual(updates[i % 4]);
    expect(await accounts.log.head()).toBe(5);
  });

  test('records the key of an update that triggers nothing', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    await accounts.save(Account.open('ada', 'a'));
    const first = await accounts.update(Account, 'a', () => 'nothing to do', key);
    expect(first).toMatchObject({ notificationId: 0, count: 0, result: 'nothing to do' });
    expect(await accounts.update(Account, 'a', (account) => `${account.change(1).version}`, key)).toEqual(
      first,
    );
    expect(await accounts.log.head()).toBe(1);
  });
});

describe('what counts as the same command', () => {
  const repeats = async (first: () => Account[], second: () => Account[], options: SaveOptions = key) => {
    const accounts = await Accounts.open({ storage: memory() });
    await accounts.save(['a', 'b'].map((id) => Account.open('x', id)));
    await accounts.save(first(), options);
    const head = await accounts.log.head();
    try {
      await accounts.save(second(), options);
      expect(await accounts.log.head()).toBe(head);
      return true;
    } catch (error) {
      expect(error).toBeInstanceOf(IdempotencyKeyReusedError);
      return false;
    }
  };
  const existing = async (id: string, by: unknown) => {
    await using accounts = await Accounts.open({ storage: memory() });
    await accounts.save(Account.open('x', id));
    return (await accounts.repository.get(Account, id)).change(by);
  };

  test('for a save: types and data of the events, in order', async () => {
    const ada = () => Account.open('ada');
    const bob = () => Account.open('bob');
    expect(
      await repeats(
        () => [ada(), bob()],
        () => [ada(), bob()],
      ),
    ).toBe(true);
    expect(
      await repeats(
        () => [ada(), bob()],
        () => [bob(), ada()],
      ),
    ).toBe(false);
    expect(
      await repeats(
        () => [ada()],
        () => [ada(), bob()],
      ),
    ).toBe(false);
    expect(
      await repeats(
        () => [ada().change(1)],
        () => [ada().change(2)],
      ),
    ).toBe(false);
    expect(
      await repeats(
        () => [ada(), ada().change(1)],
        () => [ada().change(1), ada()],
      ),
    ).toBe(false);
  });

  test('for a save: not the ids of new aggregates, also inside of data', async () => {
    const linked = () => {
      const [one, other] = [Account.open('ada'), Account.open('bob')];
      return [one.change({ to: other.id, [other.id]: `not ${other.id}`.length }), other];
    };
    expect(await repeats(linked, linked)).toBe(true);
  });

  test('for a save: the ids of other aggregates', async () => {
    const [a1, a2, b] = [await existing('a', 1), await existing('a', 1), await existing('b', 1)];
    expect(
      await repeats(
        () => [a1],
        () => [a2],
      ),
    ).toBe(true);
    const a3 = await existing('a', 1);
    expect(
      await repeats(
        () => [a3],
        () => [b],
      ),
    ).toBe(false);
  });

  test('for a save: the request instead, if it is given', async () => {
    const options = { ...key, request: { method: 'POST', body: { owner: 'ada', at: new Date(0) } } };
    expect(
      await repeats(
        () => [Account.open('ada')],
        () => [Account.open('bob')],
        options,
      ),
    ).toBe(true);
    await using accounts = await Accounts.open({ storage: memory() });
    await accounts.save(Account.open('ada'), { ...key, request: 1 });
    await expect(accounts.save(Account.open('ada'), { ...key, request: 2 })).rejects.toThrow(
      IdempotencyKeyReusedError,
    );
    await expect(accounts.save(Account.open('ada'), key)).rejects.toThrow(IdempotencyKeyReusedError);
  });

  test('for an update: the id of the aggregate, and the request', async () => {
    await using accounts = await Accounts.open({ storage: memory() });
    await accounts.save(Account.open('ada', 'a'), Account.open('bob', 'b'));
    const update = (id: string, options: SaveOptions) =>
      accounts.update(Account, id, (one) => one.change(1).version, options);
    const first = await update('a', { ...key, request: 1 });
    expect(await update('a', { ...key, request: 1 })).toEqual(first);
    for (const [id, request] of [
      ['b', 1],
      ['a', 2],
      ['a', undefined],
    ] as const)
      await expect(update(id, { ...key, request })).rejects.toThrow(IdempotencyKeyReusedError);
    await expect(accounts.save(Account.open('ada'), key)).rejects.toThrow(IdempotencyKeyReusedError);
    expect(await accounts.log.head()).toBe(3);
  });

  test('personal data, by subject and content', async () => {
    const about = (subject: string, name: string) => () => [
      Account.open('x').change({ name: personal(subject, name), note: 'a "note"' }),
    ];
    expect(await repeats(about('ada', 'Ada'), about('ada', 'Ada'))).toBe(true);
    expect(await repeats(about('ada', 'Ada'), about('ada', 'Eve'))).toBe(false);
    expect(await repeats(about('ada', 'Ada'), about('bob', 'Ada'))).toBe(false);
    const request = { name: personal('ada', 'Ada') };
    expect(await repeats(about('ada', 'Ada'), about('bob', 'Bob'), { ...key, request })).toBe(true);
    await using accounts = await Accounts.open({ storage: memory() });
    await accounts.save(Account.open('ada', 'a'));
    const update = async () => {
      const options = { ...key, request: personal('ada', 'Ada') };
      const { result } = await accounts.update(Account, 'a', () => personal('ada', 'result'), options);
      return result.value;
    };
    expect([await update(), await update()]).toEqual(['result', 'result']);
    expect((await recorderOf(accounts).command?.('k'))?.outcome).not.toContain('"result":"result');
  });

  test('not the order of fields', async () => {
    const ordered = (by: unknown) => () => [Account.open('x').change(by)];
    expect(await repeats(ordered({ a: 1, b: { c: 2, d: 3 } }), ordered({ b: { d: 3, c: 2 }, a: 1 }))).toBe(
      true,
    );
    expect(await repeats(ordered({ a: 1, b: 2 }), ordered({ a: 2, b: 1 }))).toBe(false);
    await using accounts = await Accounts.open({ storage: memory() });
    await accounts.save(Account.open('ada', 'a'));
    const withRequest = (request: unknown) => accounts.update(Account, 'a', () => 1, { ...key, request });
    await withRequest({ a: 1, b: 2 });
    await withRequest({ b: 2, a: 1 });
    await expect(withRequest({ a: 2, b: 1 })).rejects.toThrow(IdempotencyKeyReusedError);
  });

  test('not the content of personal data whose subject the save creates', async () => {
    const register = (name: string) => () => {
      const account = Account.open(name);
      return [account.change({ name: personal(account.id, 'Ada') })];
    };
    expect(await repeats(register('x'), register('x'))).toBe(true);
    expect(await repeats(register('x'), register('y'))).toBe(false);
  });

  test('keys of another application are others', async () => {
    class Others extends Accounts {
      static override readonly applicationName = 'others' as 'accounts';
    }
    const storage = memory();
    await using accounts = await Accounts.open({ storage });
    await using others = await Others.open({ storage });
    for (const one of [accounts, others])
      expect(await one.save(Account.open('ada'), key)).toMatchObject({ count: 1 });
    expect([await accounts.log.head(), await others.log.head()]).toEqual([1, 1]);
  });
});

describe('the aggregates of a repetition', () => {
  test('are refused, also the id of one that is not recorded', async () => {
    await using accounts = await Accounts.open({ storage: memory() });
    await accounts.save(Account.open('ada'), key);
    const account = Account.open('ada');
    const { id } = account;
    await accounts.save(account, key);
    for (const use of [() => account.owner, () => account.version, () => account.change(1), () => account.id])
      expect(use).toThrow(AggregateRepeatedError);
    expect(() => account.id).toThrow(
      `Account '${id}' was changed by a command that repeats the idempotency key 'k'. The first command with this key is ` +
        'recorded, the changes of this object are not. Get the aggregate from the repository, and derive the ids of new ' +
        "aggregates from the key, as in nameId('order', key).",
    );
    await expect(accounts.save(account)).rejects.toThrow(AggregateRepeatedError);
  });

  test('keep an id that is recorded', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_000 });
    onTestFinished(() => void vi.useRealTimers());
    await using accounts = await Accounts.open({ storage: memory() });
    const first = Account.open('ada', 'a');
    vi.setSystemTime(2_000);
    const second = Account.open('ada', 'a');
    await accounts.save(first, key);
    await accounts.save(second, key);
    expect(second.id).toBe('a');
    expect(() => second.owner).toThrow(AggregateRepeatedError);
    const [third, fourth] = [
      await accounts.repository.get(Account, 'a'),
      await accounts.repository.get(Account, 'a'),
    ];
    for (const [i, one] of [third, fourth].entries()) {
      vi.setSystemTime(3_000 + i);
      await accounts.save(one.change(1), { idempotencyKey: 'other' });
    }
    expect(third.change(2).version).toBe(3);
    expect(fourth.id).toBe('a');
    expect(() => fourth.changes).toThrow(AggregateRepeatedError);
  });

  test('stay usable if they have nothing to record', async () => {
    await using accounts = await Accounts.open({ storage: memory() });
    const account = Account.open('ada');
    const first = await accounts.save(account, key);
    expect(await accounts.save(account, key)).toEqual(first);
    expect(await accounts.save([], key)).toEqual(first);
    await accounts.save(account.change(1));
    expect(await accounts.log.head()).toBe(2);
  });

  test('cannot be recorded by a save that waits for the repetition', async () => {
    await using accounts = await Accounts.open({ storage: memory() });
    await accounts.save(Account.open('ada'), key);
    const account = Account.open('ada');
    const saves = await Promise.allSettled([accounts.save(account, key), accounts.save(account)]);
    expect(saves.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
    expect(await accounts.log.head()).toBe(1);
  });

  test('are pending again if the key is refused', async () => {
    await using accounts = await Accounts.open({ storage: memory() });
    await accounts.save(Account.open('ada'), key);
    const account = Account.open('bob');
    await expect(accounts.save(account, key)).rejects.toThrow(IdempotencyKeyReusedError);
    expect(await accounts.save(account)).toMatchObject({ notificationId: 2, count: 1 });
  });
});

test('a save with nothing to record records its key', async () => {
  await using accounts = await Accounts.open({ storage: memory() });
  const first = await accounts.save([], key);
  expect(first).toMatchObject({ notificationId: 0, count: 0 });
  expect(await accounts.save([], key)).toEqual(first);
  await expect(accounts.save(Account.open('ada'), key)).rejects.toThrow(IdempotencyKeyReusedError);
});

test('a conflict of versions is reported if the key is unknown', async () => {
  await using accounts = await Accounts.open({ storage: memory() });
  await accounts.save(Account.open('ada', 'a'));
  await expect(accounts.save(Account.open('ada', 'a'), key)).rejects.toThrow(RecordConflictError);
  expect(await recorderOf(accounts).command?.('k')).toBeUndefined();
});

test('a result that cannot be restored is refused before anything is recorded', async () => {
  await using accounts = await Accounts.open({ storage: memory() });
  await accounts.save(Account.open('ada', 'a'));
  const update = (options: SaveOptions) =>
    accounts.update(Account, 'a', (account) => ({ account: account.change(1) }), options);
  const error = await rejectionOf(update(key), ResultNotEncodableError);
  expect(error).toMatchObject({ applicationName: 'accounts', originatorId: 'a', path: 'account' });
  expect(await accounts.log.head()).toBe(1);
  expect(await update({})).toMatchObject({ count: 1 });
});

test('rejects wrong options', async () => {
  await using accounts = await Accounts.open({ storage: memory() });
  const save = (options: unknown) => accounts.save([Account.open('ada')], options as SaveOptions);
  for (const idempotencyKey of ['', 'a\0', '\ud800', 'x'.repeat(256), 1, null])
    await expect(save({ idempotencyKey })).rejects.toThrow(InvalidOptionError);
  await expect(save({ request: 1 })).rejects.toThrow('needs the option `idempotencyKey`');
  await expect(save({ ...key, request: () => {} })).rejects.toThrow(InvalidArgumentError);
  for (const options of [{}, { olderThanMs: -1 }, { olderThanMs: 0.5 }, { olderThan: 1 }, undefined])
    await expect(accounts.forgetKeys(options as { olderThanMs: number })).rejects.toThrow(InvalidOptionError);
  expect(await accounts.save(Account.open('ada'), { idempotencyKey: '鍵'.repeat(255) })).toMatchObject({
    count: 1,
  });
  expect(await accounts.log.head()).toBe(1);
});

test('storage without keys is refused, and nothing is recorded', async () => {
  await using accounts = await Accounts.open({ storage: memory() });
  const recorder = recorderOf(accounts);
  Object.assign(recorder, { command: undefined, deleteCommands: undefined });
  await expect(accounts.save(Account.open('ada'), key)).rejects.toThrow(KeysUnsupportedError);
  await expect(accounts.update(Account, 'a', () => {}, key)).rejects.toThrow(KeysUnsupportedError);
  await expect(accounts.forgetKeys({ olderThanMs: 1 })).rejects.toThrow(KeysUnsupportedError);
  expect(await accounts.save(Account.open('ada'))).toMatchObject({ notificationId: 1 });
});

test('forgets keys in slices until the signal is aborted', async () => {
  await using accounts = await Accounts.open({ storage: memory() });
  const recorder = recorderOf(accounts);
  const commands = Array.from({ length: 2_500 }, (_, i) => ({
    events: [],
    snapshots: [],
    command: { key: `${i}`, timestamp: i, fingerprint: '', outcome: '{}' },
  }));
  await recorder.record(0, commands);
  const stop = new AbortController();
  const slices: number[] = [];
  const original = recorder.deleteCommands?.bind(recorder);
  Object.assign(recorder, {
    deleteCommands: async (before: number, limit: number) => {
      const count = (await original?.(before, limit)) ?? 0;
      slices.push(count);
      if (slices.length === 1) stop.abort('stop');
      return count;
    },
  });
  await expect(accounts.forgetKeys({ olderThanMs: 0, signal: stop.signal })).rejects.toBe('stop');
  expect(await accounts.forgetKeys({ olderThanMs: 0 })).toBe(1_500);
  expect(slices).toEqual([1_000, 1_000, 500]);
});
