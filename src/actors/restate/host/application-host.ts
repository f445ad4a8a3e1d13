import { type ApplicationClass, applicationInternals } from '../../../application/application.ts';
import { ownedBinding } from '../../../application/application-binding.ts';
import { RecordedNotificationLog } from '../../../application/log/notification-log.ts';
import { openStore } from '../../../application/open-store.ts';
import type { ProcessApplication } from '../../../application/process-application.ts';
import type { EventStore } from '../../../application/recording/event-store.ts';
import { RunnerClosedError } from '../../../runner/errors.ts';
import { type OpenedStorage, openStorage, type StorageDescription } from '../../../storage/storage.ts';
import { UnknownApplicationError } from '../../../system/errors.ts';
import { upstreamsOf } from '../../../system/graph.ts';
import type { System } from '../../../system/system.ts';
import { newId } from '../../../util/ids.ts';
import { resolvesWithin } from '../../../util/timeout.ts';
import { type ActorAddress, actorKey } from '../protocol/actor-names.ts';
import type { Heads, StepResult } from '../protocol/messages.ts';
import { HostedApplication, troubleOf } from './hosted-application.ts';

/** What a host works with. */
export interface HostOptions {
  readonly storage: StorageDescription;
  readonly batchSize: number | undefined;
  readonly cacheSize: number | undefined;
}

/**
 * The applications that are open in a service: each is opened when it takes its first step, and kept open for the next
 * ones. So a service starts whether its storage is there yet or not.
 */
export class ApplicationHost {
  /** Tells it from other processes that serve the same system. */
  readonly id: string = newId();
  readonly #system: System;
  readonly #options: HostOptions;
  readonly #resources = new AsyncDisposableStack();
  readonly #applications = new Kept<HostedApplication>();
  readonly #stores = new Kept<EventStore>();
  readonly #openedStorage = new Kept<OpenedStorage>();
  readonly #steps = new Set<Promise<StepResult>>();
  #isClosing = false;

  constructor(system: System, options: HostOptions) {
    this.#system = system;
    this.#options = options;
  }

  /** Lets an application take a step; `lastHostId` is the host that let it take the one before, as far as is known. */
  async step(place: ActorAddress, upstreams: Heads, lastHostId: string | undefined): Promise<StepResult> {
    if (this.#isClosing) throw new RunnerClosedError('This service is closed: another one takes the step.');
    const step = this.#step(place, upstreams, lastHostId);
    this.#steps.add(step);
    return await step.finally(() => this.#steps.delete(step));
  }

  /** Lets the steps under way end, for so long at most, and releases everything. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosing = true;
    const terminated = !(await resolvesWithin(Promise.allSettled(this.#steps), timeoutMs));
    for (const application of await this.#applications.all()) application.closed(terminated);
    await this.#resources.disposeAsync();
  }

  async #step(place: ActorAddress, upstreams: Heads, lastHostId: string | undefined): Promise<StepResult> {
    let application: HostedApplication;
    try {
      application = await this.#applications.get(actorKey(place), () => this.#open(place));
    } catch (error) {
      return { head: undefined, more: [], trouble: troubleOf(place, error, Object.keys(upstreams)) };
    }
    if (lastHostId !== this.id) application.followAnew();
    return await application.step(upstreams);
  }

  async #open({ applicationName, pipelineId }: ActorAddress): Promise<HostedApplication> {
    const application = new (this.#kindOf(applicationName))() as ProcessApplication; // as in the graph, for it follows
    const store = (await this.#storeOf(applicationName)).inPipeline(pipelineId);
    applicationInternals.bind(application, ownedBinding(store));
    const logs = [];
    for (const upstreamName of upstreamsOf(this.#system.graph, applicationName)) {
      const { recorder } = await this.#storeOf(upstreamName);
      logs.push(new RecordedNotificationLog(recorder, upstreamName, pipelineId));
    }
    return new HostedApplication({ application, logs, batchSize: this.#options.batchSize });
  }

  #storeOf(applicationName: string): Promise<EventStore> {
    return this.#stores.get(applicationName, async () => {
      const openedStorage = await this.#openedStorage.get('', () => this.#openStorage());
      const { cacheSize } = this.#options;
      const options = {
        setupTables: false,
        types: this.#system.types,
        ...(cacheSize !== undefined && { cacheSize }),
      };
      const store = await openStore(this.#kindOf(applicationName), openedStorage, options);
      this.#resources.defer(() => store.recorder.close());
      return store;
    });
  }

  async #openStorage(): Promise<OpenedStorage> {
    const openedStorage = await openStorage(this.#options.storage, this.id);
    this.#resources.defer(() => openedStorage.close());
    return openedStorage;
  }

  #kindOf(applicationName: string): ApplicationClass {
    const kind = this.#system.applications.find((one) => one.applicationName === applicationName);
    if (kind !== undefined) return kind;
    throw new UnknownApplicationError(
      `Application '${applicationName}' is not part of the system that this service serves. If it belongs to another ` +
        'version, the next start of a runner of this one stops it.',
    );
  }
}

/** Makes what it is asked for once, unless that fails. */
class Kept<T> {
  readonly #made = new Map<string, Promise<T>>();

  get(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.#made.set(key, made);
    made.catch(() => this.#made.delete(key));
    return made;
  }

  async all(): Promise<readonly T[]> {
    const made = await Promise.allSettled(this.#made.values());
    return made.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  }
}
