import type { DownstreamError, RemoteError, System, SystemRunner } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import type { Payments } from '../../../examples/shop/payments.ts';
import type { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { assertContiguous, difference, unbrokenHistories } from '../../support/logs.ts';
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
import { lower, putSignsInto, raise } from '../multi-threaded/file-flags.ts';

type Apps = typeof Orders | typeof Reservations | typeof Payments;

const systems: Record<Fault, System<Apps>> = {
  'policy error': failingShop as System<Apps>,
  'uncaught exception': throwingShop as System<Apps>,
  'process.exit': exitingShop as System<Apps>,
  'memory limit': hoardingShop as System<Apps>,
};
/** What can be limited is the memory of threads. */
const faultsIn = {
  thread: Object.keys(systems) as Fault[],
  process: ['policy error', 'uncaught exception', 'process.exit'] as Fault[],
};
const never = 2 ** 30;
// A small young generation, too: much that outlives it at once goes past the limit, and takes the process with it.
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

/** What a failure says, in short, with the cause that tells the fault. */
function outcomeOf(error: unknown): string {
  const { failures } = error as DownstreamError;
  const [[name, failure] = []] = failures;
  const { code, cause } = failure as RemoteError;
  const { code: causeCode, message } = cause as RemoteError & Error;
  return `${name}: ${code} (${causeCode === undefined || causeCode === 'REMOTE_ERROR' ? message : causeCode})`;
}

/** After a failure: only reservations stand still, the others have processed all there is for them. */
async function assertOthersGoOn(runner: SystemRunner<Apps>, pipelineId: number): Promise<void> {
  // They may have been told just now that there might be more.
  const [orders, reservations, payments] = await vi.waitUntil(async () => {
    const status = await runner.status();
    return status.every(({ state }) => state !== 'running') && status;
  }, patient);
  expect(orders).toMatchObject({ applicationName: 'orders', pipelineId, state: 'idle' });
  expect(payments).toMatchObject({ applicationName: 'payments', pipelineId, state: 'idle' });
  for (const { lag } of [...orders!.upstreams, ...payments!.upstreams]) expect(lag).toBe(0);
  expect(reservations).toMatchObject({ applicationName: 'reservations', pipelineId, state: 'failed' });
  expect(reservations?.upstreams).toEqual([{ upstreamName: 'orders', position: 3, lag: 3 }]);
  const error = await runner.caughtUp().catch((thrown: DownstreamError) => thrown);
  expect([...(error as DownstreamError).failures.values()]).toEqual([reservations?.lastError]);
}

/** Suffers one fault so many times, is repaired if that stopped it, and compares with what should have come of it. */
async function suffer(
  fault: Fault,
  times: number,
  { kind, start: startWorkers, create }: SupervisedSubject,
  events: SeenEvent[],
) {
  const storage = create();
  const pipelineId = faultsIn[kind].indexOf(fault); // tells the events of runners at the same time apart
  // One by one, so that a policy that throws is not tried once more without the others of its batch.
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
  const expected = await unbrokenHistories(['ada', 'mallory', 'bob', 'cy', 'dee']);
  const { lost, doubled } = difference(await canonicalHistories(applications), expected);
  const restarts = events.filter((one) => one.kind === 'restarted' && one.pipelineId === pipelineId).length;
  await runner.close();
  return { restarts, outcome, lost, doubled };
}

const whole = { lost: [], doubled: [] };
const bound = 5;

describe.each(supervisedSubjects)('in $name', (subject) => {
  const faults = faultsIn[subject.kind];

  test('a fault that passes stops nobody but a policy that throws', async () => {
    putSignsInto(temporaryDirectory());
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

  test(`a fault that stays is reported after ${bound} restarts`, async () => {
    putSignsInto(temporaryDirectory());
    const events = watchRunners();
    const rows = await Promise.all(faults.map((fault) => suffer(fault, Infinity, subject, events)));
    const causes = ['nobody catches this', 'exited with code 3', 'ERR_WORKER_OUT_OF_MEMORY'];
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
