import {
  type ApplicationClass,
  MultiprocessRunner,
  MultiThreadedRunner,
  SingleThreadedRunner,
  SteppingMultiThreadedRunner,
  type SteppingRunner,
  type SteppingRunnerOptions,
  SteppingSingleThreadedRunner,
  type StorageDescription,
  type System,
  type SystemRunner,
} from 'kahn';
import type { RestateEngine } from '../servers/restate-engine.ts';
import { startOnRestate } from '../servers/restate-runner.ts';

/** Options that every kind of runner takes, and pipelines if it runs several. */
export interface EveryRunnerOptions {
  readonly storage?: StorageDescription;
  readonly batchSize?: number;
  readonly pipelineIds?: readonly number[];
}

/** A kind of runner, for suites that run on all of them. */
export interface RunnerKind {
  readonly name: string;
  /** Names of the storages on which the runner refuses to start. */
  readonly refuses: readonly string[];
  readonly hasPipelines: boolean;
  /** Whether its followers run in other threads. */
  readonly hasThreads: boolean;
  start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: EveryRunnerOptions,
  ): Promise<SystemRunner<Apps>>;
  /** Starts a runner with a clock. */
  startStepping?<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: SteppingRunnerOptions,
  ): Promise<SteppingRunner<Apps>>;
}

/** The runners that need nothing but the storage. */
export const localRunners: readonly RunnerKind[] = [
  {
    name: 'single-threaded',
    refuses: [],
    hasPipelines: false,
    hasThreads: false,
    start: (system, options) => SingleThreadedRunner.start(system, options),
  },
  {
    name: 'stepping single-threaded',
    refuses: [],
    hasPipelines: false,
    hasThreads: false,
    start: (system, options) => SteppingSingleThreadedRunner.start(system, { ...options, scaleFactor: 0 }),
    startStepping: (system, options) => SteppingSingleThreadedRunner.start(system, options),
  },
  {
    name: 'stepping multi-threaded',
    refuses: [],
    hasPipelines: false,
    hasThreads: true,
    start: (system, options) => SteppingMultiThreadedRunner.start(system, { ...options, scaleFactor: 0 }),
    startStepping: (system, options) => SteppingMultiThreadedRunner.start(system, options),
  },
  {
    name: 'multi-threaded',
    refuses: [],
    hasPipelines: true,
    hasThreads: true,
    start: (system, options) => MultiThreadedRunner.start(system, options),
  },
  {
    name: 'multiprocess',
    refuses: ['memory'],
    hasPipelines: true,
    hasThreads: false,
    start: (system, options) => MultiprocessRunner.start(system, options),
  },
];

/** The runner on a Restate engine, which is started when a suite runs. */
export function restateKind(engine: () => RestateEngine): RunnerKind {
  return {
    name: 'Restate',
    refuses: ['memory'],
    hasPipelines: true,
    hasThreads: false,
    start: (system, options) => startOnRestate(engine(), system, options),
  };
}
