import { type ApplicationClass, applicationInternals } from '../../../application/application.ts';
import { isTransientFailure } from '../../../application/errors.ts';
import { DownstreamError, RunnerClosedError } from '../../../runner/errors.ts';
import type { ApplicationStatus, SystemRunner } from '../../../runner/runner.ts';
import { runnerOptions } from '../../../runner/runner-options.ts';
import { openSystem, type RunningSystem } from '../../../runner/running-system.ts';
import { statusOf } from '../../../runner/status.ts';
import { nameOf } from '../../../runner/supervised/assignment.ts';
import { waitUntilCaughtUp } from '../../../runner/supervised/caught-up.ts';
import { assertPartOf, type System } from '../../../system/system.ts';
import { unlessAborted } from '../../../util/abort.ts';
import { messageOf } from '../../../util/errors.ts';
import { InvalidOptionError } from '../../../util/options.ts';
import { resolvesWithin } from '../../../util/timeout.ts';
import { EngineClient } from '../engine/engine-client.ts';
import { ActorsStoppedError } from '../errors.ts';
import { assertShared } from '../host/shared-storage.ts';
import { actorKey } from '../protocol/actor-names.ts';
import { ActorClient, type ActorStatuses } from './actor-client.ts';
import { ActorProgress } from './actor-progress.ts';
import { Prompter } from './prompter.ts';
import {
  type ResolvedRestateRunnerOptions,
  type RestateRunnerOptions,
  resolveRestateRunnerOptions,
} from './restate-runner-options.ts';

/**
 * Runs a system by actors in a Restate engine, whose services process it on other hosts. `save()` resolves when the
 * events are recorded; `caughtUp()` when all that follows from them is processed. Closing the runner leaves the actors
 * at work, unless `shutdownOnClose` says otherwise; another runner joins them by the name of the system.
 *
 * @example
 * await using runner = await RestateRunner.start(shop, { storage, ingressUrl, adminUrl });
 * await runner.get(Orders).place('ada');
 * await runner.caughtUp();
 */
export class RestateRunner<Apps extends ApplicationClass = ApplicationClass> implements SystemRunner<Apps> {
  readonly #system: System<Apps>;
  readonly #options: ResolvedRestateRunnerOptions;
  readonly #running: RunningSystem;
  readonly #actors: ActorClient;
  readonly #prompter: Prompter;
  readonly #stop = new AbortController();
  #starting: Promise<void> | undefined;
  #haveActorsStarted = false;
  #hasStarted = false;
  #closing: Promise<void> | undefined;

  private constructor(system: System<Apps>, options: ResolvedRestateRunnerOptions, running: RunningSystem) {
    this.#system = system;
    this.#options = options;
    this.#running = running;
    const { systemActorName, pipelineIds } = options;
    const actorSystem = { systemActorName, pipelineIds, graph: system.graph };
    const actors = new ActorClient(new EngineClient(options), actorSystem, this.#stop.signal);
    this.#actors = actors;
    this.#prompter = new Prompter((address, head, callKey, signal) =>
      actors.prompt(address, head, callKey, signal),
    );
  }

