import assert from 'node:assert/strict';
import { Aggregate, Application, type DomainEvent } from 'kahn';
import { median, timed } from './measure.ts';
import type { Options } from './options.ts';
import type { Section } from './section.ts';
import type { StorageKind } from './storages.ts';
import { micros, Table, whole } from './table.ts';

type AccountEvent =
  | DomainEvent<'Account.Opened', { owner: string }>
  | DomainEvent<'Account.Paid', { cents: number }>;

/** An account, whose balance is the sum of its events. */
class Account extends Aggregate<AccountEvent> {
  balance = 0;

  pay(cents: number): void {
    this.trigger('Account.Paid', { cents });
  }

  protected override apply(event: AccountEvent): void {
    if (event.type === 'Account.Paid') this.balance += event.data.cents;
  }
}

class Accounts extends Application<AccountEvent> {
  static readonly applicationName = 'accounts';
  static readonly emits = ['Account.Opened', 'Account.Paid'] as const;
}

const events = 10_000;
const eventsPerSave = 1_000;

const table = new Table([
  { title: 'storage', width: -15 },
  { title: 'events', width: 9 },
  { title: 'all events', width: 13 },
  { title: 'with a snapshot', width: 18 },
  { title: 'from the cache', width: 17 },
]);

/** Loading of an aggregate with a long history. */
export const longAggregates: Section = {
  heading: ({ rounds }) =>
    `Loading one aggregate with a long history, medians of ${rounds} rounds.\n\n${table.header}`,
  on: (storageKind) => [{ name: 'long aggregates', run: (options) => measure(storageKind, options) }],
};

function measure(storageKind: StorageKind, { rounds }: Options): Promise<string> {
  return storageKind.withFreshStorage(async ({ storage }) => {
    await using accounts = await Accounts.open({ storage, cacheSize: 0 });
    const account = Account.create('Account.Opened', { owner: 'ada' });
    for (let count = 1; count < events; count += 1) {
      account.pay(1);
      if (count % eventsPerSave === 0) await accounts.save(account);
    }
    await accounts.save(account);
    const load = (from: Accounts) => loadMs(from, account.id, rounds);
    const all = await load(accounts);
    await using caching = await Accounts.open({ storage });
    const cached = await load(caching);
    await accounts.takeSnapshot(Account, account.id);
    const fromSnapshot = await load(accounts);
    return table.line([storageKind.name, whole(events), micros(all), micros(fromSnapshot), micros(cached)]);
  });
}

async function loadMs(accounts: Accounts, id: string, rounds: number): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 3 + rounds; round += 1) {
    const { ms, result } = await timed(() => accounts.repository.get(Account, id));
    assert.deepEqual([result.version, result.balance], [events, events - 1]);
    times.push(ms);
  }
  return median(times.slice(3));
}
