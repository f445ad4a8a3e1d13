import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { type SupervisedSubject, supervisedSubjects, threads } from '../../support/supervised-runners.ts';
import {
  CarelessOrders,
  carelessOrders,
  causalOrders,
  Ledger,
  letDawdle,
  Orders,
} from '../../support/systems/causal-orders.ts';
import { byTier } from '../../support/tier.ts';
import { patient, until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { lower, raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';

const pipelineIds = [0, 1, 2];
const customers = Array.from({ length: 10 }, (_, i) => `customer ${i}`);

beforeEach(() => {
  storeFlagsIn(temporaryDirectory());
  letDawdle(0, 0);
  onTestFinished(() => lower('hold'));
});

const subjects: readonly SupervisedSubject[] = [
  ...supervisedSubjects,
  ...byTier([], [{ ...threads, name: 'threads on postgres', create: temporaryPostgres }]),
];

interface Runner {
  get(kind: typeof Ledger, pipelineId: number): Ledger;
}

function ledgersOf(runner: Runner): Ledger[] {
  return pipelineIds.map((pipelineId) => runner.get(Ledger, pipelineId));
}

/** Changes that arrived before the order they change. */
async function missesIn(runner: Runner): Promise<number> {
  let misses = 0;
  for (const ledger of ledgersOf(runner)) {
    for await (const { event } of ledger.reader()) if (event.type === 'Miss.Noted') misses += 1;
  }
  return misses;
}

describe.each(subjects)(
  'orders made in one pipeline and changed in others, in $name',
  ({ start, create }) => {
    test('reach the ledger in the wrong order without causal dependencies', async () => {
      await using runner = await start(carelessOrders, {
        storage: create(),
        pipelineIds,
        pollIntervalMs: 2 ** 30,
      });
      raise('hold');
      const ids = await Promise.all(
        customers.map((customer) => runner.get(CarelessOrders, 0).make(customer)),
      );
      for (const id of ids) await runner.get(CarelessOrders, 1).change(id);
      await until('all changes are processed', async () => (await missesIn(runner)) === ids.length);
      lower('hold');
      await runner.caughtUp();
      const [ledger] = ledgersOf(runner);
      expect(await Promise.all(ids.map((id) => ledger!.changesOf(id)))).toEqual(ids.map(() => 0));
      expect(await missesIn(runner)).toBe(ids.length);
    });

    test('reach the ledger in order with causal dependencies, and the status names the dependency', async () => {
      const events = watchRunners();
      await using runner = await start(causalOrders, {
        storage: create(),
        pipelineIds,
        pollIntervalMs: 2 ** 30,
      });
      raise('hold');
      const ids = await Promise.all(customers.map((customer) => runner.get(Orders, 0).make(customer)));
      for (const id of ids) await runner.get(Orders, 1).change(id);
      for (const id of ids) await runner.get(Orders, 2).change(id);
      const looks = () => events.filter(({ kind }) => kind === 'interrupted').length;
      await until('both have waited four times', () => looks() >= 8);
      const rowOf = async (pipelineId: number) =>
        (await runner.status()).find(
          (row) => row.applicationName === 'ledger' && row.pipelineId === pipelineId,
        );
      await until('it shows in the status', async () =>
        (await Promise.all([1, 2].map(rowOf))).every((row) => row?.state === 'interrupted'),
      );
      expect((await rowOf(1))?.lastError).toMatchObject({
        code: 'CAUSAL_DEPENDENCY',
        applicationName: 'ledger',
        upstreamName: 'orders',
        pipelineId: 1,
        notificationId: 1,
        dependency: { pipelineId: 0, notificationId: expect.any(Number) },
      });
      expect((await rowOf(2))?.lastError).toMatchObject({ dependency: { pipelineId: 1, notificationId: 1 } });
      for (const pipelineId of [1, 2]) {
        expect((await rowOf(pipelineId))?.upstreams).toMatchObject([
          { upstreamName: 'orders', position: 0, lag: 10 },
        ]);
        expect(await runner.get(Ledger, pipelineId).log.head()).toBe(0);
      }
      let isCaughtUp = false;
      const caughtUp = runner.caughtUp().then(() => {
        isCaughtUp = true;
      });
      await until('both have waited again', () => looks() >= 12);
      expect(isCaughtUp).toBe(false);
      lower('hold');
      await caughtUp;
      const [ledger] = ledgersOf(runner);
      expect(await Promise.all(ids.map((id) => ledger!.changesOf(id)))).toEqual(ids.map(() => 2));
      expect(await missesIn(runner)).toBe(0);
      const states = async () => (await runner.status()).map(({ state }) => state);
      await expect.poll(states, patient).toEqual(pipelineIds.flatMap(() => ['idle', 'idle']));
    });

    test('reach the ledger in order under random delays', async () => {
      letDawdle(seed, 8);
      const random = randomNumbers(seed);
      await using runner = await start(causalOrders, {
        storage: create(),
        pipelineIds,
        pollIntervalMs: 2 ** 30,
      });
      const anywhere = () => runner.get(Orders, pipelineIds[Math.floor(random() * pipelineIds.length)]);
      const changes = new Map<string, number>();
      const live = async (customer: string) => {
        const id = await anywhere().make(customer);
        const count = Math.floor(random() * 8);
        for (let number = 0; number < count; number += 1) await anywhere().change(id);
        changes.set(id, count);
      };
      await Promise.all(customers.map(live));
      await runner.caughtUp();
      expect(await missesIn(runner), `seed ${seed}`).toBe(0);
      const [ledger] = ledgersOf(runner);
      for (const [id, count] of changes) expect(await ledger!.changesOf(id), `seed ${seed}`).toBe(count);
    });
  },
);
