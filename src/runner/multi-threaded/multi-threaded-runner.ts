import type { ResourceLimits } from 'node:worker_threads';
import { type ApplicationClass, applicationInternals } from '../../application/application.ts';
import { persistenceForThreads } from '../../persistence/persistence.ts';
import type { System } from '../../system/system.ts';
import { addressOf } from '../../system/system-module.ts';
import type { ApplicationStatus, RunnerOptions, SystemRunner } from '../../system/system-runner.ts';
import { unlessAborted } from '../../util/abort.ts';
import { breathe } from '../../util/event-loop.ts';
import { assertPipelineId } from '../../util/ids.ts';
import { InvalidOptionError } from '../../util/options.ts';
import { publish } from '../diagnostics.ts';
import { DownstreamError, RunnerClosedError } from '../errors.ts';
import {
  defaultDrainTimeoutMs,
  defaultPollIntervalMs,
  openSystem,
  type RunningSystem,
} from '../running-system.ts';
import { statusOf, upstreamsOf } from '../status.ts';
import { ApplicationThread } from './application-thread.ts';
import { Board, type Place } from './board.ts';
import { runClock } from './clock.ts';

/** How a multi-threaded runner is started. */
export interface MultiThreadedOptions extends RunnerOptions {
  /** The pipelines to run, each with threads of its own; `[0]` by default. */
  readonly pipelineIds?: readonly number[];
  /** How many steps each application may take in a second, all in step; as many as it can by default. */
  readonly clockSpeed?: number;
  /** How much memory a thread may use, as Node's worker threads take it. */
  readonly resourceLimits?: ResourceLimits;
}

const ownOptions = ['pipelineIds', 'clockSpeed', 'resourceLimits'];
/** How often it is looked whether all is processed, besides whenever a thread comes to rest. */
const recheckMs = 1_000;

/**
 * Runs each application that follows others in a worker thread of its own. `save()` resolves when the events are
 * recorded; `caughtUp()` when all that follows from them is processed. The system must be exported from a module
 * that it names: `System.of([...], { module: import.meta.url })`.
 *
 * @example
 * await using runner = await MultiThreadedRunner.start(shop, { persistence: sqlite({ directory: 'data' }) });
 * await runner.get(Orders).place('ada');
 * await runner.caughtUp();
 */
