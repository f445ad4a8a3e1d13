import {
  type ApplicationClass,
  MultiprocessRunner,
  MultiThreadedRunner,
  type RunnerOptions,
  type StorageDescription,
  type System,
  type SystemRunner,
} from 'kahn';
import { watchProcesses } from './processes.ts';
import { storages } from './storages.ts';
import { byTier } from './tier.ts';
import { watchWorkers } from './workers.ts';

/** What runners with threads and with processes have in common. */
export interface PeerOptions extends RunnerOptions {
  readonly pipelineIds?: readonly number[];
}

/** A runner that runs each application in a peer of its own. */
export interface PeerSubject {
  readonly name: string;
  readonly kind: 'thread' | 'process';
  start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: PeerOptions,
  ): Promise<SystemRunner<Apps> & { get<A extends Apps>(kind: A, pipelineId?: number): InstanceType<A> }>;
  /** Makes empty storage for the running test. */
  create(): StorageDescription;
  /** The peers that run, among those that are started from now on, each told of when it is started and has ended. */
  watch(started?: () => void, ended?: () => void): ReadonlySet<unknown>;
}

/** Threads, on whatever storage. */
export const threads: Pick<PeerSubject, 'kind' | 'start' | 'watch'> = {
  kind: 'thread',
  start: (system, options) => MultiThreadedRunner.start(system, options),
  watch: (started = () => {}, ended = () => {}) =>
    watchWorkers((worker) => {
      started();
      worker.once('exit', ended);
    }),
};

const processes: Pick<PeerSubject, 'kind' | 'start' | 'watch'> = {
  kind: 'process',
  start: (system, options) => MultiprocessRunner.start(system, options),
  watch: (started = () => {}, ended = () => {}) =>
    watchProcesses((child) => {
      started();
      child.once('exit', ended);
    }),
};

/** Threads and processes, on every storage on which they differ. */
export const allPeerSubjects: readonly PeerSubject[] = storages.flatMap(({ name, create }) => [
  ...(name === 'postgres' ? [] : [{ ...threads, name: `threads on ${name}`, create }]),
  ...(name === 'memory' ? [] : [{ ...processes, name: `processes on ${name}`, create }]),
]);

const isQuick = ({ name }: PeerSubject) => name === 'threads on memory' || name === 'processes on sqlite';

/** One kind of threads and one of processes in the quick tier, and the others in the exhaustive one. */
export const peerSubjects: readonly PeerSubject[] = allPeerSubjects.filter((subject) =>
  byTier(isQuick(subject), !isQuick(subject)),
);
