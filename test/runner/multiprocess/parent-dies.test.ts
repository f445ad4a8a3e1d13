import { MultiprocessRunner } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { beforeEach, expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { assertContiguous, assertSound, difference, unbrokenHistories } from '../../support/logs.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';
import { patient } from '../../support/until.ts';
import { isRaised, lower, raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';
import { isRunning, startHost, untilGone } from './start-host.ts';

const never = 2 ** 30;
const [, Reservations] = shop.applications;
const shared = storages.filter(({ name }) => name !== 'memory');

beforeEach(() => storeFlagsIn(temporaryDirectory()));

test.each(shared)('a parent killed under load leaves no process behind, on $name', async ({ create }) => {
  const storage = create();
  const pipelineIds = [0, 1];
  const host = await startHost({ storage, pipelineIds, pollIntervalMs: never, batchSize: 7 });
  expect(host.pids).toHaveLength(6);
  await host.send({ kind: 'load' });
  await using orders = await shop.open(Orders, { storage, pipelineId: 1 });
  await vi.waitUntil(async () => (await orders.log.head()) > 100, patient);
  host.process.kill('SIGKILL');
  await host.ended;
  // Each process finishes its step. Otherwise it would be killed three to four seconds after its parent.
  const goneMs = await untilGone(host.pids);
  expect(goneMs).toBeLessThan(20_000);
  await assertSound(storage);

  // The next runner continues: every recorded order is reserved and paid.
  await using runner = await MultiprocessRunner.start(shop, { storage, pipelineIds });
  await runner.caughtUp();
  const applications = pipelineIds.flatMap((id) => shop.applications.map((kind) => runner.get(kind, id)));
  for (const application of applications) await assertContiguous(application);
  await assertSound(storage);
  const histories = await canonicalHistories(applications, { causes: true });
  const customers = histories.flatMap((history) => /"customer":"([^"]+)"/.exec(history)?.[1] ?? []);
  expect(customers.length).toBeGreaterThan(40);
  expect(difference(histories, await unbrokenHistories(customers))).toEqual({ lost: [], doubled: [] });
});

test('a parent that exits without closing its runner leaves no process behind', async () => {
  const [{ create }] = shared as [(typeof shared)[number]];
  const host = await startHost({ storage: create(), pipelineIds: [0] });
  host.process.send({ kind: 'exit' });
  expect(await host.ended).toEqual([5, null]);
  await untilGone(host.pids);
});

test('processes whose parent died finish the step under way and start no other', async () => {
  const [{ create }] = shared as [(typeof shared)[number]];
  const storage = create();
  const host = await startHost({ storage, pipelineIds: [0], isHeld: true, batchSize: 1 });
  raise('hold');
  await host.send({ kind: 'place', customers: ['ada', 'bob'], pipelineId: 0 });
  await vi.waitUntil(() => isRaised('held'), patient);
  host.process.kill('SIGKILL');
  await vi.waitUntil(() => host.pids.filter(isRunning).length === 1, patient);
  lower('hold');
  await untilGone(host.pids);
  await using reservations = await shop.open(Reservations!, { storage });
  expect(await reservations.log.head()).toBe(1);
  await assertSound(storage);
});
