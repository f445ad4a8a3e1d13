import {
  type ApplicationClass,
  MultiprocessRunner,
  MultiThreadedRunner,
  type RunnerOptions,
  type StorageDescription,
  type System,
  type SystemRunner,
} from 'kahn';
import { storages } from './storages.ts';
import { byTier } from './tier.ts';
import { watchProcesses } from './watchers/processes.ts';
import { watchWorkers } from './watchers/workers.ts';

/** Options that the multi-threaded and the multiprocess runner share. */
export interface SupervisedOptions extends RunnerOptions {
  readonly pipelineIds?: readonly number[];
}

/** A runner under test that runs each application in a worker: a thread or a process. */
export interface SupervisedSubject {
  readonly name: string;
  readonly kind: 'thread' | 'process';
  start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: SupervisedOptions,
  ): Promise<SystemRunner<Apps> & { get<A extends Apps>(kind: A, pipelineId?: number): InstanceType<A> }>;
  /** Creates empty storage for the running test. */
  create(): StorageDescription;
  /** Returns the running workers that were started after this call, and calls back when one starts or ends. */
  watch(started?: () => void, ended?: () => void): ReadonlySet<unknown>;
}

/** The multi-threaded runner, on any storage. */
export const threads: Pick<SupervisedSubject, 'kind' | 'start' | 'watch'> = {
  kind: 'thread',
  start: (system, options) => MultiThreadedRunner.start(system, options),
  watch: (started = () => {}, ended = () => {}) =>
    watchWorkers((worker) => {
      started();
      worker.once('exit', ended);
    }),
};

const processes: Pick<SupervisedSubject, 'kind' | 'start' | 'watch'> = {
  kind: 'process',
  start: (system, options) => MultiprocessRunner.start(system, options),
  watch: (started = () => {}, ended = () => {}) =>
    watchProcesses((child) => {
      started();
      child.once('exit', ended);
    }),
};

/** The runners of threads and of processes, on every storage that works differently for them. */
export const allSupervisedSubjects: readonly SupervisedSubject[] = storages.flatMap(({ name, create }) => [
  ...(name === 'postgres' ? [] : [{ ...threads, name: `threads on ${name}`, create }]),
  ...(name === 'memory' ? [] : [{ ...processes, name: `processes on ${name}`, create }]),
]);

const isQuick = ({ name }: SupervisedSubject) =>
  name === 'threads on memory' || name === 'processes on sqlite';

/** One runner of threads and one of processes in the quick tier, and the others in the exhaustive one. */
export const supervisedSubjects: readonly SupervisedSubject[] = allSupervisedSubjects.filter((subject) =>
  byTier(isQuick(subject), !isQuick(subject)),
);
