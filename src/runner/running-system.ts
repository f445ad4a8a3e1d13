import { type Application, type ApplicationClass, applicationInternals } from '../application/application.ts';
import { ownedBinding } from '../application/application-binding.ts';
import { openStore } from '../application/open-store.ts';
import type { EventStore } from '../application/recording/event-store.ts';
import { memory } from '../storage/memory/index.ts';
import type { Prompt } from '../storage/prompt.ts';
import { type OpenedStorage, openStorage, type StorageDescription } from '../storage/storage.ts';
import { SystemBoundError, SystemRunningError } from '../system/errors.ts';
import { assertPartOf, type System } from '../system/system.ts';
import { assertNotInWorker } from '../system/system-module.ts';
import { newId } from '../util/ids.ts';
import { InvalidOptionError } from '../util/options.ts';
import type { ResolvedRunnerOptions, RunnerOptions } from './runner-options.ts';

/** Runs a commit of the application named first when it is its turn. */
export type Turn = (applicationName: string, commit: () => Promise<void>) => Promise<void>;

/** What a runner says of how it opens a system. */
export interface Opening {
  /** The pipelines whose applications are opened at once. */
  readonly pipelineIds: readonly number[];
  readonly turn: Turn;
  /** Called whenever one of the applications has recorded. */
  grown?(prompt: Prompt): void;
}

/** The applications of a system, opened in this thread. */
export interface RunningSystem {
  readonly storage: StorageDescription;
  /** Who records, in all threads and processes of the runner. */
  readonly writerId: string;
  readonly openedStorage: OpenedStorage;
  /**
   * Returns the application of this class in one of the pipelines that run; without a pipeline, in the first.
   *
   * @throws {@link UnknownApplicationError} if the class is not part of the system.
   * @throws {@link InvalidOptionError} if the runner does not run that pipeline.
   */
  get<A extends ApplicationClass>(kind: A, pipelineId?: number): InstanceType<A>;
  /** The applications of a pipeline, by their names; opened now if they are not yet. */
  in(pipelineId: number): ReadonlyMap<string, Application>;
  /** Those that may go on in another pipeline than this one, by their names; opened now if they are not yet. */
  movable(pipelineId: number): ReadonlyMap<string, Application>;
  /** All that are open, in all pipelines. */
  readonly applications: readonly Application[];
  /** Releases everything, the applications being idle. */
  release(): Promise<void>;
}

const running = new WeakSet<object>();

/**
 * Opens all applications of a system, or throws having closed what it had opened.
 *
 * @throws SystemRunningError if this system is running already.
 * @throws StorageError if the storage cannot be opened.
 */
export async function openSystem(
  system: System,
  options: ResolvedRunnerOptions,
  opening: Opening,
): Promise<RunningSystem> {
  assertNotInWorker();
  const storage = storageOf(system, options);
  await using opened = new AsyncDisposableStack();
  opened.defer(claim(system));
  const writerId = newId();
  const openedStorage = await openStorage(storage, writerId);
  opened.defer(() => openedStorage.close());
  const stores = await openStores(system, options, openedStorage, opened);
  const opener = { system, stores, opening };
  const fixed = openedOnce((pipelineId) => applicationsIn(pipelineId, opener, false));
  const movable = openedOnce((pipelineId) => applicationsIn(pipelineId, opener, true));
  for (const pipelineId of opening.pipelineIds) fixed.in(pipelineId);
  const resources = opened.move();
  return {
    storage,
    writerId,
    openedStorage,
    get: (kind, pipelineId) => applicationOf(kind, system, fixed.in, opening.pipelineIds, pipelineId),
    in: fixed.in,
    movable: movable.in,
    get applications() {
      return [...fixed.applications, ...movable.applications];
    },
    release: () => resources.disposeAsync(),
  };
}

function applicationOf<A extends ApplicationClass>(
  kind: A,
  system: System,
  inPipeline: RunningSystem['in'],
  pipelineIds: readonly number[],
  pipelineId = pipelineIds[0] ?? 0,
): InstanceType<A> {
  assertPartOf(system, kind);
  if (!pipelineIds.includes(pipelineId)) {
    throw new InvalidOptionError(
      `This runner does not run pipeline ${pipelineId}, only ${pipelineIds.join(', ')}.`,
    );
  }
  return inPipeline(pipelineId).get(kind.applicationName) as InstanceType<A>;
}

/** Opens the applications of a pipeline when they are asked for. */
function openedOnce(open: (pipelineId: number) => ReadonlyMap<string, Application>) {
  const pipelines = new Map<number, ReadonlyMap<string, Application>>();
  return {
    in(pipelineId: number): ReadonlyMap<string, Application> {
      const applications = pipelines.get(pipelineId) ?? open(pipelineId);
      pipelines.set(pipelineId, applications);
      return applications;
    },
    get applications(): readonly Application[] {
      return [...pipelines.values()].flatMap((applications) => [...applications.values()]);
    },
  };
}

/** One for each application, whatever the pipelines: they share a recorder. */
async function openStores(
  { applications, types }: System,
  { signal, setupTables, cacheSize }: ResolvedRunnerOptions,
  openedStorage: OpenedStorage,
  opened: AsyncDisposableStack,
): Promise<ReadonlyMap<string, EventStore>> {
  const stores = new Map<string, EventStore>();
  for (const kind of applications) {
    signal?.throwIfAborted();
    const store = await openStore(kind, openedStorage, { setupTables, cacheSize, types });
    opened.defer(() => store.recorder.close());
    stores.set(kind.applicationName, store);
  }
  return stores;
}

interface Opener {
  readonly system: System;
  readonly stores: ReadonlyMap<string, EventStore>;
  readonly opening: Opening;
}

function applicationsIn(
  pipelineId: number,
  { system, stores, opening }: Opener,
  mayChangePipeline: boolean,
): ReadonlyMap<string, Application> {
  const opened = new Map<string, Application>();
  for (const kind of system.applications as readonly ApplicationClass[]) {
    const { applicationName } = kind;
    const application = new kind();
    const store = (stores.get(applicationName) as EventStore).inPipeline(pipelineId);
    const binding = ownedBinding(store, (commit) => opening.turn(applicationName, commit));
    applicationInternals.bind(application, { ...binding, mayChangePipeline });
    if (opening.grown !== undefined) application.subscribe(opening.grown);
    opened.set(applicationName, application);
  }
  return opened;
}

/** The storage that a runner is given, or its system is bound to; else memory. Throws {@link SystemBoundError}. */
export function storageOf(system: System, { storage }: Pick<RunnerOptions, 'storage'>): StorageDescription {
  if (storage !== undefined && system.storage !== undefined) {
    throw new SystemBoundError(
      'This system is already bound to storage: start its runner without a storage.',
    );
  }
  return storage ?? system.storage ?? memory();
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
