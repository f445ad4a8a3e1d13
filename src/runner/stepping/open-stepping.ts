import type { ApplicationClass } from '../../application/application.ts';
import type { System } from '../../system/system.ts';
import { Mutex } from '../../util/mutex.ts';
import { resolveOptions } from '../../util/options.ts';
import { realClock } from '../../util/real-clock.ts';
import { publish } from '../diagnostics.ts';
import { type RunnerOptions, runnerOptions } from '../runner-options.ts';
import { openSystem, type RunningSystem } from '../running-system.ts';
import { type DriverReport, Interruptions } from './interruptions.ts';
import { LogHeads } from './log-heads.ts';
import { pipelineId, type StepDriver } from './step-driver.ts';
import { assertSteppingOptions, type SteppingRunnerOptions, steppingOptions } from './stepping-options.ts';
import type { SteppingParts } from './stepping-runner.ts';

/** What a stage is made of. */
export interface Setting {
  readonly running: RunningSystem;
  readonly heads: LogHeads;
  readonly report: DriverReport;
  /** What ids made in the run follow from. */
  readonly seed: string;
}

/** Opens a system to be stepped, or throws having closed what it had opened. */
export async function openStepping<Apps extends ApplicationClass>(
  runner: string,
  system: System<Apps>,
  options: SteppingRunnerOptions,
  makeStage: (setting: Setting) => Promise<StepDriver>,
): Promise<SteppingParts<Apps>> {
  assertSteppingOptions(options);
  const others = Object.entries(options).filter(([name]) => !steppingOptions.includes(name));
  const common: RunnerOptions = Object.fromEntries(others);
  const resolved = resolveOptions(common, runnerOptions, `${runner}.start()`);
  const turns = new Mutex();
  const running = await openSystem(system, resolved, {
    pipelineIds: [pipelineId],
    turn: (_name, commit) => turns.run(commit),
  });
  try {
    const heads = new LogHeads(system.graph.nodes.map(({ name }) => name));
    for (const application of running.applications) {
      application.subscribe(({ applicationName, head }) => heads.raise(applicationName, head));
    }
    await heads.refresh(running.applications);
    const { clock = realClock, startTimeMs = Date.now() } = options;
    const seed = `${startTimeMs} ${heads.total}`; // a run that is resumed makes other ids than the one before
    const interruptions = new Interruptions();
    const stage = await makeStage({ running, heads, seed, report: reportOf(runner, interruptions) });
    return {
      system,
      options: { ...options, ...resolved },
      clock,
      startTimeMs,
      seed,
      running,
      heads,
      stage,
      turns,
      interruptions,
    };
  } catch (error) {
    await running.release();
    throw error;
  }
}

function reportOf(runner: string, interruptions: Interruptions): DriverReport {
  return {
    processed: (applicationName, upstreamName, count) =>
      publish('processed', { runner, applicationName, pipelineId, upstreamName, count }),
    interrupted(applicationName, error) {
      interruptions.note(applicationName, error);
      publish('interrupted', { runner, applicationName, pipelineId, error });
    },
  };
}
