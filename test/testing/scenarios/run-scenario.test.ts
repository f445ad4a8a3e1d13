import { memory, RunnerClosedError, run, type System, type SystemRunner } from 'kahn';
import type { Scenario } from 'kahn/testing';
import { describe, expect, test, vi } from 'vitest';
import { bank } from '../../../examples/commands/bank.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { differenceOf } from '../../../src/testing/scenarios/differences.ts';
import { runScenario } from '../../../src/testing/scenarios/run-scenario.ts';
import { temporarySqlite } from '../../support/storages.ts';
import { rallies } from '../../support/systems/rallies.ts';
import { placeOrders, rally, transferMoney } from './scenarios.ts';

const cases: readonly [string, System, Scenario<never>, number][] = [
  ['a shop', shop as System, placeOrders, 3 * 3 + 1],
  ['a bank', bank as System, transferMoney, 2 + 3 + 3 + 1],
  ['rallies', rallies as System, rally, 15],
];

const start = (system: System) => (storage: ReturnType<typeof memory>) =>
  run(system, { storage }) as Promise<SystemRunner>;

describe.each(cases)('the scenario of %s', (_, system, scenario, histories) => {
  const runOn = (storage: ReturnType<typeof memory>) =>
    runScenario(system, scenario as Scenario, { storage, start: start(system) });

  test('leaves the same on record in each storage', async () => {
    const first = await runOn(memory());
    expect(first.faults).toEqual([]);
    expect(first.state.texts).toHaveLength(histories);
    expect(differenceOf(first.state, (await runOn(temporarySqlite())).state)).toBeUndefined();
  });

  test('leaves the same on record if the runner is restarted all the time', async () => {
    const first = await runOn(memory());
    const storage = temporarySqlite();
    let restarts = 0;
    const second = await runScenario(system, scenario as Scenario, {
      storage,
      start: start(system),
      meanwhile: async (runner) => {
        while (restarts < 5) {
          await runner.restart();
          restarts = runner.restarts;
        }
      },
    });
    expect(restarts).toBe(5);
    expect(second.faults).toEqual([]);
    expect(differenceOf(first.state, second.state)).toBeUndefined();
  });
});

test('a runner that starts after the end of the run is closed, and nothing is done with it', async () => {
  const released = Promise.withResolvers<void>();
  const meanwhile = vi.fn();
  let runner: SystemRunner | undefined;
  const running = runScenario(shop as System, () => {}, {
    storage: memory(),
    runTimeoutMs: 50,
    meanwhile,
    start: async (storage) => {
      await released.promise;
      runner = await start(shop as System)(storage);
      return runner;
    },
  });
  await expect(running).rejects.toMatchObject({
    code: 'SCENARIO_TIMED_OUT',
    message: expect.stringContaining('the runner has not started'),
  });
  released.resolve();
  await vi.waitFor(() => expect(() => runner?.operations()).toThrow(RunnerClosedError), { timeout: 20_000 });
  expect(meanwhile).not.toHaveBeenCalled();
});
