import { performance } from 'node:perf_hooks';
import type { ApplicationClass } from '../../application/application.ts';
import { run } from '../../runner/run.ts';
import type { RunnerOptions } from '../../runner/runner-options.ts';
import { InvalidStorageError } from '../../storage/errors.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import type { System } from '../../system/system.ts';
import { messageOf } from '../../util/errors.ts';
import { resolveOptions } from '../../util/options.ts';
import { type FaultMoment, moments } from '../faults/faults.ts';
import { framesAbove, withFrames } from '../frames-of-caller.ts';
import { differenceOf } from '../scenarios/differences.ts';
import { InvalidScenarioError, NotEquivalentError } from '../scenarios/errors.ts';
import type { RecordedState } from '../scenarios/recorded-state.ts';
import { runScenario, type ScenarioOutcome } from '../scenarios/run-scenario.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { assertScenario } from '../scenarios/scenario-arguments.ts';
import { chosenPlaces, localPlaces, type MakePlace } from '../scenarios/storage-places.ts';
import { undisturbedRun } from '../scenarios/undisturbed-run.ts';
import { CrashNotSurvivedError } from './crash-errors.ts';
import { type CrashesOptions, crashesOptions } from './crash-options.ts';
import { type CrashingStorage, crashingStorage } from './crashing-storage.ts';

/** What {@link survivesEveryCrash} has tried. */
export interface SurvivedCrashes {
  /** Number of crashes that were survived. */
  readonly crashes: number;
  /** Number of crashes by the name of the storage. */
  readonly byStorage: Readonly<Record<string, number>>;
  /** Number of crashes that were not tried within the time limit. */
  readonly skipped: number;
  /** Default storages on which the system cannot run, with the reasons. */
  readonly unavailable: Readonly<Record<string, string>>;
}

/** What all runs of one call have in common. */
interface Trial<Apps extends ApplicationClass> {
  readonly system: System<Apps>;
  readonly scenario: Scenario<Apps>;
  readonly runnerOptions: Omit<RunnerOptions, 'storage' | 'signal'>;
  readonly runTimeoutMs: number;
  /** Time by `performance.now()` at which no further run begins. */
  readonly deadline: number;
}

/**
 * Checks that a system survives a crash at each of its recordings: before it, inside its transaction and after it. For each
 * crash, the scenario is run on empty storage by a runner that crashes; a new one continues on the same storage, and commands
 * under way are repeated. What is then on record must equal that of a run without a crash, and `verify()` must find nothing.
 *
 * Resolves with the number of crashes, and of those that the time limit left out. Set the time limit of the test above that.
 *
 * @throws {@link CrashNotSurvivedError} for the first crash that is not survived, with the difference.
 * @throws {@link NotEquivalentError} if two runs without a crash leave different things on record.
 * @throws {@link ScenarioRunError} if a run without a crash fails, takes too long, or `verify()` finds something.
 * @throws {@link InvalidScenarioError} if the scenario records nothing or does not await a command.
 * @throws {@link SystemBoundError} if the system is bound to a storage.
 * @throws {@link InvalidStorageError} if the system cannot run on a storage that was chosen, or on none of the others.
 * @throws {@link InvalidOptionError} if an option is unknown or its value does not fit.
 * @example
 * const { crashes } = await survivesEveryCrash(shop, async (runner) => {
 *   await runner.get(Orders).place('ada');
 * });
 */
export function survivesEveryCrash<Apps extends ApplicationClass, Opened extends object>(
  system: System<Apps, Opened>,
  scenario: Scenario<NoInfer<Apps>>,
  options: CrashesOptions<NoInfer<Opened>> = {},
): Promise<SurvivedCrashes> {
  const frames = framesAbove(survivesEveryCrash);
  return withFrames(frames, () => tryCrashes(system, scenario, options));
}

async function tryCrashes<Apps extends ApplicationClass, Opened extends object>(
  system: System<Apps, Opened>,
  scenario: Scenario<NoInfer<Apps>>,
  options: CrashesOptions<NoInfer<Opened>>,
): Promise<SurvivedCrashes> {
  assertScenario(system, scenario, 'survivesEveryCrash');
  const given: CrashesOptions = options;
  const resolved = resolveOptions(given, crashesOptions, 'survivesEveryCrash()');
  const { storages, timeLimitMs, runTimeoutMs, runnerOptions } = resolved;
  const deadline = performance.now() + timeLimitMs;
  const trial: Trial<Apps> = { system, scenario, runnerOptions, runTimeoutMs, deadline };
  const byStorage: Record<string, number> = {};
  const unavailable: Record<string, string> = {};
  let skipped = 0;
  const places = Object.entries(storages === undefined ? localPlaces : chosenPlaces(storages));
  for (const [i, [name, place]] of places.entries()) {
    try {
      const { tried, left } = await survivesOn(name, place, trial);
      byStorage[name] = tried;
      skipped += left;
    } catch (error) {
      const isLast = i === places.length - 1 && Object.keys(byStorage).length === 0;
      if (!(error instanceof InvalidStorageError) || storages !== undefined || isLast) throw error;
      unavailable[name] = error.message;
    }
  }
  const crashes = Object.values(byStorage).reduce((sum, count) => sum + count, 0);
  return { crashes, byStorage, skipped, unavailable };
}

