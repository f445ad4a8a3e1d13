import { performance } from 'node:perf_hooks';
import type { ApplicationClass } from '../../application/application.ts';
import { InvalidStorageError } from '../../storage/errors.ts';
import type { System } from '../../system/system.ts';
import { InvalidArgumentError, type ResolvedOptions, resolveOptions } from '../../util/options.ts';
import { framesAbove, withFrames } from '../frames-of-caller.ts';
import { differenceOf } from '../scenarios/differences.ts';
import { NotEquivalentError } from '../scenarios/errors.ts';
import { postgresPlace } from '../scenarios/postgres-place.ts';
import type { RecordedState } from '../scenarios/recorded-state.ts';
import { runScenario, type ScenarioOutcome } from '../scenarios/run-scenario.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { assertScenario } from '../scenarios/scenario-arguments.ts';
import { chosenPlaces, localPlaces, type MakePlace } from '../scenarios/storage-places.ts';
import { undisturbedRun } from '../scenarios/undisturbed-run.ts';
import { type EquivalenceOptions, equivalenceOptions } from './equivalence-options.ts';
import { runnerKinds, type StartRunner } from './runner-kinds.ts';

/** What {@link equivalent} has compared. */
export interface Equivalence {
  /** Names of the runs, such as 'MultiThreadedRunner on SQLite'. All have left the same on record. */
  readonly ran: readonly string[];
  /** Runners and storages that could not be used together here, by the names of the runs, with the reasons. */
  readonly unavailable: Readonly<Record<string, string>>;
}

type Options = ResolvedOptions<
  EquivalenceOptions,
  'otherRunners' | 'runnerOptions' | 'timeLimitMs' | 'runTimeoutMs'
>;

/** A runner and a storage, or the reason for which it cannot be used with any. */
interface Start<Apps extends ApplicationClass> {
  readonly runnerName: string;
  readonly start: StartRunner<Apps> | string;
}

/**
 * Checks that a scenario leaves the same on record with all runners and storages of this machine: canonical histories, rows
 * of projections, parked notifications, and what the scenario returns. `verify()` must find nothing. The first run is made
 * twice, which finds policies that depend on time or chance.
 *
 * Runners with threads or processes need the `module` of the system. Resolves with the runs that were made, and with those
 * that could not be made, with reasons.
 *
 * @throws {@link NotEquivalentError} with the first difference between two runs.
 * @throws {@link ScenarioRunError} if a run fails, takes too long, or `verify()` finds something.
 * @throws {@link InvalidScenarioError} if the scenario records nothing or does not await a command.
 * @throws {@link InvalidArgumentError} if no runner can run the system here.
 * @throws {@link SystemBoundError} if the system is bound to a storage.
 * @throws {@link InvalidOptionError} if an option is unknown or its value does not fit.
 * @example
 * const { ran, unavailable } = await equivalent(shop, async (runner) => {
 *   await runner.get(Orders).place('ada');
 * });
 */
export function equivalent<Apps extends ApplicationClass, Opened extends object>(
  system: System<Apps, Opened>,
  scenario: Scenario<NoInfer<Apps>>,
  options: EquivalenceOptions<NoInfer<Apps>, NoInfer<Opened>> = {},
): Promise<Equivalence> {
  const frames = framesAbove(equivalent);
  return withFrames(frames, () => compareRuns(system, scenario, options));
}

async function compareRuns<Apps extends ApplicationClass, Opened extends object>(
  system: System<Apps, Opened>,
  scenario: Scenario<NoInfer<Apps>>,
  options: EquivalenceOptions<NoInfer<Apps>, NoInfer<Opened>>,
): Promise<Equivalence> {
  assertScenario(system, scenario, 'equivalent');
  const given = options as EquivalenceOptions;
  const resolved = resolveOptions(given, equivalenceOptions, 'equivalent()');
  const deadline = performance.now() + resolved.timeLimitMs;
  const ran: string[] = [];
  const unavailable: Record<string, string> = {};
  let reference: RecordedState | undefined;
  for (const { runnerName, start } of startsOf(system, resolved)) {
    for (const [storageName, place] of Object.entries(placesOf(resolved))) {
      const name = `${runnerName} on ${storageName}`;
      const reason = typeof place === 'string' ? place : typeof start === 'string' ? start : undefined;
      const isLate = performance.now() > deadline;
      if (reason !== undefined || isLate) {
        unavailable[name] = reason ?? 'the time limit was reached before';
        continue;
      }
      const runOnce = () =>
        outcomeOf(name, system, scenario, place as MakePlace, start as StartRunner<Apps>, resolved);
      try {
        const { state } = await runOnce();
        if (reference === undefined)
          assertEqual([`the first run of ${name}`, 'the second run'], state, (await runOnce()).state);
        else assertEqual([ran[0] as string, name], reference, state);
        reference ??= state;
        ran.push(name);
      } catch (error) {
        if (!(error instanceof InvalidStorageError)) throw error;
        unavailable[name] = error.message;
      }
    }
  }
  if (ran.length > 0) return { ran, unavailable };
  const reasons = Object.entries(unavailable).map(([name, reason]) => `\n${name}: ${reason}`);
  throw new InvalidArgumentError(`equivalent() cannot run system '${system.name}' here.${reasons.join('')}`);
}

function placesOf({ storages, connectionString }: Options): Readonly<Record<string, MakePlace | string>> {
  if (storages !== undefined) return chosenPlaces(storages);
  return { ...localPlaces, PostgreSQL: postgresPlace(connectionString) };
}

function startsOf<Apps extends ApplicationClass>(
  system: System<Apps>,
  { otherRunners, runnerOptions }: Options,
): readonly Start<Apps>[] {
  const starts = runnerKinds.map(({ name, hasWorkers, start }): Start<Apps> => {
    const reason = hasWorkers ? reasonAgainstWorkers(system, runnerOptions.resources) : undefined;
    const options = { undeclaredEvents: 'ignore', ...runnerOptions } as const;
    return { runnerName: name, start: reason ?? ((bound) => start(bound, options)) };
  });
  const others = Object.entries(otherRunners as Readonly<Record<string, StartRunner<Apps>>>);
  return [...starts, ...others.map(([runnerName, start]) => ({ runnerName, start }))];
}

function reasonAgainstWorkers({ module }: System, resources: object | undefined): string | undefined {
  if (module === undefined) return 'the system has no module from which threads and processes can load it';
  return resources === undefined
    ? undefined
    : 'threads and processes open the resources of the system themselves';
}

/** Runs the scenario on empty storage. */
async function outcomeOf<Apps extends ApplicationClass>(
  name: string,
  system: System<Apps>,
  scenario: Scenario<Apps>,
  place: MakePlace,
  start: StartRunner<Apps>,
  { runTimeoutMs }: Options,
): Promise<ScenarioOutcome> {
  await using kept = await place();
  const { storage } = kept;
  return await undisturbedRun(name, () =>
    runScenario(system, scenario, { storage, start: () => start(system.bind(storage)), runTimeoutMs }),
  );
}

function assertEqual(runs: readonly [string, string], expected: RecordedState, actual: RecordedState): void {
  const difference = differenceOf(expected, actual);
  if (difference === undefined) return;
  const hint =
    'A policy may depend on time, randomness, state of its module, or on the order of unrelated events; or the scenario does ' +
    'not wait for what a command builds on.';
  throw new NotEquivalentError(runs, difference, hint);
}
