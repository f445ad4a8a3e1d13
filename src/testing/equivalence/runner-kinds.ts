import type { ApplicationClass } from '../../application/application.ts';
import { MultiThreadedRunner } from '../../runner/multi-threaded/multi-threaded-runner.ts';
import { MultiprocessRunner } from '../../runner/multiprocess/multiprocess-runner.ts';
import type { SystemRunner } from '../../runner/runner.ts';
import type { RunnerOptions } from '../../runner/runner-options.ts';
import { SingleThreadedRunner } from '../../runner/single-threaded/single-threaded-runner.ts';
import { SteppingMultiThreadedRunner } from '../../runner/stepping/stepping-multi-threaded-runner.ts';
import { SteppingSingleThreadedRunner } from '../../runner/stepping/stepping-single-threaded-runner.ts';
import type { System } from '../../system/system.ts';

/** Starts a runner on the storage to which a system is bound. */
export type StartRunner<Apps extends ApplicationClass = ApplicationClass> = (
  system: System<Apps>,
) => Promise<SystemRunner<Apps>>;

/** A runner of kahn. */
export interface RunnerKind {
  readonly name: string;
  /** Whether its applications run in threads or processes, which load the system from its module. */
  readonly hasWorkers: boolean;
  start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: Omit<RunnerOptions, 'storage'>,
  ): Promise<SystemRunner<Apps>>;
}

/** Ticks follow each other without a delay. */
const asFastAsPossible = { scaleFactor: 0 };

/** All runners that need no engine. */
export const runnerKinds: readonly RunnerKind[] = [
  {
    name: 'SingleThreadedRunner',
    hasWorkers: false,
    start: (system, options) => SingleThreadedRunner.start(system, options),
  },
  {
    name: 'SteppingSingleThreadedRunner',
    hasWorkers: false,
    start: (system, options) =>
      SteppingSingleThreadedRunner.start(system, { ...options, ...asFastAsPossible }),
  },
  {
    name: 'MultiThreadedRunner',
    hasWorkers: true,
    start: (system, options) => MultiThreadedRunner.start(system, options),
  },
  {
    name: 'SteppingMultiThreadedRunner',
    hasWorkers: true,
    start: (system, options) =>
      SteppingMultiThreadedRunner.start(system, { ...options, ...asFastAsPossible }),
  },
  {
    name: 'MultiprocessRunner',
    hasWorkers: true,
    start: (system, options) => MultiprocessRunner.start(system, options),
  },
];
