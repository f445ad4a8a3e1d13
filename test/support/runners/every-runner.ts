import {
  type ApplicationClass,
  MultiprocessRunner,
  MultiThreadedRunner,
  SingleThreadedRunner,
  SteppingMultiThreadedRunner,
  SteppingSingleThreadedRunner,
  type StorageDescription,
  type System,
  type SystemRunner,
} from 'kahn';
import type { RestateEngine } from '../servers/restate-engine.ts';
import { startOnRestate } from '../servers/restate-runner.ts';

/** Options that every kind of runner takes. */
export interface EveryRunnerOptions {
  readonly storage: StorageDescription;
  readonly batchSize?: number;
}

/** A kind of runner, for suites that run on all of them. */
export interface RunnerKind {
  readonly name: string;
  /** Names of the storages on which the runner refuses to start. */
  readonly refuses: readonly string[];
  start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: EveryRunnerOptions,
  ): Promise<SystemRunner<Apps>>;
}

/** The runners that need nothing but the storage. */
export const localRunners: readonly RunnerKind[] = [
  {
    name: 'single-threaded',
    refuses: [],
    start: (system, options) => SingleThreadedRunner.start(system, options),
  },
  {
    name: 'multi-threaded',
    refuses: [],
    start: (system, options) => MultiThreadedRunner.start(system, options),
  },
  {
    name: 'stepping single-threaded',
    refuses: [],
    start: (system, options) => SteppingSingleThreadedRunner.start(system, { ...options, scaleFactor: 0 }),
  },
  {
    name: 'stepping multi-threaded',
    refuses: [],
    start: (system, options) => SteppingMultiThreadedRunner.start(system, { ...options, scaleFactor: 0 }),
  },
  {
    name: 'multiprocess',
    refuses: ['memory'],
    start: (system, options) => MultiprocessRunner.start(system, options),
  },
];

/** The runner on a Restate engine, which is started when a suite runs. */
export function restateKind(engine: () => RestateEngine): RunnerKind {
  return {
    name: 'Restate',
    refuses: ['memory'],
    start: (system, options) => startOnRestate(engine(), system, options),
  };
}
