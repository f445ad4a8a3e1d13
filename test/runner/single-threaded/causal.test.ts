import { setTimeout as delay } from 'node:timers/promises';
import {
  Application,
  CausalDependencyError,
  DownstreamError,
  memory,
  ProcessApplication,
  run,
  type StorageDescription,
  System,
} from 'kahn';
import { describe, expect, onTestFinished, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';
import { Account, type AccountEvent } from '../../support/systems/accounts.ts';
import { causalOrders, Ledger, Orders } from '../../support/systems/causal-orders.ts';
import { until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';

/** Opens orders and their ledger in pipeline 1, which the single-threaded runner does not run. */
async function openElsewhere(storage: StorageDescription): Promise<{ orders: Orders; ledger: Ledger }> {
  const orders = await Orders.open({ storage, pipelineId: 1 });
  const ledger = await Ledger.open({ storage, pipelineId: 1 });
  for (const application of [orders, ledger]) onTestFinished(() => application.close());
  ledger.follow(orders.log);
  return { orders, ledger };
}

describe.each(storages)(
  'an application that waits for another pipeline in a single thread on $name',
  ({ create }) => {
    test('makes save() and caughtUp() reject, and is retried', async () => {
      const storage = create();
      const elsewhere = await openElsewhere(storage);
      await using runner = await run(causalOrders.bind(storage));
      const id = await elsewhere.orders.make('ada');
      const ledger = runner.get(Ledger);
      const stateOfLedger = async () => (await runner.status())[1];

      const error = await rejectionOf(runner.get(Orders).change(id), DownstreamError);
      expect(error.message).toMatch(
        /^The events saved in 'orders' are recorded, but.* was interrupted and resumes automatically/,
      );
      expect(error.failures.get('ledger')).toMatchObject({
        code: 'CAUSAL_DEPENDENCY',
        notificationId: 1,
        dependency: { pipelineId: 1, notificationId: 1 },
      });
      expect(await runner.get(Orders).log.head()).toBe(1);
      // A retry in the background makes the state 'running' for a short time.
      await until('the ledger is interrupted', async () => {
        const { state, lastError } = (await stateOfLedger()) ?? {};
        return state === 'interrupted' && lastError instanceof CausalDependencyError;
      });
      await rejectionOf(runner.caughtUp(), DownstreamError);
      expect(await ledger.log.head()).toBe(0);

      await elsewhere.ledger.run();
      await until('the ledger is idle', async () => (await stateOfLedger())?.state === 'idle');
      expect(await ledger.changesOf(id)).toBe(1);
      await runner.caughtUp();
      await runner.get(Orders).change(id);
      expect(await ledger.changesOf(id)).toBe(2);
    });

    test('does not prevent the start of its runner', async () => {
      const storage = create();
      const elsewhere = await openElsewhere(storage);
      const id = await elsewhere.orders.make('ada');
      const orders = await Orders.open({ storage });
      await orders.change(id);
      await orders.close();
      await using runner = await run(causalOrders.bind(storage));
      expect((await runner.status())[1]?.state).toBe('interrupted');
      await elsewhere.ledger.run();
      await until('the ledger is idle', async () => (await runner.status())[1]?.state === 'idle');
      expect(await runner.get(Ledger).changesOf(id)).toBe(1);
    });
  },
);

test('an application that waits for another pipeline is retried with backoff, and not after close()', async () => {
  const storage = memory();
  const elsewhere = await openElsewhere(storage);
  const events = watchRunners();
  const looks = () => events.filter(({ kind }) => kind === 'interrupted').length;
  const id = await elsewhere.orders.make('ada');
  const runner = await run(causalOrders.bind(storage));
  const start = performance.now();
  await rejectionOf(runner.get(Orders).change(id), DownstreamError);
  await until('it was tried eight times', () => looks() >= 8);
  expect(performance.now() - start).toBeGreaterThan(5 + 10 + 20 + 40 + 80 + 160 + 320);
  await runner.close();
  const before = looks();
  await elsewhere.ledger.run();
  await delay(1_100);
  expect(looks()).toBe(before);
  expect(await elsewhere.ledger.changesOf(id)).toBe(0);
});

class Accounts extends Application<AccountEvent> {
  static readonly applicationName: string = 'accounts';
  static readonly emits = ['Account.Opened', 'Account.Changed', 'Account.Closed'] as const;
  static readonly causalDependencies = true;
}
class OtherAccounts extends Accounts {
  static override readonly applicationName = 'other accounts';
}
class Everything extends ProcessApplication<AccountEvent, AccountEvent> {
  static readonly applicationName = 'everything';
  static readonly emits = Accounts.emits;
  readonly seen: string[] = [];
  override readonly policy = this.when({}, ({ originatorId }) => {
    this.seen.push(originatorId);
  });
}

test('an application that waits for another pipeline in one log still follows its other upstreams', async () => {
  const storage = memory();
  const system = System.of([
    [Accounts, Everything],
    [OtherAccounts, Everything],
  ]);
  await using elsewhere = await Accounts.open({ storage, pipelineId: 1 });
  const [ada, bob, eve] = ['ada', 'bob', 'eve'].map((owner) => Account.open(owner));
  await elsewhere.save(ada!);
  await using runner = await run(system.bind(storage));
  const waiting = await rejectionOf(runner.get(Accounts).save(ada!.change(1)), DownstreamError);
  expect(waiting.cause).toBeInstanceOf(CausalDependencyError);
  for (const other of [bob!, eve!]) {
    await runner.get(OtherAccounts).save(other);
    expect(runner.get(Everything).seen).toContain(other.id);
  }
  const status = (await runner.status()).find(({ applicationName }) => applicationName === 'everything');
  expect(status?.upstreams.map(({ lag }) => lag)).toEqual([1, 0]);
});