  /**
   * Opens the applications here, and starts their actors or joins them; these catch up with what was recorded before.
   *
   * @throws EngineError if the engine cannot be reached or is too old, or no service of the system is registered.
   * @throws ActorsMismatchError if the actors run in other pipelines, or the service serves another version.
   * @throws InvalidStorageError if other processes cannot open the storage.
   * @throws SystemRunningError if this system is running already, in this process.
   * @throws StorageError if the storage cannot be opened.
   */
  static async start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: RestateRunnerOptions = {},
  ): Promise<RestateRunner<Apps>> {
    const resolved = resolveRestateRunnerOptions(options, system.name);
    const { pipelineIds } = resolved;
    const turn = (_name: string, commit: () => Promise<void>) => commit();
    const { default: batchSize } = runnerOptions.batchSize; // of no use here: services process the events
    const running = await openSystem(system, { ...resolved, batchSize }, { pipelineIds, turn });
    const runner = new RestateRunner(system, resolved, running);
    try {
      runner.#starting = runner.#start();
      await unlessAborted(runner.#starting, options.signal);
      runner.#hasStarted = true;
      return runner;
    } catch (error) {
      await runner.close();
      throw error;
    }
  }

  /** The application of this class in a pipeline, by default the first of those that run. */
  get<A extends Apps>(kind: A, pipelineId: number = this.#options.pipelineIds[0] ?? 0): InstanceType<A> {
    assertPartOf(this.#system, kind);
    this.#assertOpen();
    const { pipelineIds } = this.#options;
    if (!pipelineIds.includes(pipelineId)) {
      throw new InvalidOptionError(
        `This runner does not run pipeline ${pipelineId}, only ${pipelineIds.join(', ')}.`,
      );
    }
    return this.#running.in(pipelineId).get(kind.applicationName) as InstanceType<A>;
  }

  /**
   * As every runner; while storage, engine or service are away, it waits for them.
   *
   * @throws ActorsStoppedError if another runner has shut the actors down.
   */
  async caughtUp({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#assertOpen();
    signal?.throwIfAborted();
    const stop = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    const failures = await unlessAborted(this.#settled(stop), stop);
    if (failures.size > 0) throw new DownstreamError('The system is not caught up.', failures);
  }

  /** As every runner; while the engine or the service is away, applications are `interrupted`. */
  async status(): Promise<readonly ApplicationStatus[]> {
    this.#assertOpen();
    return await this.#statusWith(await this.#actors.statuses(this.#stop.signal));
  }

  /** As every runner; the actors go on, unless `shutdownOnClose` is true. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<void> {
    const { applications, storage } = this.#running;
    assertShared(storage);
    await this.#actors.start(this.#options.pollIntervalMs, this.#stop.signal);
    this.#haveActorsStarted = true;
    for (const application of applications) {
      application.subscribe((prompt) => this.#prompter.prompt(prompt, prompt.head));
    }
    await this.#promptAll();
  }

  /** Actors look at all logs when they start; this tells them how much is there, should their storage be another one. */
  async #promptAll(): Promise<void> {
    for (const { applicationName, pipelineId, log } of this.#running.applications) {
      this.#prompter.prompt({ applicationName, pipelineId }, await log.head());
    }
  }

  /** Resolves when nothing is left to process, wherever nothing has failed, with what has. */
  async #settled(stop: AbortSignal): Promise<ReadonlyMap<string, unknown>> {
    const watch = new ActorProgress(() => this.#workingStatuses(stop));
    const settling = {
      progress: watch,
      heads: () => this.#heads(),
      status: () => this.#statusWith(watch.statuses),
      prompt: (applicationName: string, pipelineId: number) => {
        if (watch.isPromptDue) this.#prompter.prompt({ applicationName, pipelineId }, 0);
      },
    };
    for (;;) {
      try {
        await waitUntilCaughtUp(settling, stop);
        break;
      } catch (error) {
        if (!isTransientFailure(error)) throw error;
        await watch.progressSince(0, 0, stop); // the storage is away
      }
    }
    const failed = [...watch.statuses.values()].filter(({ state }) => state === 'failed');
    return new Map(failed.map((status) => [nameOf(status), status.lastError]));
  }

  #heads(): Promise<readonly number[]> {
    return Promise.all(this.#running.applications.map(({ log }) => log.head()));
  }

  async #statusWith(statuses: ActorStatuses): Promise<readonly ApplicationStatus[]> {
    const all = this.#options.pipelineIds.map((pipelineId) =>
      statusOf(this.#system.graph, this.#running.in(pipelineId), (applicationName) => {
        const status = statuses.get(actorKey({ applicationName, pipelineId }));
        return { state: status?.state ?? 'idle', lastError: status?.lastError };
      }),
    );
    return (await Promise.all(all)).flat();
  }

  async #workingStatuses(stop: AbortSignal): Promise<ActorStatuses> {
    const statuses = await this.#actors.statuses(stop);
    if ([...statuses.values()].every(({ state }) => state !== 'stopped')) return statuses;
    throw new ActorsStoppedError(
      `The actors of system '${this.#options.systemActorName}' were shut down. What is recorded is processed after the ` +
        'next start of a runner.',
    );
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  async #close(): Promise<void> {
    const { drainTimeoutMs } = this.#options;
    this.#stop.abort(closedError());
    await Promise.all(this.#running.applications.map(applicationInternals.close));
    await resolvesWithin(this.#prompter.drained(), drainTimeoutMs);
    await this.#prompter.close();
    await this.#starting?.catch(() => {}); // `start()` throws it
    if (this.#hasStarted && this.#options.shutdownOnClose) await this.#shutDown(drainTimeoutMs);
    // Given up at the last moment, its start was none: the engine being away, others will find what is left of it.
    if (this.#haveActorsStarted && !this.#hasStarted) await this.#actors.takeBack().catch(() => {});
    await this.#running.release();
  }

  async #shutDown(timeoutMs: number): Promise<void> {
    try {
      await this.#actors.stop(AbortSignal.timeout(timeoutMs));
    } catch (error) {
      process.emitWarning(
        `The actors of system '${this.#options.systemActorName}' were not shut down within ${timeoutMs / 1_000} s ` +
          `after their runner was closed: ${messageOf(error)}`,
        { type: 'KahnWarning', code: 'KAHN_ACTORS_NOT_STOPPED' },
      );
    }
  }
}

function closedError(): RunnerClosedError {
  return new RunnerClosedError('This runner is closed: start a new one to go on.');
}
