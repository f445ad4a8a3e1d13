import { performance } from 'node:perf_hooks';
import { type ApplicationClass, applicationInternals } from '../../../application/application.ts';
import { ownedBinding } from '../../../application/application-binding.ts';
import { askServers } from '../../../application/log/ask-servers.ts';
import { type NotificationLog, RecordedNotificationLog } from '../../../application/log/notification-log.ts';
import { followedLog } from '../../../application/log/sectioned-log.ts';
import { openStore } from '../../../application/open-store.ts';
import {
  type ProcessApplication,
  processApplicationInternals,
} from '../../../application/process-application.ts';
import type { EventStore } from '../../../application/recording/event-store.ts';
import { RunnerClosedError } from '../../../runner/errors.ts';
import { LoopWatch } from '../../../runner/loops/loop-watch.ts';
import { mustRecordWhenIdle } from '../../../runner/positions/unrecorded-positions.ts';
import type { Recorder } from '../../../storage/recorder.ts';
import { type OpenedStorage, openStorage, type StorageDescription } from '../../../storage/storage.ts';
import { UnknownApplicationError } from '../../../system/errors.ts';
import { intermediatesOf, upstreamsOf } from '../../../system/graph.ts';
import { layersOf, recordingOptions, type System } from '../../../system/system.ts';
import { inRootContext } from '../../../util/environment/root-context.ts';
import { newId } from '../../../util/ids.ts';
import { resolvesWithin } from '../../../util/timeout.ts';
import { type ActorAddress, actorKey } from '../protocol/actor-names.ts';
import type { Heads, StepResult } from '../protocol/messages.ts';
import { failureOf, HostedApplication } from './hosted-application.ts';

export interface HostOptions {
  readonly storage: StorageDescription;
  readonly batchSize: number;
  readonly cacheSize: number;
  readonly useDirectQueryIfAvailable: boolean;
  /** Resources of the system by name. */
  readonly resources: object;
}

/**
 * Processes the steps of a service's applications. Opens each application at its first step and keeps it open, so that
 * a service starts even while its storage is unavailable.
 */
export class ApplicationHost {
  /** Id that is unique among the processes that serve the same system. */
  readonly id: string = newId();
  readonly #system: System;
  readonly #options: HostOptions;
  readonly #opened = new AsyncDisposableStack();
  readonly #applications = new KeyedCache<HostedApplication>();
  readonly #stores = new KeyedCache<EventStore>();
  readonly #openedStorage = new KeyedCache<OpenedStorage>();
  readonly #steps = new Set<Promise<StepResult>>();
  readonly #loops = new LoopWatch('RestateRunner', async (name) => (await this.#storeOf(name)).recorder);
  #isClosing = false;

  constructor(system: System, options: HostOptions) {
    this.#system = system;
    this.#options = options;
  }

  /** Processes a step of an application; `lastHostId` is the host of its previous step, if known. */
  async step(address: ActorAddress, upstreams: Heads, lastHostId: string | undefined): Promise<StepResult> {
    if (this.#isClosing)
      throw new RunnerClosedError('This service is closed: another service processes the step.');
    const step = inRootContext(() => this.#step(address, upstreams, lastHostId));
    this.#steps.add(step);
    return await step.finally(() => this.#steps.delete(step));
  }

  /**
   * Waits up to `timeoutMs` for running steps, and releases everything. Resolves with the names of the applications whose
   * steps have not ended.
   */
  async close(timeoutMs: number): Promise<readonly string[]> {
    this.#isClosing = true;
    const end = performance.now() + timeoutMs;
    const applications = await this.#applications.all();
    const replays = applications.map((one) => one.endReplays());
    await resolvesWithin(Promise.allSettled([...this.#steps, ...replays]), timeoutMs);
    const idle = applications.filter(({ isStepping }) => !isStepping);
    const recorded = Promise.all(idle.map((one) => one.recordPositions()));
    await resolvesWithin(recorded, Math.max(0, end - performance.now()));
    const abandoned = applications.filter(({ isStepping }) => isStepping).map(({ name }) => name);
    for (const application of applications) application.publishStopped();
    await this.#opened.disposeAsync();
    return abandoned;
  }

  async #step(address: ActorAddress, upstreams: Heads, lastHostId: string | undefined): Promise<StepResult> {
    let application: HostedApplication;
    try {
      application = await this.#applications.get(actorKey(address), () => this.#open(address));
    } catch (error) {
      return { head: undefined, more: [], trouble: failureOf(address, error, Object.keys(upstreams)) };
    }
    if (lastHostId !== this.id) application.reloadPositions();
    return await application.step(upstreams);
  }

  async #open({ applicationName, pipelineId }: ActorAddress): Promise<HostedApplication> {
    const application = new (this.#classOf(applicationName))() as ProcessApplication; // because it follows others
    const store = (await this.#storeOf(applicationName)).inPipeline(pipelineId);
    applicationInternals.bind(application, ownedBinding(store, undefined, this.#options.resources));
    const intermediates = new Map<string, Recorder>();
    for (const name of intermediatesOf(this.#system.graph, applicationName))
      intermediates.set(name, (await this.#storeOf(name)).recorder);
    processApplicationInternals.setIntermediates(application, intermediates);
    const logs: NotificationLog[] = [];
    for (const upstreamName of upstreamsOf(this.#system.graph, applicationName)) {
      const upstream = await this.#storeOf(upstreamName);
      const { recorder, emits, sectionSize } = upstream;
      const recent = upstream.recentIn(pipelineId);
      const options = { applicationName: upstreamName, pipelineId, emits, recent, sectionSize };
      const log = new RecordedNotificationLog(recorder, options);
      logs.push(followedLog(log, this.#options.useDirectQueryIfAvailable));
    }
    await askServers(store, logs);
    return new HostedApplication({
      application,
      logs,
      batchSize: this.#options.batchSize,
      recordsWhenIdle: mustRecordWhenIdle(this.#system),
      loops: this.#loops,
    });
  }

  #storeOf(applicationName: string): Promise<EventStore> {
    return this.#stores.get(applicationName, async () => {
      const openedStorage = await this.#openedStorage.get('', () => this.#openStorage());
      const { cacheSize } = this.#options;
      const options = { setupTables: false, cacheSize, ...recordingOptions(this.#system) };
      const store = await openStore(this.#classOf(applicationName), openedStorage, options);
      this.#opened.defer(() => store.recorder.close());
      return store;
    });
  }

  async #openStorage(): Promise<OpenedStorage> {
    const openedStorage = await openStorage(this.#options.storage, {
      writerId: this.id,
      layers: layersOf(this.#system),
    });
    this.#opened.defer(() => openedStorage.close());
    return openedStorage;
  }

  #classOf(applicationName: string): ApplicationClass {
    const applicationClass = this.#system.applications.find((one) => one.applicationName === applicationName);
    if (applicationClass !== undefined) return applicationClass;
    throw new UnknownApplicationError(
      `Application '${applicationName}' is not part of the system that this service serves. If it belongs to another ` +
        'version, the next runner of this version stops it.',
    );
  }
}

/** Creates a value per key, once; a failed creation is repeated at the next request. */
class KeyedCache<T> {
  readonly #values = new Map<string, Promise<T>>();

  get(key: string, create: () => Promise<T>): Promise<T> {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = create();
    this.#values.set(key, value);
    value.catch(() => this.#values.delete(key));
    return value;
  }

  async all(): Promise<readonly T[]> {
    const values = await Promise.allSettled(this.#values.values());
    return values.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  }
}