export class MultiThreadedRunner<Apps extends ApplicationClass = ApplicationClass>
  implements SystemRunner<Apps>
{
  readonly #system: System<Apps>;
  readonly #options: MultiThreadedOptions;
  readonly #pipelineIds: readonly number[];
  readonly #running: RunningSystem;
  readonly #board: Board;
  readonly #stop = new AbortController();
  readonly #background = new AsyncDisposableStack();
  #threads: readonly ApplicationThread[] = [];
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    system: System<Apps>,
    options: MultiThreadedOptions,
    pipelineIds: readonly number[],
    running: RunningSystem,
  ) {
    this.#system = system;
    this.#options = options;
    this.#pipelineIds = pipelineIds;
    this.#running = running;
    this.#board = Board.for(placesOf(system, pipelineIds));
  }

  /**
   * Opens the applications, here and in their threads; these catch up with what was recorded before.
   *
   * @throws InvalidSystemError if the system does not say by which module threads find it.
   * @throws RemoteError with code `SYSTEM_MODULE` if they cannot find it there.
   * @throws ThreadDiedError if a thread ends before its application runs.
   * @throws InvalidPersistenceError if threads cannot open the storage.
   * @throws SystemRunningError if this system is running already.
   * @throws StorageError if the storage cannot be opened.
   */
  static async start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: MultiThreadedOptions = {},
  ): Promise<MultiThreadedRunner<Apps>> {
    const pipelineIds = options.pipelineIds ?? [0];
    assertOwnOptions(options, pipelineIds);
    const turn = (_name: string, commit: () => Promise<void>) => commit();
    const running = await openSystem(system, options, { ownOptions, pipelineIds, turn });
    const runner = new MultiThreadedRunner(system, options, pipelineIds, running);
    try {
      runner.#starting = runner.#start();
      await unlessAborted(runner.#starting, options.signal);
      return runner;
    } catch (error) {
      await runner.close();
      throw error;
    }
  }

  /** The application of this class in a pipeline, by default the first of those that run. */
  get<A extends Apps>(kind: A, pipelineId: number = this.#pipelineIds[0] ?? 0): InstanceType<A> {
    this.#system.assertHas(kind);
    this.#assertOpen();
    if (!this.#pipelineIds.includes(pipelineId)) {
      throw new InvalidOptionError(
        `This runner does not run pipeline ${pipelineId}, only ${this.#pipelineIds.join(', ')}.`,
      );
    }
    return this.#running.in(pipelineId).get(kind.applicationName) as InstanceType<A>;
  }

  async caughtUp({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#assertOpen();
    signal?.throwIfAborted();
    const stop = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    await unlessAborted(this.#settled(stop), stop);
    const failures = this.#failures();
    if (failures.size > 0) throw new DownstreamError('The system is not caught up.', failures);
  }

  async status(): Promise<readonly ApplicationStatus[]> {
    this.#assertOpen();
    const all = this.#pipelineIds.map((pipelineId) =>
      statusOf(this.#system.graph, this.#running.in(pipelineId), (name) => {
        const index = this.#indexOf(name, pipelineId);
        const lastError = this.#threads[index]?.lastError;
        return { state: index < 0 ? 'idle' : this.#board.stateOf(index), lastError };
      }),
    );
    return (await Promise.all(all)).flat();
  }

  /** As every runner; a thread that does not come to an end is terminated, and the process warned. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<void> {
    const { storage, applications, persistence, writerId } = this.#running;
    for (const application of applications) {
      application.subscribe(({ applicationName, pipelineId }) =>
        this.#board.prompt(applicationName, pipelineId),
      );
    }
    const listening = await storage.listen?.({
      heard: ({ applicationName, pipelineId }) => this.#board.prompt(applicationName, pipelineId),
      missed: () => this.#promptAll(),
    });
    if (listening !== undefined) this.#background.use(listening);
    const {
      pollIntervalMs = defaultPollIntervalMs,
      batchSize,
      cacheSize,
      clockSpeed,
      resourceLimits,
    } = this.#options;
    const task = {
      address: addressOf(this.#system),
      persistence: await persistenceForThreads(persistence),
      writerId,
      board: this.#board.description,
      pollIntervalMs,
      batchSize,
      cacheSize,
      isClocked: clockSpeed !== undefined,
    };
    const ended = (threadId: number) => storage.threadEnded?.(threadId);
    this.#stop.signal.throwIfAborted(); // given up meanwhile
    this.#threads = this.#board.description.places.map(
      (_, index) =>
        new ApplicationThread({ task: { ...task, index }, board: this.#board, resourceLimits, ended }),
    );
    await Promise.all(this.#threads.map((thread) => thread.start()));
    if (clockSpeed !== undefined) this.#startClock(clockSpeed);
  }

  #startClock(speed: number): void {
    const stop = new AbortController();
    const tick = () => this.#board.tick();
    const overrun = (tick: number, tickMs: number, intervalMs: number) =>
      publish('overrun', { runner: 'MultiThreadedRunner', tick, tickMs, intervalMs });
    const clock = runClock({ speed, tick, overrun }, stop.signal);
    this.#background.defer(() => {
      stop.abort();
      return clock;
    });
  }

  /** Resolves when nothing is left to process, as the storage tells. */
  async #settled(stop: AbortSignal): Promise<void> {
    for (;;) {
      await breathe();
      const seen = this.#board.progress;
      if (this.#board.isQuiet) {
        if (await this.#isProcessed()) return;
        this.#promptAll(); // somebody else has recorded something
      }
      await this.#board.progressSince(seen, recheckMs, stop);
      stop.throwIfAborted();
    }
  }

  /**
   * Whether all that is recorded is processed, wherever nothing has failed. Logs and positions only grow, so if the
   * logs are as long after the positions were read as before, there was a moment when nothing was left.
   */
  async #isProcessed(): Promise<boolean> {
    const before = await this.#heads();
    const lags = (await this.status())
      .filter(({ state }) => state !== 'failed')
      .flatMap(({ upstreams }) => upstreams);
    const after = await this.#heads();
    return lags.every(({ lag }) => lag === 0) && before.every((head, i) => head === after[i]);
  }

  #heads(): Promise<readonly number[]> {
    return Promise.all(this.#running.applications.map(({ log }) => log.head()));
  }

  #promptAll(): void {
    for (const { applicationName, pipelineId } of this.#running.applications) {
      this.#board.prompt(applicationName, pipelineId);
    }
  }

  #indexOf(applicationName: string, pipelineId: number): number {
    return this.#board.description.places.findIndex(
      (place) => place.applicationName === applicationName && place.pipelineId === pipelineId,
    );
  }

  #failures(): ReadonlyMap<string, unknown> {
    const failed = this.#threads.map(
      ({ failure }, i) => [this.#board.description.places[i], failure] as const,
    );
    return new Map(
      failed.flatMap(([place, failure]) =>
        place && failure !== undefined ? [[nameOf(place), failure]] : [],
      ),
    );
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  async #close(): Promise<void> {
    const { drainTimeoutMs = defaultDrainTimeoutMs } = this.#options;
    this.#stop.abort(closedError());
    await Promise.all(this.#running.applications.map(applicationInternals.close));
    const terminated = await Promise.all(this.#threads.map((thread) => thread.close(drainTimeoutMs)));
    await this.#starting?.catch(() => {}); // `start()` throws it
    await this.#background.disposeAsync();
    await this.#running.release();
    const names = this.#board.description.places.filter((_, i) => terminated[i]).map(nameOf);
    if (names.length > 0) {
      process.emitWarning(
        `Applications ${names.join(', ')} did not come to an end ${drainTimeoutMs / 1_000} s after their runner was ` +
          'closed, so their threads were terminated. What they were doing is done again at the next start.',
        { type: 'KahnWarning', code: 'KAHN_THREAD_TERMINATED' },
      );
    }
  }
}

