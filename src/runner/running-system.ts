import { type Application, type ApplicationClass, applicationInternals } from '../application/application.ts';
import { ownedBinding } from '../application/application-binding.ts';
import { askServers } from '../application/log/ask-servers.ts';
import { openStore } from '../application/open-store.ts';
import type { SaveRules } from '../application/recording/commit-queue.ts';
import type { EventStore } from '../application/recording/event-store.ts';
import { recordBeginning } from '../application/replaying/beginning.ts';
import { openResources } from '../application/resources/open-resources.ts';
import { memory } from '../storage/memory/index.ts';
import type { Prompt } from '../storage/prompt.ts';
import type { Recorder } from '../storage/recorder.ts';
import { isAway } from '../storage/remote/errors.ts';
import { type OpenedStorage, openStorage, type StorageDescription } from '../storage/storage.ts';
import { SystemBoundError, SystemRunningError } from '../system/errors.ts';
import { upstreamsOf } from '../system/graph.ts';
import { assertPartOf, layersOf, recordingOptions, type System } from '../system/system.ts';
import { assertNotInWorker } from '../system/system-module.ts';
import { inRootContext } from '../util/environment/root-context.ts';
import { assertPipelineId, newId } from '../util/ids.ts';
import { InvalidArgumentError, InvalidOptionError } from '../util/options.ts';
import { resolvesWithin } from '../util/timeout.ts';
import { warnOfMismatches } from './diagnostics.ts';
import { FailureRecords } from './operating/failure-records.ts';
import type { ResolvedRunnerOptions, RunnerOptions } from './runner-options.ts';
import { keepSchemas } from './schemas/kept-schemas.ts';
import { mismatchesIn } from './status.ts';
import { assertAllDeclared, warnOfUndeclared } from './undeclared-events/undeclared-report.ts';

/** Options of opening a system for a runner. */
export interface Opening {
  /** Name of the runner's class. */
  readonly runner: string;
  /** Pipelines that the runner runs. */
  readonly pipelineIds: readonly number[];
  /** Whether other hosts may run other pipelines, so that `get()` accepts any pipeline. */
  readonly sharesSystem?: boolean;
  /** Returns the rules for saves of an application; by default they are recorded at once. */
  saveRulesOf?(applicationName: string): SaveRules;
  /** Called before the schema of a projection becomes live that was being built. */
  beforeLive?(applicationName: string): Promise<void>;
  /** Called whenever one of the applications has recorded events. */
  grown?(prompt: Prompt): void;
}

const running = new WeakSet<object>();

/**
 * Opens all applications of a system; closes what it has opened if that fails.
 *
 * @throws {@link SystemRunningError} if this system is running already.
 * @throws {@link UndeclaredTypesError} if a log holds undeclared types, and the options refuse them.
 * @throws {@link ResourceError} if a resource cannot be opened.
 * @throws {@link StorageError} if the storage cannot be opened.
 */
export function openSystem(
  system: System,
  options: ResolvedRunnerOptions,
  opening: Opening,
): Promise<RunningSystem> {
  return inRootContext(open, system, options, opening);
}

async function open(
  system: System,
  options: ResolvedRunnerOptions,
  opening: Opening,
): Promise<RunningSystem> {
  assertNotInWorker();
  const storage = storageOf(system, options);
  await using opened = new AsyncDisposableStack();
  opened.defer(claim(system));
  const writerId = newId();
  const openedStorage = await openStorage(storage, { writerId, layers: layersOf(system) });
  opened.defer(() => openedStorage.close());
  const stores = await openStores(system, options, openedStorage, opened);
  await reportUndeclared(stores, options, opening, opened);
  const { pipelineIds, beforeLive } = opening;
  const keeper = keepSchemas(system.graph, { openedStorage, stores, pipelineIds, beforeLive });
  if (keeper !== undefined) opened.use(keeper);
  const { signal, resources: replaced } = options;
  const resources = opened.use(await openResources(system.resources, { signal, replaced }));
  const running = new RunningSystem({
    system,
    storage,
    writerId,
    openedStorage,
    stores,
    resources: resources.values,
    opening,
    opened,
  });
  await askServersOf(system, running, pipelineIds);
  await recordBeginnings(system, running, pipelineIds);
  await reportMismatches(system, running, pipelineIds);
  return running;
}

