import {
  AggregateNotFoundError,
  Application,
  ApplicationNotOpenError,
  EventNotEncodableError,
  InvalidApplicationError,
  InvalidArgumentError,
  InvalidIdError,
  RecordConflictError,
  UndeclaredEventError,
} from 'kahn';
import { describe, expect, test } from 'vitest';
import { Order } from '../../examples/shop/order.ts';
import { rejectionOf } from '../support/errors.ts';
import { storages } from '../support/storages.ts';
import { Account, type AccountEvent, Accounts } from '../support/systems/accounts.ts';

describe.each(storages)('an application on $name', ({ name, create }) => {
  test('records several aggregates together, in the order of triggering, and gets them again', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    const ada = Account.open('ada');
    const bob = Account.open('bob');
    ada.change(1);
    bob.change(2);
    ada.change(3);
    await accounts.save(bob, ada, bob);
    const events = [];
    for await (const { id, event } of accounts.reader())
      events.push([id, event.originatorId, event.originatorVersion]);
    expect(events).toEqual([
      [1, ada.id, 1],
      [2, bob.id, 1],
      [3, ada.id, 2],
      [4, bob.id, 2],
      [5, ada.id, 3],
    ]);
    expect(await accounts.repository.get(Account, ada.id)).toMatchObject({
      owner: 'ada',
      changes: [1, 3],
      version: 3,
    });
    expect(await accounts.repository.get(Account, bob.id)).toMatchObject({
      owner: 'bob',
      changes: [2],
      version: 2,
    });
    await accounts.save(ada);
    expect(await accounts.recorded()).toHaveLength(5);
  });

  test('gets an aggregate at each of its versions', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    const account = Account.open('ada');
    await accounts.save(account);
    for (let i = 1; i <= 12; i++) await accounts.save(account.change(i));
    for (let version = 1; version <= 13; version++) {
      const then = await accounts.repository.get(Account, account.id, { version });
      expect(then.changes).toEqual(Array.from({ length: version - 1 }, (_, i) => i + 1));
      expect(then.version).toBe(version);
    }
    expect(await accounts.repository.has(Account, account.id, { version: 13 })).toBe(true);
    expect(await accounts.repository.has(Account, account.id, { version: 14 })).toBe(false);
    const error = await rejectionOf(
      accounts.repository.get(Account, account.id, { version: 14 }),
      AggregateNotFoundError,
    );
    expect(error.message).toBe(`Application 'accounts' has no Account '${account.id}' at version 14.`);
  });

  test('does not find missing and discarded aggregates', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    expect(await accounts.repository.has(Account, 'nobody')).toBe(false);
    const missing = await rejectionOf(accounts.repository.get(Account, 'nobody'), AggregateNotFoundError);
    expect(missing).toMatchObject({ applicationName: 'accounts', originatorId: 'nobody' });
    const account = Account.open('ada');
    account.close();
    await accounts.save(account);
    expect(await accounts.repository.has(Account, account.id)).toBe(false);
    await rejectionOf(accounts.repository.get(Account, account.id), AggregateNotFoundError);
    expect(await accounts.repository.has(Account, account.id, { version: 1 })).toBe(true);
  });

  test('a save that loses a race rejects with both versions and records nothing', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    const account = Account.open('ada');
    await accounts.save(account);
    const mine = await accounts.repository.get(Account, account.id);
    const theirs = await accounts.repository.get(Account, account.id);
    await accounts.save(theirs.change('theirs').change('theirs again'));
    const other = Account.open('bob');
    const error = await rejectionOf(accounts.save(other, mine.change('mine')), RecordConflictError);
    expect(error).toMatchObject({
      applicationName: 'accounts',
      originatorId: account.id,
      attemptedVersion: 2,
      currentVersion: 3,
    });
    expect(await accounts.repository.has(Account, other.id)).toBe(false);
    const again = await accounts.repository.get(Account, account.id);
    await accounts.save(other, again.change('mine'));
    expect((await accounts.repository.get(Account, account.id)).changes).toEqual([
      'theirs',
      'theirs again',
      'mine',
    ]);
  });

  test('rejects a save with data that cannot be restored, naming application, type and path', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    const good = Account.open('ada');
    const bad = Account.open('bob').change({ list: [1, { price: Number.NaN }] });
    const error = await rejectionOf(accounts.save(good, bad), EventNotEncodableError);
    expect(error).toMatchObject({
      applicationName: 'accounts',
      eventType: 'Account.Changed',
      path: 'by.list[1].price',
    });
    expect(error.message).toContain("Application 'accounts' cannot record 'Account.Changed'.");
    expect(error.message).toContain('by.list[1].price');
    expect(await accounts.recorded()).toEqual([]);
    await accounts.save(good);
    expect(await accounts.recorded()).toEqual(['Account.Opened']);
  });

  test('cycles and deeply nested data can be triggered, and are rejected when they are saved', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    const cycle: { list: unknown[] } = { list: [1] };
    cycle.list.push(cycle);
    let deep: unknown = 'bottom';
    for (let level = 0; level < 20_000; level++) deep = level % 2 === 0 ? [deep] : { deep };
    for (const [data, path] of [
      [cycle, 'by.list[1]'],
      [deep, expect.stringMatching(/^by\.deep\[0\]/)],
    ]) {
      const error = await rejectionOf(
        accounts.save(Account.open('ada').change(data)),
        EventNotEncodableError,
      );
      expect(error).toMatchObject({ eventType: 'Account.Changed', path });
    }
    expect(await accounts.recorded()).toEqual([]);
  });

  test('rejects an event that is not declared', async () => {
    class Narrow extends Application<AccountEvent> {
      static readonly applicationName = 'narrow';
      static readonly emits = ['Account.Opened'] as const;
    }
    await using narrow = await Narrow.open({ storage: create() });
    const error = await rejectionOf(narrow.save(Account.open('ada').change(1)), UndeclaredEventError);
    expect(error).toMatchObject({ applicationName: 'narrow', eventType: 'Account.Changed' });
    expect(await narrow.log.head()).toBe(0);
  });

  test('a failed save fails again when repeated, and records nothing', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    const account = Account.open('ada');
    await accounts.save(account);
    const stale = await accounts.repository.get(Account, account.id);
    await accounts.save(account.change('theirs'));
    stale.change('mine');
    await rejectionOf(accounts.save(stale), RecordConflictError);
    await rejectionOf(accounts.save(stale), RecordConflictError);
    expect(await accounts.recorded()).toEqual(['Account.Opened', 'Account.Changed']);
  });

  test('overlapping saves of one aggregate are recorded one after the other, or become pending again', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    const ada = Account.open('ada');
    const bob = Account.open('bob');
    await accounts.save(ada, bob);
    const staleBob = await accounts.repository.get(Account, bob.id);
    await accounts.save(bob.change('rival'));
    const first = accounts.save(ada.change(1), staleBob.change('stale'));
    const second = accounts.save(ada.change(2));
    const third = accounts.save(ada);
    await rejectionOf(first, RecordConflictError);
    await third;
    expect(await accounts.log.head()).toBe(5);
    await second;
    expect(await accounts.repository.get(Account, ada.id)).toMatchObject({ changes: [1, 2], version: 3 });

    const mine = await accounts.repository.get(Account, ada.id);
    await accounts.save(ada.change('rival'));
    await rejectionOf(accounts.save(mine.change('mine 1')), RecordConflictError);
    const outcomes = await Promise.allSettled([
      accounts.save(mine.change('mine 2')),
      accounts.save(mine.change('mine 3')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await accounts.repository.get(Account, ada.id)).changes).toEqual([1, 2, 'rival']);
  });

  test('a date or a map that apply() changes affects neither the recorded event nor the cache', async () => {
    class Meddling extends Account {
      protected override apply(event: AccountEvent): void {
        super.apply(event);
        const last = this.changes.at(-1);
        if (last instanceof Date) last.setUTCFullYear(1999);
        if (last instanceof Map) last.clear();
      }
    }
    await using accounts = await Accounts.open({ storage: create() });
    const date = new Date('2026-01-01');
    const meddling = Meddling.create('Account.Opened', { owner: 'ada' })
      .change(date)
      .change(new Map([[1, [2]]]));
    await accounts.save(meddling);
    for (let i = 0; i < 3; i++) {
      await accounts.repository.get(Meddling, meddling.id);
      const account = await accounts.repository.get(Account, meddling.id);
      expect(account.changes).toEqual([new Date('2026-01-01'), new Map([[1, [2]]])]);
    }
    expect(date).toEqual(new Date('2026-01-01'));
  });

  test('concurrent saves share a transaction', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    const heads: number[] = [];
    accounts.subscribe(({ head }) => heads.push(head));
    await Promise.all(Array.from({ length: 100 }, (_, i) => accounts.save(Account.open(`${i}`))));
    expect(heads).toEqual([100]);
    await Promise.all(
      Array.from({ length: 100 }, async (_, i) => {
        await accounts.repository.has(Account, 'nobody');
        await accounts.save(Account.open(`later ${i}`));
      }),
    );
    // The saves may be in two groups if the thread yields in between, or if a server answers them one by one.
    expect(heads.at(-1)).toBe(200);
    expect(heads.length).toBeLessThan(name === 'postgres' ? 50 : 6);
  });

  test('rejects values that are not aggregates or aggregate classes', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    const save = accounts.save.bind(accounts) as (...what: unknown[]) => Promise<unknown>;
    for (const [what, shown] of [
      [[undefined], 'not undefined'],
      [[[Account.open('ada')]], 'not an array among others: pass one array'],
      [undefined, 'not undefined'],
      [{ id: '1' }, 'not an object'],
      [Promise.resolve(Account.open('ada')), 'not a promise: await it'],
    ]) {
      const error = await rejectionOf(save(what), InvalidArgumentError);
      expect(error.message).toContain(shown);
    }
    const get = accounts.repository.get.bind(accounts.repository) as (...what: unknown[]) => Promise<unknown>;
    await rejectionOf(get('account-1'), InvalidArgumentError);
    await rejectionOf(get(Account), InvalidIdError);
    await rejectionOf(get(Date, 'account-1'), InvalidArgumentError);
  });

  test('takes an array of aggregates', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    const some = Array.from({ length: 20 }, (_, i) => Account.open(`${i}`));
    const saving = accounts.save(some, { metadata: { user: 'ada' } });
    some.length = 0;
    expect(await saving).toMatchObject({ count: 20 });
    expect(await accounts.save([])).toMatchObject({ count: 0 });
    expect(await accounts.save([Account.open('last')])).toMatchObject({ count: 1, notificationId: 21 });
  });

  test('concurrent saves each succeed or fail on their own', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    const account = Account.open('ada');
    await accounts.save(account);
    const rivals = await Promise.all(
      Array.from({ length: 20 }, () => accounts.repository.get(Account, account.id)),
    );
    const others = Array.from({ length: 20 }, (_, i) => Account.open(`other ${i}`));
    const unencodable = Account.open('x').change(() => {});
    const outcomes = await Promise.allSettled([
      ...others.map((other) => accounts.save(other)),
      accounts.save(unencodable),
      ...rivals.map((rival, i) => accounts.save(rival.change(i))),
    ]);
    expect(outcomes.slice(0, 20).every(({ status }) => status === 'fulfilled')).toBe(true);
    expect(outcomes[20]).toMatchObject({ status: 'rejected', reason: { code: 'EVENT_NOT_ENCODABLE' } });
    const [winner, ...losers] = outcomes.slice(21);
    expect(winner?.status).toBe('fulfilled');
    for (const loser of losers) expect(loser).toMatchObject({ reason: { code: 'RECORD_CONFLICT' } });
    expect(await accounts.log.head()).toBe(22);
  });

  test('its log can be read in sections and from any position', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    await accounts.save(...Array.from({ length: 45 }, (_, i) => Account.open(`${i}`)));
    const first = await accounts.log.section('1,20');
    expect(first).toMatchObject({ id: '1,20', previousId: undefined, nextId: '21,40' });
    expect(first.items.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(await accounts.log.section('21,40')).toMatchObject({ previousId: '1,20', nextId: '41,60' });
    const current = await accounts.log.section('current');
    expect(current).toMatchObject({ id: '41,60', previousId: '21,40', nextId: undefined });
    expect(current.items).toHaveLength(5);
    for (const id of ['2,21', '0,19', '1,21', '', 'last', '1.5,20.5', '-19,0']) {
      await expect(accounts.log.section(id)).rejects.toMatchObject({ code: 'INVALID_POSITION' });
    }
    const reader = accounts.reader().seek(40);
    expect((await reader.read(2)).map(({ id }) => id)).toEqual([41, 42]);
    for await (const { id } of reader) if (id === 44) break;
    expect(reader.position).toBe(44);
    expect(await reader.read()).toHaveLength(1);
    expect(await reader.read()).toEqual([]);
    expect(() => reader.seek(-1)).toThrow('an integer >= 0');
  });

  test('every listener is called with every commit until it unsubscribes', async () => {
    await using accounts = await Accounts.open({ storage: create() });
    const heads: number[] = [];
    const unsubscribe = accounts.subscribe(({ head }) => heads.push(head));
    await accounts.save(Account.open('ada').change(1));
    await accounts.save(Account.open('bob'));
    unsubscribe();
    await accounts.save(Account.open('cy'));
    expect(heads).toEqual([2, 3]);
  });

  test('it records in the log of its pipeline, and aggregates are shared between pipelines', async () => {
    const storage = create();
    await using zero = await Accounts.open({ storage });
    await using one = await Accounts.open({ storage, pipelineId: 1 });
    const account = Account.open('ada');
    await zero.save(account);
    const there = await one.repository.get(Account, account.id);
    await one.save(there.change(1));
    expect([await zero.log.head(), await one.log.head()]).toEqual([1, 1]);
    expect((await zero.repository.get(Account, account.id)).changes).toEqual([1]);
    await expect(Accounts.open({ storage, pipelineId: -1 })).rejects.toMatchObject({
      code: 'INVALID_ID',
    });
  });

  test('close() waits for running saves, and everything throws afterwards', async () => {
    const storage = create();
    const accounts = await Accounts.open({ storage });
    const saves = Array.from({ length: 10 }, (_, i) => accounts.save(Account.open(`${i}`)));
    await accounts.close();
    await Promise.all(saves);
    await accounts.close();
    await rejectionOf(accounts.save(Account.open('late')), ApplicationNotOpenError);
    expect(() => accounts.repository).toThrow("Application 'accounts' is closed");
    expect(() => accounts.log).toThrow(ApplicationNotOpenError);
    await using again = await Accounts.open({ storage });
    expect(await again.log.head()).toBe(10);
  });
});

test('rejects a class without name or event types', async () => {
  const { create } = storages[0]!;
  class Nameless extends Application<AccountEvent> {
    static readonly emits = [] as const;
  }
  class Silent extends Application<AccountEvent> {
    static readonly applicationName = 'silent';
  }
  const open = (kind: unknown) => Accounts.open.call(kind as typeof Accounts, { storage: create() });
  const nameless = await rejectionOf(open(Nameless), InvalidApplicationError);
  expect(nameless.message).toContain("Class Nameless needs 'static readonly applicationName'");
  const silent = await rejectionOf(open(Silent), InvalidApplicationError);
  expect(silent.message).toContain("Class Silent needs 'static readonly emits'");
  const unopened = new Accounts();
  await expect(unopened.save(Account.open('ada'))).rejects.toThrow("Application 'accounts' is not opened");
  await expect(open(class extends Order {})).rejects.toThrow();
});
