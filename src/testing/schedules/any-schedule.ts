import type { ApplicationClass } from '../../application/application.ts';
import { MultiThreadedRunner } from '../../runner/multi-threaded/multi-threaded-runner.ts';
import type { SystemRunner } from '../../runner/runner.ts';
import type { RunnerOptions } from '../../runner/runner-options.ts';
import { SingleThreadedRunner } from '../../runner/single-threaded/single-threaded-runner.ts';
import { SteppingSingleThreadedRunner } from '../../runner/stepping/stepping-single-threaded-runner.ts';
import { memory } from '../../storage/memory/index.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import type { System } from '../../system/system.ts';
import { inRootContext } from '../../util/environment/root-context.ts';
import { KahnError, messageOf } from '../../util/errors.ts';
import { resolveOptions } from '../../util/options.ts';
import { newSeed } from '../faults/random-numbers.ts';
import { framesAbove, withFrames } from '../frames-of-caller.ts';
import { differenceOf } from '../scenarios/differences.ts';
import { InvalidScenarioError } from '../scenarios/errors.ts';
import { runScenario, type ScenarioOutcome } from '../scenarios/run-scenario.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { assertScenario } from '../scenarios/scenario-arguments.ts';
import { undisturbedRun } from '../scenarios/undisturbed-run.ts';
import { drawSchedule, type Schedule, type ScheduledRunner, scheduleLines } from './schedule.ts';
import { type AnyScheduleOptions, anyScheduleOptions } from './schedule-options.ts';
import { ScheduleRun } from './schedule-run.ts';
import { simplestFailing } from './shrinking.ts';

/** What {@link anySchedule} has tried. */
export interface TriedSchedules {
  /** Number of schedules that were run. */
  readonly runs: number;
  /** Seed of the first one. */
  readonly seed: number;
  /** Runners that could not be used, by their names, with the reasons: 'multi-threaded', or none. */
  readonly unavailable: Readonly<Record<string, string>>;
}

/** A run of a scenario under a schedule has failed, or has left something else on record than an undisturbed run. */
export class ScheduleFailedError extends KahnError {
  override readonly code = 'SCHEDULE_FAILED';
  /** Seed of the schedule. */
  declare readonly seed: number;
  /** Disturbances of the shortest schedule that fails, as text. */
  declare readonly schedule: readonly string[];
}

/**
 * Checks that a system leaves the same on record under random schedules: delayed and refused recordings, lost answers, crashes
 * at recordings, restarts, changes between runners, and a second runner that races for the same notifications, with prompts
 * that are lost, repeated or late. A system with a `module` also runs in threads, if these can share the storage.
 *
 * @throws {@link ScheduleFailedError} for the first schedule that fails, with the shortest part of it that fails, too.
 * @throws {@link InvalidOptionError} if an option is unknown or its value does not fit.
 * @throws {@link ScenarioRunError} if the run without disturbances fails, takes too long, or `verify()` finds something.
 * @throws {@link InvalidScenarioError} if the scenario records nothing or does not await a command.
 * @throws {@link SystemBoundError} if the system is bound to a storage.
 * @example
 * await anySchedule(shop, async (runner) => {
 *   await runner.get(Orders).place('ada');
 * }, { runs: 10 });
 */
export function anySchedule<Apps extends ApplicationClass, Opened extends object>(
  system: System<Apps, Opened>,
  scenario: Scenario<NoInfer<Apps>>,
  options: AnyScheduleOptions<NoInfer<Opened>> = {},
): Promise<TriedSchedules> {
  const frames = framesAbove(anySchedule);
  return withFrames(frames, () => trySchedules(system, scenario, options));
}

async function trySchedules<Apps extends ApplicationClass, Opened extends object>(
  system: System<Apps, Opened>,
  scenario: Scenario<NoInfer<Apps>>,
  options: AnyScheduleOptions<NoInfer<Opened>>,
): Promise<TriedSchedules> {
  assertScenario(system, scenario, 'anySchedule');
  const given: AnyScheduleOptions = options;
  const {
    runs,
    runnerOptions,
    runTimeoutMs,
    seed = newSeed(),
    storage = memory,
  } = resolveOptions(given, anyScheduleOptions, 'anySchedule()');
  const trial = { system, scenario, runnerOptions, runTimeoutMs };
  const undisturbed = new ScheduleRun(storage(), []);
  const expected = await undisturbedRun('SingleThreadedRunner, without disturbances', () =>
    outcomeOf(trial, undisturbed),
  );
  const noThreads = await reasonAgainstThreads(trial, storage());
  const failureUnder = (schedule: Schedule) =>
    failureOf(trial, new ScheduleRun(storage(), schedule), expected);
  for (let index = 0; index < runs; index += 1) {
    const drawn = drawSchedule(seed + index, undisturbed.recordings, noThreads === undefined);
    const failure = await failureUnder(drawn);
    if (failure === undefined) continue;
    const fails = async (one: Schedule) => (await failureUnder(one)) !== undefined;
    const shortest = await simplestFailing(drawn, fails);
    throw failedError(seed + index, shortest, (await failureUnder(shortest)) ?? failure);
  }
  return { runs, seed, unavailable: noThreads === undefined ? {} : { 'multi-threaded': noThreads } };
}

