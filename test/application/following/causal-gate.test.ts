import {
  CausalDependencyError,
  type ErrorRule,
  InvalidApplicationError,
  memory,
  ProcessApplication,
  type StorageDescription,
  System,
} from 'kahn';
import { describe, expect, onTestFinished, test } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { operationOf } from '../../../src/application/control/operation-kinds.ts';
import { processApplicationInternals } from '../../../src/application/process-application.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages } from '../../support/storages.ts';
import { Account, type AccountEvent, Accounts } from '../../support/systems/accounts.ts';

class CausalAccounts extends Accounts {
  static readonly causalDependencies = true;
}

/** Mirrors each account that it follows. `by` may name an account to get or to check with has(). */
class Mirror extends ProcessApplication<AccountEvent, AccountEvent> {
  static readonly applicationName = 'mirror';
  static readonly emits = ['Account.Opened', 'Account.Changed', 'Account.Closed'] as const;
  static readonly causalDependencies = true;
  override readonly policy = this.when({
    'Account.Opened': ({ originatorId, data }) => Account.open(data.owner, originatorId),
    'Account.Changed': async ({ originatorId, data }, repository) => {
      const { get, has } = data.by as { get?: string; has?: string };
      if (get !== undefined) await repository.get(Account, get);
      if (has !== undefined) await repository.has(Account, has);
      if (get === undefined && has === undefined)
        (await repository.get(Account, originatorId)).change(data.by);
      else return Account.open('peek', repository.deriveId());
    },
  });
}

/** One application in three pipelines. */
async function inThree<A extends Accounts | Mirror | ParkingMirror | Changes>(
  open: (pipelineId: number) => Promise<A>,
): Promise<readonly [A, A, A]> {
  const all = [await open(0), await open(1), await open(2)] as const;
  for (const application of all) onTestFinished(() => application.close());
  return all;
}

/** Dependencies of the events of a log as pairs; null for an event without dependencies. */
async function dependenciesIn({ log }: Accounts | Mirror): Promise<unknown[]> {
  return (await log.select(0, 100)).map(
    ({ dependencies }) =>
      dependencies?.map(({ pipelineId, notificationId }) => [pipelineId, notificationId]) ?? null,
  );
}

