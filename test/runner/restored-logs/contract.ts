import { DownstreamError, reposition, type StorageDescription, type SystemRunner } from 'kahn';
import { expect, onTestFinished, test } from 'vitest';
import { rejectionOf } from '../../support/errors.ts';
import { cutOff } from '../../support/restored-logs.ts';
import { Ledger, Orders, system } from '../../support/systems/versions/before.ts';
import { Order } from '../../support/systems/versions/orders.ts';
import { until } from '../../support/until.ts';
import { watchWarnings } from '../../support/watchers/warnings.ts';
import type { RunnerSubject } from '../contract/subject.ts';

type Apps = typeof Orders | typeof Ledger;
type Subject = Pick<RunnerSubject, 'name' | 'start' | 'createStorage'>;

function started({ start }: Subject, storage: StorageDescription): Promise<SystemRunner<Apps>> {
  return (start as unknown as (...args: unknown[]) => Promise<SystemRunner<Apps>>)(system, { storage });
}

/** Places orders without the ledger. */
async function openOrders(storage: StorageDescription): Promise<Orders> {
  const orders = await system.open(Orders, { storage });
  onTestFinished(() => orders.close());
  return orders;
}

async function countEntries(runner: SystemRunner<Apps>): Promise<number> {
  let count = 0;
  for await (const _ of runner.get(Ledger).reader()) count += 1;
  return count;
}

async function expectMismatch(runner: SystemRunner<Apps>, what: RegExp): Promise<void> {
  const { failures } = await rejectionOf(runner.caughtUp(), DownstreamError);
  const mismatch = {
    code: 'LOG_MISMATCH',
    message: expect.stringMatching(what),
  };
  expect(failures.get('ledger')).toMatchObject(mismatch);
  const [, ledger] = await runner.status();
  expect(ledger).toMatchObject({
    state: 'failed',
    lastError: mismatch,
    upstreams: [{ upstreamName: 'orders', position: 5, fitsLog: false }],
  });
}

/** Defines the tests of logs that were restored from an older copy; the storage of the subject is SQLite or PostgreSQL. */
export function restoredLogsContract(subject: Subject): void {
  const { name, createStorage } = subject;

  /** Creates storage in which the ledger has processed five orders. */
  async function processed(): Promise<StorageDescription> {
    const storage = createStorage();
    await using runner = await started(subject, storage);
    for (let i = 0; i < 5; i += 1) await runner.get(Orders).save(Order.make());
    await runner.caughtUp();
    expect((await runner.status())[1]).toMatchObject({ upstreams: [{ position: 5, lag: 0, fitsLog: true }] });
    return storage;
  }

  test.each([
    {
      log: 'is empty',
      kept: 0,
      added: 0,
      what: /notification 5, but the log ends at 0, so 5 notifications are missing/,
    },
    {
      log: 'is shorter',
      kept: 3,
      added: 1,
      what: /notification 5, but the log ends at 4, so 1 notification is missing/,
    },
    {
      log: 'has grown to the same length',
      kept: 4,
      added: 1,
      what: /notification 5 of the log is not the one/,
    },
    {
      log: 'has grown past the position',
      kept: 2,
      added: 6,
      what: /notification 5 of the log is not the one/,
    },
  ])(`${name}: stops a follower whose restored log $log`, async ({ kept, added, what }) => {
    const storage = await processed();
    await cutOff(storage, 'orders', kept);
    const orders = await openOrders(storage);
    const saves = [];
    for (let i = 0; i < added; i += 1) saves.push(await orders.save(Order.make()));
    const warnings = watchWarnings();
    await using runner = await started(subject, storage);
    await until('the start warns', () => warnings.length > 0);
    expect(warnings).toMatchObject([
      { name: 'KahnWarning', code: 'KAHN_LOG_MISMATCH', message: expect.stringMatching(what) },
    ]);
    const settled = saves.map((saved) => rejectionOf(runner.settled(saved), DownstreamError));
    await expectMismatch(runner, what);
    for (const { failures } of await Promise.all(settled)) {
      expect(failures.get('ledger')).toMatchObject({ code: 'LOG_MISMATCH' });
    }
    expect(await countEntries(runner)).toBe(5);
  });

  test.each([
    { log: 'is shorter', kept: 2, added: 1 },
    { log: 'has grown to the same length', kept: 4, added: 1 },
    { log: 'has grown past the position', kept: 3, added: 3 },
  ])(`${name}: stops a follower whose log is restored while it runs, and $log`, async ({ kept, added }) => {
    const storage = createStorage();
    await using runner = await started(subject, storage);
    for (let i = 0; i < 5; i += 1) await runner.get(Orders).save(Order.make());
    await runner.caughtUp();
    await cutOff(storage, 'orders', kept);
    const orders = await openOrders(storage);
    const saved = await orders.save(...Array.from({ length: added }, () => Order.make()));
    const settled = rejectionOf(runner.settled(saved), DownstreamError);
    await expectMismatch(runner, /notification 5/); // the follower may look before the log has grown again
    expect((await settled).failures.get('ledger')).toMatchObject({ code: 'LOG_MISMATCH' });
    expect(await countEntries(runner)).toBe(5);
  });

  test(`${name}: continues from a position that reposition() has moved`, async () => {
    const storage = await processed();
    await cutOff(storage, 'orders', 2);
    const orders = await openOrders(storage);
    for (let i = 0; i < 6; i += 1) await orders.save(Order.make());
    const record = { by: 'ada', reason: 'orders restored' };
    expect(await reposition(storage, system, Ledger, { upstream: Orders, at: 2, ...record })).toBe(5);
    await using runner = await started(subject, storage);
    await runner.caughtUp();
    expect(await countEntries(runner)).toBe(5 + 6);
    expect((await runner.status())[1]).toMatchObject({ upstreams: [{ position: 8, lag: 0, fitsLog: true }] });
    const saved = await orders.save(Order.make());
    await runner.settled(saved);
    expect(await countEntries(runner)).toBe(5 + 7);
  });
}