function placesOf({ graph }: System, pipelineIds: readonly number[]): readonly Place[] {
  return pipelineIds.flatMap((pipelineId) =>
    graph.nodes
      .map(({ name }) => ({ applicationName: name, pipelineId, upstreamNames: upstreamsOf(graph, name) }))
      .filter(({ upstreamNames }) => upstreamNames.length > 0),
  );
}

/** As failures are told apart: pipeline 0 goes without saying. */
function nameOf({ applicationName, pipelineId }: Place): string {
  return pipelineId === 0 ? applicationName : `${applicationName} (pipeline ${pipelineId})`;
}

function assertOwnOptions({ clockSpeed }: MultiThreadedOptions, pipelineIds: readonly number[]): void {
  if (clockSpeed !== undefined && !(Number.isFinite(clockSpeed) && clockSpeed > 0)) {
    throw new InvalidOptionError(`clockSpeed must be a number of Hz above 0, but is ${clockSpeed}.`);
  }
  if (
    !Array.isArray(pipelineIds) ||
    pipelineIds.length === 0 ||
    new Set(pipelineIds).size < pipelineIds.length
  ) {
    throw new InvalidOptionError('pipelineIds must be an array of at least one id, each once.');
  }
  for (const pipelineId of pipelineIds) assertPipelineId(pipelineId);
}

function closedError(): RunnerClosedError {
  return new RunnerClosedError('This runner is closed: start a new one to go on.');
}