describe.each(storages)('causal dependencies on $name', ({ create }) => {
  test('are the newest of each other pipeline, on the first event of a save', async () => {
    const storage = create();
    const [zero, one, two] = await inThree((pipelineId) => CausalAccounts.open({ storage, pipelineId }));
    const [ada, bob, eve] = ['ada', 'bob', 'eve'].map((owner) => Account.open(owner));
    await zero.save(ada!);
    await zero.save(bob!);
    await one.save(eve!);
    expect(await dependenciesIn(zero)).toEqual([null, null]);
    await two.save(ada!.change(1).change(2), bob!, eve!.change(1));
    expect(await dependenciesIn(two)).toEqual([
      [
        [0, 2],
        [1, 1],
      ],
      null,
      null,
    ]);
    await two.save(ada!.change(3));
    await zero.save(ada!.change(4), Account.open('new'));
    expect(await dependenciesIn(two)).toEqual([
      [
        [0, 2],
        [1, 1],
      ],
      null,
      null,
      null,
    ]);
    expect(await dependenciesIn(zero)).toEqual([null, null, [[2, 4]], null]);
    await one.save(bob!);
    expect(await dependenciesIn(one)).toEqual([null]);
  });

  test('are recorded for each save of a shared commit, even if another one fails', async () => {
    const storage = create();
    const [zero, one] = await inThree((pipelineId) => CausalAccounts.open({ storage, pipelineId }));
    const accounts = Array.from({ length: 5 }, (_, i) => Account.open(`${i}`));
    for (const account of accounts) await zero.save(account);
    const stale = await zero.repository.get(Account, accounts[2]!.id);
    await zero.save(accounts[2]!.change('meanwhile'));
    const saves = [
      ...accounts.slice(0, 2).map((account) => one.save(account.change(1))),
      one.save(stale.change('too late')),
      one.save(Account.open('new')),
      ...accounts.slice(3).map((account) => one.save(account.change(1))),
    ];
    const outcomes = (await Promise.allSettled(saves)).map(({ status }) => status);
    expect(outcomes.map((status) => status === 'fulfilled')).toEqual([true, true, false, true, true, true]);
    expect(await dependenciesIn(one)).toEqual([[[0, 1]], [[0, 2]], null, [[0, 4]], [[0, 5]]]);
  });

  test('are found behind snapshots, and across pipelines of one application', async () => {
    const accounts = await CausalAccounts.open({ storage: create() });
    onTestFinished(() => accounts.close());
    const account = Account.open('ada');
    for (let change = 1; change <= 6; change += 1) account.change(change);
    await accounts.save(account);
    accounts.changePipeline(7);
    const again = await accounts.repository.get(Account, account.id);
    await accounts.save(again.change('elsewhere'));
    expect(await dependenciesIn(accounts)).toEqual([[[0, 7]]]);
  });

  test('cover all aggregates that a policy got, changed or not', async () => {
    const storage = create();
    const [zero, one] = await inThree((pipelineId) => CausalAccounts.open({ storage, pipelineId }));
    const [mirror0, mirror1] = await inThree((pipelineId) => Mirror.open({ storage, pipelineId }));
    mirror0.follow(zero.log);
    mirror1.follow(one.log);
    const [ada, bob, eve] = ['ada', 'bob', 'eve'].map((owner) => Account.open(owner));
    await zero.save(ada!);
    await zero.save(bob!);
    await mirror0.run();
    await one.save(eve!.change({ get: ada!.id }));
    await mirror1.run();
    await one.save(eve!.change({ has: bob!.id }));
    await mirror1.run();
    await one.save(eve!.change({ has: 'nobody' }));
    await mirror1.run();
    await one.save(ada!.change({}));
    await mirror1.run();
    await one.save(Account.open('new'));
    await mirror1.run();
    expect(await dependenciesIn(mirror1)).toEqual([[[0, 1]], null, [[0, 2]], null, [[0, 1]], null]);
  });

  test('are not recorded by an application that does not declare them', async () => {
    const storage = create();
    const [zero, one] = await inThree((pipelineId) => Accounts.open({ storage, pipelineId }));
    const account = Account.open('ada');
    await zero.save(account);
    await one.save(account.change(1));
    expect(await dependenciesIn(one)).toEqual([null]);
  });

  test('hold back an event that depends on an unprocessed event, and no earlier event', async () => {
    const storage = create();
    const [zero, one] = await inThree((pipelineId) => CausalAccounts.open({ storage, pipelineId }));
    const [mirror0, mirror1] = await inThree((pipelineId) => Mirror.open({ storage, pipelineId }));
    mirror0.follow(zero.log);
    mirror1.follow(one.log);
    const ada = Account.open('ada');
    await zero.save(Account.open('first'));
    await zero.save(ada);
    await one.save(Account.open('eve'));
    await one.save(ada.change({}));
    await one.save(Account.open('behind'));
    const error = await rejectionOf(mirror1.run(), CausalDependencyError);
    expect(error).toMatchObject({
      code: 'CAUSAL_DEPENDENCY',
      applicationName: 'mirror',
      upstreamName: 'accounts',
      pipelineId: 1,
      notificationId: 2,
      dependency: { pipelineId: 0, notificationId: 2 },
    });
    expect(error.message).toContain('make sure that pipeline 0 is running');
    expect(await mirror1.log.head()).toBe(1);
    expect(await mirror0.run({ batches: 1, upTo: 1 })).toBe(1);
    await rejectionOf(mirror1.run(), CausalDependencyError);
    expect(await mirror0.run()).toBe(1);
    expect(await mirror1.run()).toBe(2);
    expect(await mirror1.log.head()).toBe(3);
    expect((await mirror1.repository.get(Account, ada.id)).version).toBe(2);
  });
});

/** Mirrors accounts, but parks those that are opened while `jammed` is set. */
class ParkingMirror extends ProcessApplication<AccountEvent, AccountEvent> {
  static readonly applicationName = 'mirror';
  static readonly emits = ['Account.Opened', 'Account.Changed'] as const;
  static readonly causalDependencies = true;
  static readonly errorRules: readonly ErrorRule[] = [{ error: RangeError, action: 'park' }];
  static jammed = false;
  override readonly policy = this.when({
    'Account.Opened': ({ originatorId, data }) => {
      if (ParkingMirror.jammed) throw new RangeError('jammed');
      return Account.open(data.owner, originatorId);
    },
    'Account.Changed': async ({ originatorId, data }, repository) => {
      (await repository.get(Account, originatorId)).change(data.by);
    },
  });
}

/** A later version, which parks nothing. */
class StrictMirror extends ParkingMirror {
  static override readonly errorRules = [];
}

describe.each(storages)('an event whose cause is parked in another pipeline, on $name', ({ create }) => {
  test.each([ParkingMirror, StrictMirror])('waits until the cause is processed, with %o', async (Later) => {
    const storage = create();
    const [zero, one] = await inThree((pipelineId) => CausalAccounts.open({ storage, pipelineId }));
    const [mirror0] = await inThree((pipelineId) => ParkingMirror.open({ storage, pipelineId }));
    const [, mirror1] = await inThree((pipelineId) => Later.open({ storage, pipelineId }));
    mirror0.follow(zero.log);
    mirror1.follow(one.log);
    const ada = Account.open('ada');
    await zero.save(ada);
    await one.save(ada.change({}));
    ParkingMirror.jammed = true;
    expect(await mirror0.run()).toBe(1);
    const error = await rejectionOf(mirror1.run(), CausalDependencyError);
    expect(error.dependency).toMatchObject({ pipelineId: 0, notificationId: 1 });
    expect(error.message).toContain("that 'mirror' has not parked the notification there");
    ParkingMirror.jammed = false;
    await retryAll(mirror0);
    await rejectionOf(mirror1.run(), CausalDependencyError); // it is due, and not processed
    await mirror0.run();
    expect(await mirror1.run()).toBe(1);
    expect((await mirror1.repository.get(Account, ada.id)).version).toBe(2);
  });
});