/** Waits for the servers of all upstreams in other systems at once. */
async function askServersOf(
  { graph }: System,
  running: RunningSystem,
  pipelineIds: readonly number[],
): Promise<void> {
  const asked = pipelineIds.flatMap((pipelineId) => {
    const opened = running.in(pipelineId);
    return [...opened].map(([name, application]) => {
      const logs = upstreamsOf(graph, name).map((one) => (opened.get(one) as Application).log);
      return askServers(applicationInternals.storeOf(application), logs);
    });
  });
  await Promise.all(asked);
}

/** Records where applications begin in the logs of their upstreams, before anything else is recorded there. */
async function recordBeginnings(
  { graph, applications }: System,
  running: RunningSystem,
  pipelineIds: readonly number[],
): Promise<void> {
  for (const applicationClass of applications) {
    if (applicationClass.begins === undefined) continue;
    const { applicationName } = applicationClass;
    for (const pipelineId of pipelineIds) {
      const opened = running.in(pipelineId);
      const store = applicationInternals.storeOf(opened.get(applicationName) as Application);
      for (const upstreamName of upstreamsOf(graph, applicationName))
        await recordBeginning(applicationClass, store, (opened.get(upstreamName) as Application).log).catch(
          (error) => {
            if (!isAway(error, upstreamName)) throw error; // otherwise the follower records it
          },
        );
    }
  }
}

/** Longest time for which a closing system waits for a count that a storage does not answer, in ms. */
const longestCountMs = 1_000;

/** Counts the events of undeclared types, as the option `undeclaredEvents` says. */
async function reportUndeclared(
  stores: ReadonlyMap<string, EventStore>,
  { undeclaredEvents, signal }: ResolvedRunnerOptions,
  { runner, pipelineIds }: Opening,
  opened: AsyncDisposableStack,
): Promise<void> {
  if (undeclaredEvents === 'ignore') return;
  const counting = { stores: [...stores.values()], pipelineIds, runner };
  if (undeclaredEvents === 'refuse') return assertAllDeclared({ ...counting, signal });
  const closed = new AbortController();
  const counted = warnOfUndeclared({ ...counting, signal: closed.signal });
  opened.defer(async () => {
    closed.abort();
    await resolvesWithin(counted, longestCountMs); // so that it uses the storage no more
  });
}

/** Warns of positions that do not fit the logs. What cannot be read now is reported by the followers. */
async function reportMismatches(
  { graph }: System,
  running: RunningSystem,
  pipelineIds: readonly number[],
): Promise<void> {
  const found = pipelineIds.map((pipelineId) => mismatchesIn(graph, running.in(pipelineId)).catch(() => []));
  warnOfMismatches((await Promise.all(found)).flat());
}

interface RunningSystemParts {
  readonly system: System;
  readonly storage: StorageDescription;
  readonly writerId: string;
  readonly openedStorage: OpenedStorage;
  readonly stores: ReadonlyMap<string, EventStore>;
  /** Resources of the system by name. */
  readonly resources: object;
  readonly opening: Opening;
  /** Everything that is open, which the running system takes over. */
  readonly opened: AsyncDisposableStack;
}

/** The applications of a system, opened in this thread. */
export class RunningSystem {
  readonly storage: StorageDescription;
  /** Identifies the runner as writer, in all of its threads and processes. */
  readonly writerId: string;
  readonly openedStorage: OpenedStorage;
  /** Puts failures of the applications on record. */
  readonly failures: FailureRecords = new FailureRecords();
  readonly #parts: RunningSystemParts;
  readonly #opened: AsyncDisposableStack;
  readonly #pipelines = new Map<number, ReadonlyMap<string, Application>>();

  constructor(parts: RunningSystemParts) {
    this.storage = parts.storage;
    this.writerId = parts.writerId;
    this.openedStorage = parts.openedStorage;
    this.#parts = parts;
    for (const pipelineId of parts.opening.pipelineIds) this.in(pipelineId);
    this.#opened = parts.opened.move(); // last, because the constructor of an application may throw
    this.#opened.defer(() => this.failures.close());
  }