/** Tries all crashes on one storage. */
async function survivesOn<Apps extends ApplicationClass>(
  name: string,
  place: MakePlace,
  trial: Trial<Apps>,
): Promise<{ readonly tried: number; readonly left: number }> {
  const { expected, recordings } = await unbroken(name, place, trial);
  const all = recordings * moments.crash.length;
  let tried = 0;
  for (let i = 0; i < all; i += 1) {
    if (performance.now() > trial.deadline) return { tried, left: all - i };
    const recording = Math.floor(i / moments.crash.length) + 1;
    const moment = moments.crash[i % moments.crash.length] as FaultMoment;
    await using kept = await place();
    const crashing = crashingStorage(kept.storage, { recording, moment });
    // Runs are not equal in the number of their recordings: a batch may hold more, or less.
    if (await survives(name, kept.storage, crashing, expected, trial)) tried += 1;
  }
  return { tried, left: 0 };
}

/** Runs the scenario twice without a crash, to see that it is the same each time, and counts the recordings. */
async function unbroken<Apps extends ApplicationClass>(name: string, place: MakePlace, trial: Trial<Apps>) {
  const outcomes: ScenarioOutcome[] = [];
  let recordings = 0;
  for (const which of ['first', 'second']) {
    await using kept = await place();
    const counting = crashingStorage(kept.storage);
    const run = `run() on ${name}, without a crash`;
    const outcome = await undisturbedRun(run, () => runOn(kept.storage, counting, trial));
    recordings = Math.max(recordings, counting.recordings);
    outcomes.push(outcome);
    const difference = outcomes[0] && differenceOf(outcomes[0].state, outcome.state);
    if (difference !== undefined) {
      const hint =
        'Neither run crashed: a policy or the scenario depends on time, randomness or what an earlier run left.';
      throw new NotEquivalentError(
        [`the first run on ${name}`, `the ${which} run on ${name}`],
        difference,
        hint,
      );
    }
  }
  return { expected: (outcomes[0] as ScenarioOutcome).state, recordings };
}

/** Runs the scenario with a crash. Resolves with false if the run has ended before the recording of the crash. */
async function survives<Apps extends ApplicationClass>(
  name: string,
  storage: StorageDescription,
  crashing: CrashingStorage,
  expected: RecordedState,
  trial: Trial<Apps>,
): Promise<boolean> {
  let outcome: ScenarioOutcome;
  try {
    outcome = await runOn(storage, crashing, trial);
  } catch (cause) {
    if (crashing.crash === undefined || cause instanceof InvalidScenarioError) throw cause;
    const reason = `Afterwards, the scenario fails: ${messageOf(cause)}`;
    throw new CrashNotSurvivedError(name, crashing.crash, reason, { cause });
  }
  const { crash } = crashing;
  if (crash === undefined) return false;
  const difference = differenceOf(expected, outcome.state);
  if (difference !== undefined) {
    const reason =
      `Expected what the run without a crash leaves on record (-), got (+):\n\n${difference}\n\nA policy may keep state ` +
      'in memory, or call another system that does not recognise a repeated call.';
    throw new CrashNotSurvivedError(name, crash, reason, { difference });
  }
  const [fault] = outcome.faults;
  if (fault !== undefined) throw new CrashNotSurvivedError(name, crash, `verify() finds: ${fault.message}`);
  return true;
}

/** Runs the scenario on a storage that may crash, and continues on the storage within. */
async function runOn<Apps extends ApplicationClass>(
  storage: StorageDescription,
  crashing: CrashingStorage,
  { system, scenario, runnerOptions, runTimeoutMs }: Trial<Apps>,
): Promise<ScenarioOutcome> {
  // A copy of the system, which may run elsewhere in this process.
  const start = (on: StorageDescription) =>
    run(system.bind(on), { undeclaredEvents: 'ignore', ...runnerOptions });
  const startLife = async () => {
    const isFirst = crashing.crash === undefined;
    if (!isFirst) return { runner: await start(storage), hasCrashed: () => false };
    try {
      return { runner: await start(crashing), hasCrashed: () => crashing.crash !== undefined };
    } catch (error) {
      if (crashing.crash === undefined) throw error;
      return { runner: await start(storage), hasCrashed: () => false };
    }
  };
  return await runScenario(system, scenario, { storage, start, startLife, runTimeoutMs });
}
