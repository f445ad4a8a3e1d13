import type { ApplicationClass } from '../../../application/application.ts';
import type { OperationKind } from '../../../application/control/operation-kinds.ts';
import { AsynchronousRunner } from '../../../runner/asynchronous/asynchronous-runner.ts';
import { runnerOptions } from '../../../runner/runner-options.ts';
import { openSystem, type RunningSystem } from '../../../runner/running-system.ts';
import type { FollowerStates, WatchedFollowers } from '../../../runner/waiting/watched-followers.ts';
import { isAway } from '../../../storage/remote/errors.ts';
import { foreignLog } from '../../../storage/remote/log-names.ts';
import { assertShared } from '../../../storage/storage.ts';
import { upstreamsOf } from '../../../system/graph.ts';
import { assertSystem, type System } from '../../../system/system.ts';
import { messageOf } from '../../../util/errors.ts';
import { resolvesWithin } from '../../../util/timeout.ts';
import { EngineClient } from '../engine/engine-client.ts';
import { ActorsStoppedError, type StorageMismatchError } from '../errors.ts';
import { actorKey } from '../protocol/actor-names.ts';
import { ActorClient, type ActorStatus, type ActorStatuses } from './actor-client.ts';
import { ActorProgress } from './actor-progress.ts';
import { Prompter } from './prompter.ts';
import {
  type ResolvedRestateRunnerOptions,
  type RestateRunnerOptions,
  resolveRestateRunnerOptions,
} from './restate-runner-options.ts';

/**
 * Runs a system by actors in a Restate engine; services on other hosts process the events. `save()` resolves when the
 * events are recorded; `caughtUp()` resolves when every downstream event is processed, and waits while the storage,
 * the engine or the service is unavailable. `close()` leaves the actors running unless `shutdownOnClose` is true;
 * another runner joins them by the name of the system.
 *
 * @example
 * await using runner = await RestateRunner.start(shop, { storage, ingressUrl, adminUrl });
 * await runner.get(Orders).place('ada');
 * await runner.caughtUp();
 */
export class RestateRunner<
  Apps extends ApplicationClass = ApplicationClass,
