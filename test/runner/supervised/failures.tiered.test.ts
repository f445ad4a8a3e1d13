import type { DownstreamError, RemoteError, System, SystemRunner } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import type { Payments } from '../../../examples/shop/payments.ts';
import type { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { assertContiguous, assertSound, difference, unbrokenHistories } from '../../support/logs.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import {
  allSupervisedSubjects,
  type SupervisedSubject,
  supervisedSubjects,
} from '../../support/supervised-runners.ts';
import { byTier } from '../../support/tier.ts';
import { patient } from '../../support/until.ts';
import { type SeenEvent, watchRunners } from '../../support/watchers/events.ts';
import {
  exitingShop,
  type Fault,
  failingShop,
  hoardingShop,
  throwingShop,
} from '../multi-threaded/faulty-shop.ts';
import { lower, raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';

type Apps = typeof Orders | typeof Reservations | typeof Payments;

const systems: Record<Fault, System<Apps>> = {
  'policy error': failingShop as System<Apps>,
  'uncaught exception': throwingShop as System<Apps>,
  'process.exit': exitingShop as System<Apps>,
  'memory limit': hoardingShop as System<Apps>,
};
/** Only threads have a memory limit. */
const faultsIn = {
  thread: Object.keys(systems) as Fault[],
  process: ['policy error', 'uncaught exception', 'process.exit'] as Fault[],
};
const never = 2 ** 30;
// The young generation is small, too: if it overflows into the old one at once, the whole process ends.
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

/** Short description of a failure, with the cause that identifies the fault. */
function outcomeOf(error: unknown): string {
  const { failures } = error as DownstreamError;
  const [[name, failure] = []] = failures;
  const { code, cause } = failure as RemoteError;
  const { code: causeCode, message } = cause as RemoteError & Error;
  return `${name}: ${code} (${causeCode === undefined || causeCode === 'REMOTE_ERROR' ? message : causeCode})`;
}

/** Asserts that only reservations stopped; the other applications have processed all their events. */
async function assertOthersGoOn(runner: SystemRunner<Apps>, pipelineId: number): Promise<void> {
  // A prompt may have arrived just before.
  const [orders, reservations, payments] = await vi.waitUntil(async () => {
    const status = await runner.status();
    return status.every(({ state }) => state !== 'running') && status;
  }, patient);
  expect(orders).toMatchObject({ applicationName: 'orders', pipelineId, state: 'idle' });
  expect(payments).toMatchObject({ applicationName: 'payments', pipelineId, state: 'idle' });
  for (const { lag } of [...orders!.upstreams, ...payments!.upstreams]) expect(lag).toBe(0);
  expect(reservations).toMatchObject({ applicationName: 'reservations', pipelineId, state: 'failed' });
  expect(reservations?.upstreams).toMatchObject([{ upstreamName: 'orders', position: 3, lag: 3 }]);
  const error = await runner.caughtUp().catch((thrown: DownstreamError) => thrown);
  expect([...(error as DownstreamError).failures.values()]).toEqual([reservations?.lastError]);
}

/** Causes a fault a number of times, starts again if that stopped the system, and compares the histories. */
async function suffer(
  fault: Fault,
  times: number,
  { kind, start: startWorkers, create }: SupervisedSubject,
  events: SeenEvent[],
) {
  const storage = create();
  const pipelineId = faultsIn[kind].indexOf(fault); // distinguishes the events of concurrent runners
  // One by one: in a batch, a policy that throws is called once more without the other notifications.
  const limits = kind === 'thread' ? { resourceLimits } : {};
  const options = { pipelineIds: [pipelineId], pollIntervalMs: never, batchSize: 1, ...limits };
  const start = (system: System<Apps>) => startWorkers(system.bind(storage), options);
  let system = systems[fault];
  let runner = await start(system);
  onTestFinished(() => runner.close());
  await runner.get(Orders).place('ada');
  await runner.caughtUp();
  raise(fault, times);
  for (const customer of ['mallory', 'bob', 'cy']) await runner.get(Orders).place(customer);
  const outcome = await runner.caughtUp().then(() => 'caught up', outcomeOf);
  if (outcome !== 'caught up') {
    await assertOthersGoOn(runner, pipelineId);
    await runner.close();
    lower(fault);
    system = shop;
    runner = await start(system);
  }
  await runner.get(Orders).place('dee');
  await runner.caughtUp();
  const applications = system.applications.map((kind) => runner.get(kind));
  for (const application of applications) await assertContiguous(application);
  await assertSound(storage);
  const expected = await unbrokenHistories(['ada', 'mallory', 'bob', 'cy', 'dee']);
  const { lost, doubled } = difference(await canonicalHistories(applications, { causes: true }), expected);
  const restarts = events.filter((one) => one.kind === 'restarted' && one.pipelineId === pipelineId).length;
  await runner.close();
  return { restarts, outcome, lost, doubled };
}

const whole = { lost: [], doubled: [] };
const bound = 5;

describe.each(supervisedSubjects)('in $name', (subject) => {
  const faults = faultsIn[subject.kind];

  test('a temporary fault stops only an application whose policy throws', async () => {
    storeFlagsIn(temporaryDirectory());
    const events = watchRunners();
    const rows = await Promise.all(faults.map((fault) => suffer(fault, 1, subject, events)));
    const passed = { restarts: 1, outcome: 'caught up', ...whole };
    expect(rows).toMatchObject([
      { restarts: 0, outcome: 'reservations: POLICY_FAILED (nothing for mallory)', ...whole },
      ...faults.slice(1).map(() => passed),
    ]);
  });
});

describe.each(byTier([], allSupervisedSubjects))('in $name', (subject) => {
  const faults = faultsIn[subject.kind];

  test(`a permanent fault is reported after ${bound} restarts`, async () => {
    storeFlagsIn(temporaryDirectory());
    const events = watchRunners();
    const rows = await Promise.all(faults.map((fault) => suffer(fault, Infinity, subject, events)));
    const causes = ['not caught anywhere', 'exited with code 3', 'ERR_WORKER_OUT_OF_MEMORY'];
    const code = `${subject.kind.toUpperCase()}_DIED`;
    expect(rows).toMatchObject([
      { restarts: 0, outcome: 'reservations: POLICY_FAILED (nothing for mallory)', ...whole },
      ...faults.slice(1).map((_, i) => ({
        restarts: bound,
        outcome: `reservations (pipeline ${i + 1}): ${code} (${causes[i]})`,
        ...whole,
      })),
    ]);
  });
});