  /** Implements `get()` of every runner, see {@link SystemRunner}. */
  get<A extends ApplicationClass>(applicationClass: A, pipelineId?: number): InstanceType<A> {
    const { system, opening } = this.#parts;
    const { pipelineIds, sharesSystem = false } = opening;
    assertPartOf(system, applicationClass);
    const id = pipelineId === undefined ? (pipelineIds[0] ?? 0) : pipelineId;
    assertPipelineId(id);
    if (!sharesSystem && !pipelineIds.includes(id)) {
      throw new InvalidOptionError(
        `This runner does not run pipeline ${id}, only ${pipelineIds.join(', ')}. ` +
          "Runners with threads, processes or actors take the option 'pipelineIds'.",
      );
    }
    return this.in(id).get(applicationClass.applicationName) as InstanceType<A>;
  }

  /** Returns the applications of a pipeline by their names; opens them on the first call. */
  in(pipelineId: number): ReadonlyMap<string, Application> {
    const applications = this.#pipelines.get(pipelineId) ?? this.#open(pipelineId);
    this.#pipelines.set(pipelineId, applications);
    return applications;
  }

  /** All open applications, in all pipelines. */
  get applications(): readonly Application[] {
    return [...this.#pipelines.values()].flatMap((applications) => [...applications.values()]);
  }

  /** Returns the recorder of an application; its pipelines share it. It is open until everything is released. */
  recorderOf(applicationName: string): Recorder | undefined {
    return this.#parts.stores.get(applicationName)?.recorder;
  }

  /** Releases everything; no application may be in use. */
  release(): Promise<void> {
    return this.#opened.disposeAsync();
  }

  #open(pipelineId: number): ReadonlyMap<string, Application> {
    const { system, stores, resources, opening } = this.#parts;
    const opened = new Map<string, Application>();
    for (const applicationClass of system.applications as readonly ApplicationClass[]) {
      const { applicationName } = applicationClass;
      const application = new applicationClass();
      const store = (stores.get(applicationName) as EventStore).inPipeline(pipelineId);
      const saveRules = opening.saveRulesOf?.(applicationName);
      applicationInternals.bind(application, ownedBinding(store, saveRules, resources));
      if (opening.grown !== undefined) application.subscribe(opening.grown);
      opened.set(applicationName, application);
    }
    return opened;
  }
}

/** Throws {@link InvalidArgumentError} if a runner is constructed without what `start()` opens. */
export function assertStarted(running: unknown, { name }: { readonly name: string }): void {
  if (running instanceof RunningSystem) return;
  throw new InvalidArgumentError(`Start a runner with await ${name}.start(system), not with new.`);
}

/** Opens a store for each application; the pipelines share its recorder. */
async function openStores(
  system: System,
  { signal, setupTables, cacheSize }: ResolvedRunnerOptions,
  openedStorage: OpenedStorage,
  opened: AsyncDisposableStack,
): Promise<ReadonlyMap<string, EventStore>> {
  const stores = new Map<string, EventStore>();
  for (const applicationClass of system.applications) {
    signal?.throwIfAborted();
    const store = await openStore(applicationClass, openedStorage, {
      setupTables,
      cacheSize,
      ...recordingOptions(system),
    });
    opened.defer(() => store.recorder.close());
    stores.set(applicationClass.applicationName, store);
  }
  return stores;
}

/**
 * Returns the storage of the options, or else of the system, or else memory.
 *
 * @throws {@link SystemBoundError} if both the options and the system have a storage.
 */
export function storageOf(system: System, { storage }: Pick<RunnerOptions, 'storage'>): StorageDescription {
  if (storage !== undefined && system.storage !== undefined) {
    throw new SystemBoundError(
      'This system is already bound to storage: start its runner without the option `storage`.',
    );
  }
  return storage ?? system.storage ?? memory();
}

/** Marks a system as running; returns the function that removes the mark. */
function claim(system: object): () => void {
  if (running.has(system)) {
    throw new SystemRunningError(
      'This system is running already: close its runner first, or run another binding of it, system.bind(storage).',
    );
  }
  running.add(system);
  return () => running.delete(system);
}
