import type { ApplicationClass } from '../../application/application.ts';
import { assertSystem, type System } from '../../system/system.ts';
import { inRootContext } from '../../util/environment/root-context.ts';
import { Mutex } from '../../util/mutex.ts';
import { resolveOptions } from '../../util/options.ts';
import type { Clock } from '../../util/time.ts';
import { realClock } from '../../util/time.ts';
import { publish, type RunnerEvent } from '../diagnostics.ts';
import { localPipelineId } from '../local-pipeline.ts';
import { LoopWatch } from '../loops/loop-watch.ts';
import { openSystem, type RunningSystem } from '../running-system.ts';
import { Interruptions } from './interruptions.ts';
import { LogHeads } from './log-heads.ts';
import type { DriverParts, DriverReport, StepDriver } from './step-driver.ts';
import {
  type ResolvedSteppingOptions,
  type SteppingRunnerOptions,
  steppingRunnerOptions,
} from './stepping-options.ts';

/** Parts of a stepping runner. */
export interface SteppingParts<Apps extends ApplicationClass = ApplicationClass> {
  /** Name of the runner's class, for diagnostics events. */
  readonly runnerName: string;
  readonly system: System<Apps>;
  readonly options: ResolvedSteppingOptions;
  readonly running: RunningSystem;
  readonly heads: LogHeads;
  readonly driver: StepDriver;
  /** Serializes ticks and the saves between them. */
  readonly turns: Mutex;
  readonly interruptions: Interruptions;
  /** Source of real time. */
  readonly clock: Clock;
  /** Simulated time of tick 0, in ms since 1970. */
  readonly startTimeMs: number;
  /** Seed of all ids that are made in the run. */
  readonly seed: string;
}

/** Opens a system for a stepping runner, or throws after closing everything that was opened. */
export async function openStepping<Apps extends ApplicationClass>(
  runnerName: string,
  system: System<Apps>,
  options: SteppingRunnerOptions,
  startDriver: (parts: DriverParts) => StepDriver | Promise<StepDriver>,
): Promise<SteppingParts<Apps>> {
  assertSystem(system, `${runnerName}.start()`);
  const resolved = resolveOptions(options, steppingRunnerOptions, `${runnerName}.start()`);
  const turns = new Mutex();
  const running = await openSystem(system, resolved, {
    runner: runnerName,
    pipelineIds: [localPipelineId],
    saveRulesOf: () => ({ runCommit: (commit) => turns.run(commit) }),
  });
  try {
    const heads = new LogHeads(system.graph.nodes.map(({ name }) => name));
    for (const application of running.applications) {
      application.subscribe(({ applicationName, head }) => heads.raise(applicationName, head));
    }
    await heads.refresh(running.applications);
    const { clock = realClock, startTimeMs = Date.now() } = resolved;
    const seed = `${startTimeMs} ${heads.total}`; // so that a second run on the same storage makes other ids
    const interruptions = new Interruptions();
    const loops = new LoopWatch(runnerName, (name) => running.recorderOf(name));
    const report = reportTo(interruptions, runnerName, loops);
    const driver = await inRootContext(startDriver, {
      system,
      options: resolved,
      running,
      heads,
      report,
      seed,
    });
    return {
      runnerName,
      system,
      options: resolved,
      running,
      heads,
      driver,
      turns,
      interruptions,
      clock,
      startTimeMs,
      seed,
    };
  } catch (error) {
    await running.release();
    throw error;
  }
}

/** Returns the diagnostics event of an application. */
export function eventOf(
  { runnerName }: Pick<SteppingParts, 'runnerName'>,
  applicationName: string,
): RunnerEvent {
  return { runner: runnerName, applicationName, pipelineId: localPipelineId };
}

function reportTo(interruptions: Interruptions, runner: string, loops: LoopWatch): DriverReport {
  const pipelineId = localPipelineId;
  return {
    processed(applicationName, upstreamName, count) {
      publish('processed', { runner, applicationName, pipelineId, upstreamName, count });
      loops.processed(applicationName, pipelineId, count);
    },
    interrupted(applicationName, error, interruption) {
      interruptions.note(applicationName, error, interruption);
      publish('interrupted', { runner, applicationName, pipelineId, error, interruption });
    },
  };
}