/** Returns why a system does not run in threads on a storage; undefined if it does. */
async function reasonAgainstThreads<Apps extends ApplicationClass>(
  trial: Trial<Apps>,
  storage: StorageDescription,
): Promise<string | undefined> {
  if (trial.runnerOptions.resources !== undefined)
    return 'threads open the resources of the system themselves';
  if (trial.system.module === undefined) return 'the system has no module from which threads can load it';
  try {
    await (await startRunner(trial, 'multi-threaded', storage)).close();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** What all runs of one call have in common. */
interface Trial<Apps extends ApplicationClass> {
  readonly system: System<Apps>;
  readonly scenario: Scenario<Apps>;
  readonly runnerOptions: Omit<RunnerOptions, 'storage' | 'signal'>;
  readonly runTimeoutMs: number;
}

function failedError(seed: number, schedule: Schedule, failure: string): ScheduleFailedError {
  const lines = scheduleLines(schedule);
  const steps = lines.map((line) => `- ${line}\n`).join('');
  return new ScheduleFailedError(
    `A schedule fails:\n${steps}\n${failure}\n\nTo repeat it, pass { seed: ${seed}, runs: 1 } to anySchedule().`,
    { seed, schedule: lines },
  );
}

/** Returns how a run under a schedule fails; undefined if it leaves on record what is expected. */
async function failureOf<Apps extends ApplicationClass>(
  trial: Trial<Apps>,
  run: ScheduleRun,
  expected: ScenarioOutcome,
): Promise<string | undefined> {
  try {
    const { state, faults } = await outcomeOf(trial, run);
    if (faults.length > 0) return `verify() finds: ${faults.map(String).join('\n')}`;
    const difference = differenceOf(expected.state, state);
    return (
      difference && `Something else is on record than after an undisturbed run:\n${difference}\n\n${hint}`
    );
  } catch (error) {
    if (error instanceof InvalidScenarioError) throw error;
    return `It fails: ${messageOf(error)}`;
  }
}

async function outcomeOf<Apps extends ApplicationClass>(
  trial: Trial<Apps>,
  run: ScheduleRun,
): Promise<ScenarioOutcome> {
  const { system, scenario, runTimeoutMs } = trial;
  const startLife = async () => {
    for (;;) {
      const kind = run.next;
      const { storage, hasCrashed } = run.begin();
      try {
        const runner = await startRunner(trial, kind, storage);
        return { runner, hasCrashed, isPassing: (error: unknown) => run.isPlanned(error) };
      } catch (error) {
        if (!hasCrashed() && !run.isPlanned(error)) throw error; // a runner that crashes while it starts is followed by another one
      }
    }
  };
  await using opened = new AsyncDisposableStack();
  opened.defer(() => run.end());
  if (run.hasRival) opened.use(await startRunner(trial, 'single-threaded', run.rivalStorage()));
  const restarts: Promise<void>[] = [];
  return await runScenario(system, scenario, {
    storage: run.storage,
    start: (storage) => startRunner(trial, run.next, storage),
    startLife,
    runTimeoutMs,
    meanwhile: (lasting) => {
      // A stepping runner that is closed in the context of its tick does not wait for the end of the tick.
      const restart = () => inRootContext(() => lasting.restart());
      run.restart = () => void restarts.push(restart().catch(() => {})); // the next call gets the error
      void run.watchThreads();
    },
    afterwards: async (lasting) => {
      await lasting.face.caughtUp();
      run.restart = () => {}; // not while the runner is closed in the end
      await Promise.all(restarts);
    },
  });
}

const hint =
  'A policy may depend on time, randomness, state of its module or in memory, or on the order of unrelated events, or call ' +
  'another system that does not recognise a repeated call.';

/** Interval at which runners look for events of each other, in ms. */
const pollIntervalMs = 5;
/** Nothing is counted at a start: each run begins with an empty storage. */
const undeclaredEvents = 'ignore';

function startRunner<Apps extends ApplicationClass>(
  { system, runnerOptions }: Trial<Apps>,
  kind: ScheduledRunner,
  storage: StorageDescription,
): Promise<SystemRunner<Apps>> {
  const bound = system.bind(storage); // so that a run that never ends does not keep others from running the system
  const options = { pollIntervalMs, undeclaredEvents, ...runnerOptions } as const;
  switch (kind) {
    case 'single-threaded':
      return SingleThreadedRunner.start(bound, options);
    case 'stepping':
      return SteppingSingleThreadedRunner.start(bound, { ...options, scaleFactor: 0 });
    case 'multi-threaded':
      return MultiThreadedRunner.start(bound, options);
  }
}
