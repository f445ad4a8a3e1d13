import { Aggregate, Application, type DomainEvent, type StorageDescription } from 'kahn';
import { describe, expect, test } from 'vitest';
import { openStorage } from '../../../src/storage/storage.ts';
import { storages } from '../../support/storages.ts';
import { Account, type AccountEvent, Accounts } from '../../support/systems/accounts.ts';

async function snapshotVersions(
  storage: StorageDescription,
  originatorId: string,
): Promise<(number | undefined)[]> {
  const openedStorage = await openStorage(storage);
  const recorder = await openedStorage.openRecorder({ applicationName: 'accounts', setupTables: false });
  const versions = [];
  for (let upTo = 1; upTo <= 20; upTo++) {
    const [history] = await recorder.histories([{ originatorId, after: 0, upTo, useSnapshot: true }]);
    versions.push(history?.snapshot?.originatorVersion);
  }
  await recorder.close();
  await openedStorage.close();
  return [...new Set(versions)];
}

describe.each(storages)('snapshots on $name', ({ create }) => {
  test('are recorded with the events whenever the version passes a multiple, and shorten the replay', async () => {
    const storage = create();
    const replayed: number[] = [];
    class Counted extends Account {
      protected override apply(event: AccountEvent): void {
        replayed.push(event.originatorVersion);
        super.apply(event);
      }
    }
    Object.defineProperty(Counted, 'name', { value: 'Account' }); // reads the snapshots of Account
    await using accounts = await Accounts.open({ storage });
    const account = Account.open('ada');
    await accounts.save(account);
    await accounts.save(account.change(2).change(3).change(4));
    await accounts.save(account.change(5).change(6));
    for (let i = 7; i <= 14; i++) await accounts.save(account.change(i));
    expect(await snapshotVersions(storage, account.id)).toEqual([undefined, 6, 10]);
    await using fresh = await Accounts.open({ storage });
    const loaded = await fresh.repository.get(Counted, account.id);
    expect(replayed).toEqual([11, 12, 13, 14]);
    expect(loaded.changes).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
    expect(loaded.version).toBe(14);
    await fresh.save(loaded.change(15));
    expect((await accounts.repository.get(Account, account.id)).version).toBe(15);
  });

  test('can be taken on demand', async () => {
    const storage = create();
    await using accounts = await Accounts.open({ storage });
    const account = Account.open('ada')
      .change(new Date(0))
      .change({ deep: [1n] });
    await accounts.save(account);
    await accounts.takeSnapshot(Account, account.id);
    await accounts.takeSnapshot(Account, account.id);
    expect(await snapshotVersions(storage, account.id)).toEqual([undefined, 3]);
    await using fresh = await Accounts.open({ storage });
    const loaded = await fresh.repository.get(Account, account.id);
    expect(loaded.changes).toEqual([new Date(0), { deep: [1n] }]);
    loaded.changes.push('its own');
    await expect(accounts.takeSnapshot(Account, 'nobody')).rejects.toMatchObject({
      code: 'AGGREGATE_NOT_FOUND',
    });
  });

  test('of another schema, or that cannot be restored, are ignored', async () => {
    const storage = create();
    await using accounts = await Accounts.open({ storage });
    const account = Account.open('ada').change(1).change(2).change(3).change(4).change(5);
    await accounts.save(account);

    class NextSchema extends Account {
      static override readonly snapshotSchema = 2;
      sum = 0;
      protected override apply(event: AccountEvent): void {
        super.apply(event);
        if (event.type === 'Account.Changed') this.sum += event.data.by as number;
      }
    }
    await using next = await Accounts.open({ storage });
    expect(await next.repository.get(NextSchema, account.id)).toMatchObject({ sum: 15, version: 6 });
    expect(await next.repository.get(NextSchema, account.id, { version: 6 })).toMatchObject({ sum: 15 });

    class Refusing extends Account {
      protected override restore(): void {
        throw new Error('cannot read this');
      }
    }
    await using refusing = await Accounts.open({ storage });
    expect(await refusing.repository.get(Refusing, account.id)).toMatchObject({ changes: [1, 2, 3, 4, 5] });

    const openedStorage = await openStorage(storage);
    const recorder = await openedStorage.openRecorder({ applicationName: 'accounts', setupTables: false });
    await recorder.recordSnapshots([
      { originatorId: account.id, originatorVersion: 6, schema: 1, state: 'not JSON' },
    ]);
    await recorder.close();
    await openedStorage.close();
    await using damaged = await Accounts.open({ storage });
    expect(await damaged.repository.get(Account, account.id)).toMatchObject({ changes: [1, 2, 3, 4, 5] });
  });

  test('of another schema are ignored although class and fields are the same', async () => {
    const storage = create();
    await using accounts = await Accounts.open({ storage });
    const account = Account.open('ada').change(1).change(2).change(3).change(4);
    await accounts.save(account);
    class Doubling extends Account {
      static override readonly snapshotSchema = 2;
      protected override apply(event: AccountEvent): void {
        super.apply(event);
        if (event.type === 'Account.Changed') this.changes.push(event.data.by);
      }
    }
    Object.defineProperty(Doubling, 'name', { value: 'Account' });
    await using next = await Accounts.open({ storage });
    const loaded = await next.repository.get(Doubling, account.id);
    expect(loaded.changes).toEqual([1, 1, 2, 2, 3, 3, 4, 4]);
  });

  test('rejects a state that cannot be encoded before anything is recorded', async () => {
    type BoxEvent = DomainEvent<'Box.Filled', Record<string, never>>;
    class Box extends Aggregate<BoxEvent> {
      static override readonly snapshotEvery = 1;
      content: unknown;
      static fill(): Box {
        return Box.create('Box.Filled', {});
      }
      protected override apply(): void {
        this.content = () => {};
      }
    }
    class Boxes extends Application<BoxEvent> {
      static readonly applicationName = 'boxes';
      static readonly emits = ['Box.Filled'] as const;
    }
    await using boxes = await Boxes.open({ storage: create() });
    const error = await boxes.save(Box.fill()).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'SNAPSHOT_NOT_ENCODABLE',
      applicationName: 'boxes',
      path: 'content',
    });
    expect(await boxes.log.head()).toBe(0);
  });
});
