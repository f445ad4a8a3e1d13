import type { ApplicationClass } from '../../application/application.ts';
import type { SystemRunner } from '../../runner/runner.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import type { System } from '../../system/system.ts';
import type { Fault } from '../../tracing/verification/fault.ts';
import { verify } from '../../tracing/verification/verify.ts';
import { resolvesWithin } from '../../util/timeout.ts';
import { InvalidScenarioError, ScenarioTimeoutError } from './errors.ts';
import { LastingRunner, type Life } from './lasting-runner.ts';
import { ownApplications } from './own-applications.ts';
import { type RecordedState, recordedState } from './recorded-state.ts';
import type { Scenario } from './scenario.ts';
import { waitingIn } from './waiting.ts';

/** How a scenario is run. */
export interface ScenarioRunOptions<Apps extends ApplicationClass> {
  /** Storage of the system, which is empty. */
  readonly storage: StorageDescription;
  /** Starts a runner on a storage: the first one, and each that replaces one. */
  start(storage: StorageDescription): Promise<SystemRunner<Apps>>;
  /** Starts the life of a runner, in place of `start(storage)`, for runners that crash. @default runners do not crash */
  readonly startLife?: () => Promise<Life<Apps>>;
  /** Time within which everything must be processed, in ms. @default no limit */
  readonly runTimeoutMs?: number;
  /** Called with the runner while the scenario runs, to restart it. @default nothing is done */
  readonly meanwhile?: (runner: LastingRunner<Apps>) => void;
  /** Called when the scenario has returned, before its outcome is read. @default nothing is done */
  readonly afterwards?: (runner: LastingRunner<Apps>) => Promise<void>;
}

/** What is on record after a scenario. */
export interface ScenarioOutcome {
  readonly state: RecordedState;
  /** What `verify()` finds. */
  readonly faults: readonly Fault[];
}

/**
 * Runs a scenario until everything that follows from it is processed, and closes the runner.
 *
 * @throws {@link InvalidScenarioError} if the scenario cannot be checked.
 * @throws {@link ScenarioTimeoutError} if it takes too long.
 * @throws the error of the scenario, or of an application that failed.
 */
export async function runScenario<Apps extends ApplicationClass>(
  system: System<Apps>,
  scenario: Scenario<Apps>,
  options: ScenarioRunOptions<Apps>,
): Promise<ScenarioOutcome> {
  const { storage, start, startLife, runTimeoutMs } = options;
  const begin = startLife ?? (async () => ({ runner: await start(storage), hasCrashed: () => false }));
  const run = new ScenarioRun(system, scenario, options);
  const outcome = run.outcome(begin);
  try {
    if (runTimeoutMs === undefined || (await resolvesWithin(outcome, runTimeoutMs))) return await outcome;
    outcome.catch(() => {}); // the timeout is the error to report
    throw new ScenarioTimeoutError(runTimeoutMs, await run.waiting());
  } finally {
    await run.close();
  }
}

/** One run of a scenario. */
class ScenarioRun<Apps extends ApplicationClass> {
  readonly #system: System<Apps>;
  readonly #scenario: Scenario<Apps>;
  readonly #options: ScenarioRunOptions<Apps>;
  #runner: LastingRunner<Apps> | undefined;
  #hasReturned = false;
  #isOver = false;

  constructor(system: System<Apps>, scenario: Scenario<Apps>, options: ScenarioRunOptions<Apps>) {
    this.#system = system;
    this.#scenario = scenario;
    this.#options = options;
  }

  async outcome(begin: () => Promise<Life<Apps>>): Promise<ScenarioOutcome> {
    const runner = await LastingRunner.start(this.#system, begin);
    this.#runner = runner;
    if (this.#isOver) {
      await runner.close();
      throw new InvalidScenarioError('The runner has started after the end of the run.'); // nobody waits for it
    }
    this.#options.meanwhile?.(runner);
    await assertEmpty(this.#system, runner);
    const result = await this.#scenario(runner.face);
    this.#hasReturned = true;
    assertAwaited(runner);
    await this.#options.afterwards?.(runner);
    const state = await this.#stateAfter(runner, result);
    const { faults } = await verify(this.#options.storage, this.#system);
    return { state, faults };
  }

  /** Says what has not ended, as far as that is known within a second. */
  async waiting(): Promise<readonly string[]> {
    const runner = this.#runner;
    if (runner === undefined) return ['the runner has not started'];
    const scenario = this.#hasReturned ? [] : ['the scenario has not returned'];
    return [...scenario, ...(await waitingIn(runner))];
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await this.#runner?.close();
  }

  /** Closes the runner when everything is processed. Resolves with what is on record. */
  async #stateAfter(runner: LastingRunner<Apps>, result: unknown): Promise<RecordedState> {
    for (;;) {
      const state = await recordedState(this.#system, runner, result);
      if (state.isEmpty) throw new InvalidScenarioError(nothingRecorded);
      if (await runner.close()) return state; // else it has crashed on what it records in the end
    }
  }
}

const nothingRecorded =
  'The scenario recorded nothing and returned nothing, so there is nothing to check: make it await commands, as in ' +
  "await runner.get(Orders).place('ada').";

/** Throws unless the logs of all applications are empty. */
async function assertEmpty<Apps extends ApplicationClass>(
  system: System<Apps>,
  lasting: LastingRunner<Apps>,
): Promise<void> {
  for (const kind of ownApplications(system)) {
    const head = await lasting.steadily((runner) => runner.get(kind).log.head());
    if (head === 0) continue;
    throw new InvalidScenarioError(
      `The storage of a run is not empty: the log of '${kind.applicationName}' ends at ${head}. Return an empty storage for ` +
        'each run.',
    );
  }
}

/** Throws if a scenario has returned before one of its commands has. */
function assertAwaited(runner: LastingRunner): void {
  const [call] = runner.underway;
  if (call === undefined) return;
  throw new InvalidScenarioError(
    `The scenario has returned while ${call.method}() of '${call.applicationName}' was under way: await it.`,
  );
}
