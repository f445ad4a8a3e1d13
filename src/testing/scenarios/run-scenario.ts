import type { ApplicationClass } from '../../application/application.ts';
import type { SystemRunner } from '../../runner/runner.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import type { System } from '../../system/system.ts';
import type { Fault } from '../../tracing/verification/fault.ts';
import { verify } from '../../tracing/verification/verify.ts';
import { unlessAborted } from '../../util/abort.ts';
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
  /** Ends the run; the reason of the signal is thrown. @default none */
  readonly signal?: AbortSignal | undefined;
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
  { storage, start, startLife, meanwhile, signal }: ScenarioRunOptions<Apps>,
): Promise<ScenarioOutcome> {
  const begin = startLife ?? (async () => ({ runner: await start(storage), hasCrashed: () => false }));
  const runner = await LastingRunner.start(system, begin);
  try {
    meanwhile?.(runner);
    const state = await unlessAborted(stateAfter(scenario, system, runner), signal);
    const { faults } = await verify(storage, system);
    return { state, faults };
  } finally {
    await runner.close();
  }
}

/** Runs a scenario, and closes the runner when everything is processed. Resolves with what is on record. */
async function stateAfter<Apps extends ApplicationClass>(
  scenario: Scenario<Apps>,
  system: System<Apps>,
  runner: LastingRunner<Apps>,
): Promise<readonly string[]> {
  const result = await scenario(runner.face);
  for (;;) {
    const state = await recordedState(system, runner, result);
    if (await runner.close()) return state; // else it has crashed on what it records in the end
  }
}
