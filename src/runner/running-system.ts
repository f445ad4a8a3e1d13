import { type Application, type ApplicationClass, applicationInternals } from '../application/application.ts';
import { openStore } from '../application/application-binding.ts';
import { ProcessApplication } from '../application/process-application.ts';
import { memory } from '../persistence/memory/index.ts';
import { type LogListener, openStorage, type Persistence } from '../persistence/persistence.ts';
import { SystemBoundError, SystemRunningError } from '../system/errors.ts';
import type { System } from '../system/system.ts';
import type { RunnerOptions } from '../system/system-runner.ts';
import { assertOptions, assertWholeNumber } from '../util/options.ts';

/** Runs a commit of the application named first when it is its turn. */
export type Turn = (applicationName: string, commit: () => Promise<void>) => Promise<void>;

/** The applications of a system, opened in this thread and following each other's logs. */
export interface RunningSystem {
  readonly applications: ReadonlyMap<string, Application>;
  readonly processApplications: readonly ProcessApplication[];
  /** Who follows an application, in the order of definition. */
  followersOf(applicationName: string): readonly ProcessApplication[];
  /**
   * Tells of what other processes record, if the storage knows; resolves with whether it does. Ends when all is
   * released.
   */
  listen(listener: LogListener): Promise<boolean>;
  /** Releases everything, the applications being idle. */
  release(): Promise<void>;
}

const runnerOptions = ['persistence', 'setupTables', 'batchSize', 'cacheSize', 'pollIntervalMs', 'signal'];
const running = new WeakSet<object>();

/**
 * Opens all applications of a system, or throws having closed what it had opened.
 *
 * @throws SystemRunningError if this system is running already.
 * @throws StorageError if the storage cannot be opened.
 */
export async function openSystem<Apps extends ApplicationClass>(
  system: System<Apps>,
  options: RunnerOptions,
  turn: Turn,
): Promise<RunningSystem> {
  assertOptions(options, runnerOptions, 'A runner');
  const { persistence: _, batchSize, pollIntervalMs, signal, ...storeOptions } = options;
  if (batchSize !== undefined) assertWholeNumber(batchSize, 'batchSize', 1);
  if (pollIntervalMs !== undefined) assertWholeNumber(pollIntervalMs, 'pollIntervalMs', 1);
  const persistence = persistenceOf(system, options);
  await using opened = new AsyncDisposableStack();
  opened.defer(claim(system));
  const storage = await openStorage(persistence);
  opened.defer(() => storage.close());
  const applications = new Map<string, Application>();
  for (const kind of system.applications) {
    signal?.throwIfAborted();
    const store = await openStore(kind, storage, { ...storeOptions, types: system.types });
    opened.defer(() => store.recorder.close());
    const application = new kind();
    applicationInternals.bind(application, {
      store,
      turn: (commit) => turn(kind.applicationName, commit),
      belongsToRunner: true,
      release: async () => {},
    });
    applications.set(kind.applicationName, application);
  }
  const followers = followEdges(system, applications, batchSize);
  const resources = opened.move();
  return {
    applications,
    processApplications: [...applications.values()].filter(
      (application) => application instanceof ProcessApplication,
    ),
    followersOf: (applicationName) => followers.get(applicationName) ?? [],
    listen: async (listener) => {
      const listening = await storage.listen?.(listener);
      if (listening !== undefined) resources.use(listening);
      return listening !== undefined;
    },
    release: () => resources.disposeAsync(),
  };
}

function persistenceOf(system: System, { persistence }: RunnerOptions): Persistence {
  if (persistence !== undefined && system.persistence !== undefined) {
    throw new SystemBoundError(
      'This system is bound to storage already: start its runner without a persistence.',
    );
  }
  return persistence ?? system.persistence ?? memory();
}

function claim(system: object): () => void {
  if (running.has(system)) {
    throw new SystemRunningError(
      'This system is running already: close its runner first, or bind a copy of it.',
    );
  }
  running.add(system);
  return () => running.delete(system);
}

function followEdges(
  system: System,
  applications: ReadonlyMap<string, Application>,
  batchSize: number | undefined,
): Map<string, ProcessApplication[]> {
  const followers = new Map<string, ProcessApplication[]>();
  for (const { upstream, downstream } of system.graph.edges) {
    const application = applications.get(downstream);
    const log = applications.get(upstream)?.log;
    if (!(application instanceof ProcessApplication) || log === undefined) continue;
    application.follow(log, batchSize);
    followers.set(upstream, [...(followers.get(upstream) ?? []), application]);
  }
  return followers;
}
