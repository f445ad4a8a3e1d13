import { Aggregate, type ApplicationClass, type DomainEvent, ProcessApplication, System } from 'kahn';
import { RestateRunner } from 'kahn/restate';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { lower, raise, storeFlagsIn, untilLowered } from '../../runner/multi-threaded/file-flags.ts';
import { assertContiguous, assertSound } from '../../support/logs.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { temporaryPostgres } from '../../support/servers/postgres.ts';
import { freshName } from '../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { serve, start } from '../../support/servers/restate-shop.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import {
  Orders as CausalOrders,
  causalOrders,
  Ledger,
  letDawdle,
} from '../../support/systems/causal-orders.ts';
import { Click, Clicks } from '../../support/systems/clicks.ts';
import { until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';

const never = 2 ** 30;
const pipelineIds = [0, 1, 2];

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

test('three pipelines process five orders each, side by side', async () => {
  const storage = temporaryPostgres();
  const systemActorName = freshName('shop');
  await serve(engine, shop, { storage, systemActorName });
  const runner = await start(engine, shop, {
    storage,
    systemActorName,
    pipelineIds,
    pollIntervalMs: never,
  });
  const ids = await Promise.all(
    pipelineIds.map((pipelineId) =>
      Promise.all(Array.from({ length: 5 }, (_, i) => runner.get(Orders, pipelineId).place(`${i}`))),
    ),
  );
  await runner.caughtUp();
  for (const pipelineId of pipelineIds) {
    for (const id of ids[pipelineId]!) expect((await runner.get(Orders, pipelineId).get(id)).done).toBe(true);
    const applications = shop.applications.map((kind) => runner.get(kind, pipelineId));
    for (const application of applications) await assertContiguous(application);
    expect(await Promise.all(applications.map(({ log }) => log.head()))).toEqual([15, 5, 5]);
  }
  await assertSound(storage);
  expect(() => runner.get(Orders, 3)).toThrow('does not run pipeline 3, only 0, 1, 2');
  const status = await runner.status();
  expect(status.map(({ applicationName, pipelineId }) => [applicationName, pipelineId])).toEqual(
    pipelineIds.flatMap((id) => ['orders', 'reservations', 'payments'].map((name) => [name, id])),
  );
  expect(status[4]?.upstreams).toMatchObject([{ upstreamName: 'orders', position: 15, lag: 0 }]);
});

/** Runs a system in three pipelines until the end of the test. */
async function started<Apps extends ApplicationClass>(system: System<Apps>) {
  const storage = temporaryPostgres();
  const systemActorName = freshName('causal');
  await serve(engine, system, { storage, systemActorName });
  const { ingressUrl, adminUrl } = engine;
  const options = {
    ingressUrl,
    adminUrl,
    systemActorName,
    pipelineIds,
    pollIntervalMs: never,
    shutdownOnClose: true,
  };
  const runner = await RestateRunner.start(system.bind(storage), options);
  onTestFinished(() => runner.close());
  return runner;
}

test('a causal dependency in another pipeline is processed first, and the status shows the dependency', async () => {
  storeFlagsIn(temporaryDirectory());
  letDawdle(0, 0);
  onTestFinished(() => lower('hold'));
  const events = watchRunners();
  const runner = await started(causalOrders);
  raise('hold');
  const ids = await Promise.all([1, 2, 3].map((number) => runner.get(CausalOrders, 0).make(`${number}`)));
  for (const id of ids) await runner.get(CausalOrders, 1).change(id);
  await until(
    'the dependency was missing three times',
    () => events.filter(({ kind }) => kind === 'interrupted').length >= 3,
  );
  await until('the status shows the dependency', async () => {
    const row = (await runner.status()).find(
      (one) => one.applicationName === 'ledger' && one.pipelineId === 1,
    );
    return row?.state === 'interrupted' && (row.lastError as { code?: string }).code === 'CAUSAL_DEPENDENCY';
  });
  expect(await runner.get(Ledger, 1).log.head()).toBe(0);
  lower('hold');
  await runner.caughtUp();
  for (const id of ids) expect(await runner.get(Ledger, 0).changesOf(id)).toBe(1);
});

type Followed =
  | DomainEvent<'Order.Made', { customer: string }>
  | DomainEvent<'Click.Made', { key: string; number: number }>;
type NoteEvent = DomainEvent<'Note.Taken', { of: string }>;
class Note extends Aggregate<NoteEvent> {}

/** Takes notes of clicks, and of orders while the flag 'hold' is lowered. */
class Notes extends ProcessApplication<NoteEvent, Followed> {
  static readonly applicationName = 'notes';
  static readonly emits = ['Note.Taken'] as const;
  override readonly policy = this.when({
    'Order.Made': async ({ data }) => {
      await untilLowered('hold');
      return Note.create('Note.Taken', { of: data.customer });
    },
    'Click.Made': ({ data }) => Note.create('Note.Taken', { of: data.key }),
  });
}

test('an application that waits in the log of one upstream processes the others', async () => {
  storeFlagsIn(temporaryDirectory());
  onTestFinished(() => lower('hold'));
  const system = System.of([
    [CausalOrders, Notes],
    [Clicks, Notes],
  ]);
  const runner = await started(system);
  raise('hold');
  const id = await runner.get(CausalOrders, 0).make('ada');
  await runner.get(CausalOrders, 1).change(id);
  for (let number = 1; number <= 3; number += 1) {
    await runner.get(Clicks, 1).save(Click.make(`${number}`, number));
    await until('the click is noted', async () => (await runner.get(Notes, 1).log.head()) === number);
  }
  const row = (await runner.status()).find((one) => one.applicationName === 'notes' && one.pipelineId === 1);
  expect(row?.lastError).toMatchObject({ code: 'CAUSAL_DEPENDENCY', upstreamName: 'orders' });
  lower('hold');
  await runner.caughtUp();
});

test('orders that move through all pipelines are processed correctly with any delays', async () => {
  storeFlagsIn(temporaryDirectory());
  letDawdle(seed, 8);
  const random = randomNumbers(seed);
  const runner = await started(causalOrders);
  const anywhere = () => runner.get(CausalOrders, pipelineIds[Math.floor(random() * 3)]);
  const changes = new Map<string, number>();
  const live = async (customer: string) => {
    const id = await anywhere().make(customer);
    const count = Math.floor(random() * 6);
    for (let number = 0; number < count; number += 1) await anywhere().change(id);
    changes.set(id, count);
  };
  await Promise.all(Array.from({ length: 10 }, (_, i) => live(`customer ${i}`)));
  await runner.caughtUp();
  for (const [id, count] of changes) {
    expect(await runner.get(Ledger, 0).changesOf(id), `seed ${seed}`).toBe(count);
  }
});
