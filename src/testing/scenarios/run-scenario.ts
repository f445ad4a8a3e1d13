import type { ApplicationClass } from '../../application/application.ts';
import type { SystemRunner } from '../../runner/runner.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import type { System } from '../../system/system.ts';
import type { Fault } from '../../tracing/verification/fault.ts';
import { verify } from '../../tracing/verification/verify.ts';
import { LastingRunner, type Life } from './lasting-runner.ts';
import { recordedState } from './recorded-state.ts';
import type { Scenario } from './scenario.ts';

/** How a scenario is run. */
export interface ScenarioRunOptions<Apps extends ApplicationClass> {
  /** Storage of the system. */
  readonly storage: StorageDescription;
  /** Starts a runner on a storage: the first one, and each that replaces one. */
  start(storage: StorageDescription): Promise<SystemRunner<Apps>>;
  /** Starts the life of a runner, in place of `start(storage)`, for runners that crash. @default runners do not crash */
  readonly startLife?: () => Promise<Life<Apps>>;
  /** Called with the runner while the scenario runs, to restart it. @default nothing is done */
  readonly meanwhile?: (runner: LastingRunner<Apps>) => void;
}

/** What is on record after a scenario. */
export interface ScenarioOutcome {
  /** Canonical histories, rows of projections, parked notifications and the result of the scenario, as sorted texts. */
  readonly state: readonly string[];
  /** What `verify()` finds. */
  readonly faults: readonly Fault[];
}

/**
 * Runs a scenario until everything that follows from it is processed, and closes the runner.
 *
 * @throws the error of the scenario, or of an application that failed.
 */
export async function runScenario<Apps extends ApplicationClass>(
  system: System<Apps>,
  scenario: Scenario<Apps>,
  { storage, start, startLife, meanwhile }: ScenarioRunOptions<Apps>,
): Promise<ScenarioOutcome> {
  const begin = startLife ?? (async () => ({ runner: await start(storage), hasCrashed: () => false }));
  const runner = await LastingRunner.start(system, begin);
  let state: readonly string[] = [];
  try {
    meanwhile?.(runner);
    const result = await scenario(runner.face);
    do state = await recordedState(system, runner, result);
    while (!(await runner.close())); // a runner may crash on what it records in the end
  } finally {
    await runner.close();
  }
  const { faults } = await verify(storage, system);
  return { state, faults };
}