> extends AsynchronousRunner<Apps> {
  readonly #options: ResolvedRestateRunnerOptions;
  readonly #running: RunningSystem;
  readonly #actors: ActorClient;
  readonly #prompter: Prompter;
  readonly #progress = new ActorProgress(() => this.#runningStatuses());
  #haveActorsStarted = false;
  #hasStarted = false;

  private constructor(system: System<Apps>, options: ResolvedRestateRunnerOptions, running: RunningSystem) {
    super({ system, options, running });
    this.#options = options;
    this.#running = running;
    const { systemActorName, pipelineIds } = options;
    const actorSystem = { systemActorName, pipelineIds, graph: system.graph };
    const actors = new ActorClient(new EngineClient(options), actorSystem, this.closed);
    this.#actors = actors;
    this.#prompter = new Prompter((address, head, callKey, signal) =>
      actors.prompt(address, head, callKey, signal),
    );
  }

  /**
   * Opens the applications in this process, and starts or joins their actors, which then process the events recorded
   * before.
   *
   * @throws {@link EngineError} if the engine cannot be reached or is too old, or no service of the system is registered.
   * @throws {@link ActorsMismatchError} if the actors run in other pipelines, or the service serves another version.
   * @throws {@link ActorsStoppedError} from the methods that wait if another runner has shut the actors down.
   * @throws {@link InvalidStorageError} if other processes cannot open the storage.
   * @throws {@link SystemRunningError} if this system is running already, in this process.
   * @throws {@link UndeclaredTypesError} if the logs hold undeclared types, and `undeclaredEvents` is 'refuse'.
   * @throws {@link ResourceError} if a resource cannot be opened.
   * @throws {@link StorageError} if the storage cannot be opened.
   */
  static async start<Apps extends ApplicationClass, Opened extends object>(
    system: System<Apps, Opened>,
    options: RestateRunnerOptions = {},
  ): Promise<RestateRunner<Apps>> {
    assertSystem(system, 'RestateRunner.start()');
    const resolved = resolveRestateRunnerOptions(options, system.name);
    const { pipelineIds } = resolved;
    // Of no use here: services process the events.
    const { default: batchSize } = runnerOptions.batchSize;
    const { default: useDirectQueryIfAvailable } = runnerOptions.useDirectQueryIfAvailable;
    const running = await openSystem(
      system,
      { ...resolved, batchSize, useDirectQueryIfAvailable },
      { runner: 'RestateRunner', pipelineIds },
    );
    const runner = new RestateRunner(system, resolved, running);
    await runner.launch(() => runner.#start());
    runner.#hasStarted = true;
    return runner;
  }

  /** @internal */
  protected override async followerStates(): Promise<FollowerStates> {
    return statesOf(await this.#statuses(this.closed));
  }

  /** @internal */
  protected override get followers(): WatchedFollowers {
    const progress = this.#progress;
    return {
      progress,
      stateOf: (applicationName, pipelineId) => statesOf(progress.statuses)(applicationName, pipelineId),
      refresh: () => progress.refresh(),
      requestPositions: (applicationName, pipelineId) => {
        this.#prompter.prompt({ applicationName, pipelineId }, 0);
      },
    };
  }

  /** Makes the actors read an operation now. They read operations of other processes when they poll. @internal */
  protected override async operatedOn(applicationName: string, kind: OperationKind): Promise<void> {
    const statuses = await this.#statuses(this.closed);
    const states = [...statuses.values()].filter((one) => one.applicationName === applicationName);
    if (kind === 'resume' && states.some(({ state }) => state === 'failed'))
      await this.#actors.restart(applicationName, this.closed);
    for (const { pipelineId } of states)
      for (const upstream of upstreamsOf(this.system.graph, applicationName))
        this.#prompter.prompt({ applicationName: upstream, pipelineId }, 0);
  }

  /** @internal */
  protected override async closeFollowers(): Promise<void> {
    await resolvesWithin(this.#prompter.drained(), this.#options.drainTimeoutMs);
    await this.#prompter.close();
  }

  async #start(): Promise<void> {
    const { applications, storage } = this.#running;
    await assertShared(storage);
    this.defer(() => this.#releaseActors());
    await this.#actors.start(this.#options.pollIntervalMs, this.closed);
    this.#haveActorsStarted = true;
    for (const application of applications) {
      application.subscribe((prompt) => this.#prompter.prompt(prompt, prompt.head));
    }
    await this.#promptAll();
    await this.#listenToOtherSystems();
  }

  /** Sends the heads of all logs that can be read, by which a service notices that it uses other storage. */
  async #promptAll(): Promise<void> {
    for (const { applicationName, pipelineId, log } of this.#running.applications) {
      const head = await log.head().catch((error: unknown) => {
        if (!isAway(error, applicationName)) throw error;
      });
      if (head !== undefined) this.#prompter.prompt({ applicationName, pipelineId }, head);
    }
  }

  /** Prompts the actors when logs of other systems grow. */
  async #listenToOtherSystems(): Promise<void> {
    const applications: readonly ApplicationClass[] = this.system.applications;
    if (applications.every(({ remote }) => remote === undefined)) return;
    const listening = await this.#running.openedStorage.listen?.({
      onPrompt: (prompt) => {
        if (foreignLog(prompt.applicationName) !== undefined) this.#prompter.prompt(prompt, prompt.head);
      },
      onGap: () => {}, // the actors poll
    });
    if (listening !== undefined) this.defer(async () => listening[Symbol.asyncDispose]());
  }

  /** Resolves with the statuses of the actors. Throws {@link ActorsStoppedError} if they were shut down. */
  async #runningStatuses(): Promise<ActorStatuses> {
    const statuses = await this.#statuses(this.closed);
    if ([...statuses.values()].every(({ state }) => state !== 'stopped')) return statuses;
    throw new ActorsStoppedError(
      `The actors of system '${this.#options.systemActorName}' were shut down. Start a runner to process the rest of ` +
        'what is recorded.',
    );
  }

  /**
   * Resolves with the statuses of the actors. An application whose service misses events that this runner has recorded
   * counts as failed; a prompt for events that do not exist has no consequences.
   */
  async #statuses(signal: AbortSignal): Promise<ActorStatuses> {
    const statuses = await this.#actors.statuses(signal);
    const judged = [...statuses].map(async ([key, status]) => {
      const isFailed = await this.#missesEvents(status);
      return [key, isFailed ? { ...status, state: 'failed' as const } : status] as const;
    });
    return new Map(await Promise.all(judged));
  }

  async #missesEvents({ lastError, pipelineId }: ActorStatus): Promise<boolean> {
    const { code, upstreamName, expected } = (lastError ?? {}) as Partial<StorageMismatchError>;
    if (code !== 'STORAGE_MISMATCH' || upstreamName === undefined || expected === undefined) return false;
    const upstream = this.#running.in(pipelineId).get(upstreamName);
    return upstream !== undefined && (await upstream.log.head()) >= expected;
  }

  async #releaseActors(): Promise<void> {
    if (this.#hasStarted && this.#options.shutdownOnClose) await this.#shutDown();
    // The start was aborted just before it completed, so undo it. If the engine is unavailable, the next runner joins
    // the actors that are left.
    if (this.#haveActorsStarted && !this.#hasStarted) await this.#actors.takeBack().catch(() => {});
  }

  async #shutDown(): Promise<void> {
    const { drainTimeoutMs, systemActorName } = this.#options;
    try {
      await this.#actors.stop(AbortSignal.timeout(drainTimeoutMs));
    } catch (error) {
      process.emitWarning(
        `The actors of system '${systemActorName}' did not stop within ${drainTimeoutMs / 1_000} s of close(): ` +
          messageOf(error),
        { type: 'KahnWarning', code: 'KAHN_ACTORS_NOT_STOPPED' },
      );
    }
  }
}

function statesOf(statuses: ActorStatuses): FollowerStates {
  return (applicationName, pipelineId) => {
    const status = statuses.get(actorKey({ applicationName, pipelineId }));
    const { state = 'idle', lastError, interruption } = status ?? {};
    return { state, lastError, interruption };
  };
}