/** Makes the parked notifications of pipeline 0 due, as an operator does. */
async function retryAll(mirror: ParkingMirror): Promise<void> {
  const { recorder } = applicationInternals.storeOf(mirror);
  const parked = (await recorder.parked?.({ pipelineId: 0, after: 0, limit: 10 })) ?? [];
  const changes = parked.map(({ revision, upstreamName, notificationId, ...content }) => ({
    upstreamName,
    notificationId,
    expected: revision,
    content: { ...content, isDue: true },
  }));
  const operation = operationOf(
    'retry',
    { by: 'ada', reason: 'mended' },
    { pipelineId: 0, notifications: [] },
  );
  await recorder.record(0, [{ events: [], snapshots: [], parked: changes, operation }]);
  await processApplicationInternals.controlOf(mirror).refresh();
}

/** Ignores all events but changes. */
class Changes extends ProcessApplication<AccountEvent, AccountEvent> {
  static readonly applicationName = 'changes';
  static readonly emits = ['Account.Opened'] as const;
  readonly seen: string[] = [];
  override readonly policy = this.when({
    'Account.Changed': ({ originatorId }) => {
      this.seen.push(originatorId);
    },
  });
}

/** Returns the recorded position of `changes` in the log of `accounts`. */
async function positionOf(storage: StorageDescription, pipelineId: number): Promise<number> {
  const openedStorage = await openStorage(storage);
  const recorder = await openedStorage.openRecorder({ applicationName: 'changes', setupTables: false });
  const position = (await recorder.position(pipelineId, 'accounts')).position;
  await recorder.close();
  return position;
}

describe('notifications that a policy ignores', () => {
  test('are recorded as processed while a later notification waits', async () => {
    const storage = memory();
    const [zero, one] = await inThree((pipelineId) => CausalAccounts.open({ storage, pipelineId }));
    const [changes0, changes1] = await inThree((pipelineId) => Changes.open({ storage, pipelineId }));
    changes0.follow(zero.log);
    changes1.follow(one.log, 1);
    const [ada, eve] = [Account.open('ada'), Account.open('eve')];
    await zero.save(ada); // ignored; the next event depends on it
    await one.save(ada.change(1));
    await one.save(eve); // ignored; the next event depends on it
    await zero.save(eve.change(1));
    await rejectionOf(changes0.run(), CausalDependencyError);
    expect(await positionOf(storage, 0)).toBe(1);
    expect(await changes1.run()).toBe(2);
    await rejectionOf(changes0.run(), CausalDependencyError); // the position after eve's ignored event is not recorded
    await processApplicationInternals.recordPositions(changes1);
    expect(await changes0.run()).toBe(1);
  });

  test('wait, too, because later events may depend on them', async () => {
    const storage = memory();
    const [zero, one, two] = await inThree((pipelineId) => CausalAccounts.open({ storage, pipelineId }));
    const [changes0, changes1, changes2] = await inThree((pipelineId) =>
      Changes.open({ storage, pipelineId }),
    );
    changes0.follow(zero.log);
    changes1.follow(one.log);
    changes2.follow(two.log);
    const [ada, eve] = [Account.open('ada'), Account.open('eve')];
    await zero.save(ada.change(1));
    await one.save(eve, ada); // ignored, but depends on ada's event
    await two.save(eve.change(1));
    await rejectionOf(changes1.run(), CausalDependencyError);
    await rejectionOf(changes2.run(), CausalDependencyError);
    expect(await positionOf(storage, 1)).toBe(0);
    await changes0.run();
    await changes1.run();
    await processApplicationInternals.recordPositions(changes1);
    await changes2.run();
    expect([...changes0.seen, ...changes2.seen]).toEqual([ada.id, eve.id]);
  });

  test('of one upstream do not wait for another upstream', async () => {
    const storage = memory();
    const [zero, one] = await inThree((pipelineId) => CausalAccounts.open({ storage, pipelineId }));
    const [mirror0] = await inThree((pipelineId) => Mirror.open({ storage, pipelineId }));
    const [changes0] = await inThree((pipelineId) => Changes.open({ storage, pipelineId }));
    const ada = Account.open('ada');
    await one.save(ada);
    await zero.save(ada.change({}));
    mirror0.follow(zero.log);
    changes0.follow(zero.log);
    changes0.follow(mirror0.log);
    const eve = Account.open('eve');
    await mirror0.save(eve);
    await mirror0.save(eve.change({}));
    await rejectionOf(changes0.run(), CausalDependencyError);
    expect(changes0.seen).toEqual([eve.id]);
  });
});

test('rejects a causalDependencies that is not a boolean', () => {
  class Unclear extends Accounts {
    static readonly causalDependencies = 'always' as unknown as boolean;
  }
  expect(() => System.of([[Unclear]])).toThrow(InvalidApplicationError);
  expect(() => System.of([[Unclear]])).toThrow('class Unclear to be true or false, got always');
});
