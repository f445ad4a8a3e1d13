import type { ResourceLimits } from 'node:worker_threads';
import { type ApplicationClass, applicationInternals } from '../../application/application.ts';
import { persistenceForThreads } from '../../persistence/persistence.ts';
import type { Prompt } from '../../persistence/prompt.ts';
import type { System } from '../../system/system.ts';
import { addressOf } from '../../system/system-module.ts';
import type { ApplicationStatus, RunnerOptions, SystemRunner } from '../../system/system-runner.ts';
import { unlessAborted } from '../../util/abort.ts';
import { InvalidOptionError } from '../../util/options.ts';
import { publish } from '../diagnostics.ts';
import { RunnerClosedError } from '../errors.ts';
import { assertPipelineIds, rolesOf } from '../peers/role.ts';
import { settle } from '../peers/settle.ts';
import { Supervision, warnOfTerminated } from '../peers/supervision.ts';
import { Supervisor } from '../peers/supervisor.ts';
import {
  defaultDrainTimeoutMs,
  defaultPollIntervalMs,
  openSystem,
  type RunningSystem,
} from '../running-system.ts';
import { statusOf } from '../status.ts';
import { Board } from './board.ts';
import { runClock } from './clock.ts';
import { spawnApplication } from './spawn-application.ts';

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
const runnerName = 'MultiThreadedRunner';

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
  #threads = new Supervision([]);
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    system: System<Apps>,
    options: MultiThreadedOptions,
    pipelineIds: readonly number[],
    running: RunningSystem,
    board: Board,
  ) {
    this.#system = system;
    this.#options = options;
    this.#pipelineIds = pipelineIds;
    this.#running = running;
    this.#board = board;
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
    const board = Board.for(rolesOf(system.graph, pipelineIds));
    const grown = ({ applicationName, pipelineId }: Prompt) => board.prompt(applicationName, pipelineId);
    const running = await openSystem(system, options, { ownOptions, pipelineIds, turn, grown });
    const runner = new MultiThreadedRunner(system, options, pipelineIds, running, board);
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
    const settling = {
      progress: this.#board,
      heads: () => this.#heads(),
      status: () => this.status(),
      prompt: (name: string, pipelineId: number) => this.#board.prompt(name, pipelineId),
    };
    await unlessAborted(settle(settling, stop), stop);
    this.#threads.assertNoneFailed();
  }

  async status(): Promise<readonly ApplicationStatus[]> {
    this.#assertOpen();
    const all = this.#pipelineIds.map((pipelineId) =>
      statusOf(this.#system.graph, this.#running.in(pipelineId), (name) => ({
        state: this.#board.stateIn(name, pipelineId) ?? 'idle',
        lastError: this.#threads.lastErrorOf(name, pipelineId),
      })),
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
    const listening = await storage.listen?.({
      heard: ({ applicationName, pipelineId }) => this.#board.prompt(applicationName, pipelineId),
      missed: () => {
        for (const { applicationName, pipelineId } of applications)
          this.#board.prompt(applicationName, pipelineId);
      },
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
    const supervisors = this.#board.description.places.map((role, index) => {
      const thread = {
        applicationName: role.applicationName,
        task: { ...task, index },
        resourceLimits,
        ended,
      };
      return new Supervisor({
        runner: runnerName,
        kind: 'thread',
        role,
        spawn: (hooks) => spawnApplication(thread, hooks),
        entered: (state) => this.#board.setState(index, state),
      });
    });
    this.#threads = new Supervision(supervisors);
    await this.#threads.start();
    if (clockSpeed !== undefined) this.#startClock(clockSpeed);
  }

  #startClock(speed: number): void {
    const stop = new AbortController();
    const tick = () => this.#board.tick();
    const overrun = (tick: number, tickMs: number, intervalMs: number) =>
      publish('overrun', { runner: runnerName, tick, tickMs, intervalMs });
    const clock = runClock({ speed, tick, overrun }, stop.signal);
    this.#background.defer(() => {
      stop.abort();
      return clock;
    });
  }

  #heads(): Promise<readonly number[]> {
    return Promise.all(this.#running.applications.map(({ log }) => log.head()));
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  async #close(): Promise<void> {
    const { drainTimeoutMs = defaultDrainTimeoutMs } = this.#options;
    this.#stop.abort(closedError());
    await Promise.all(this.#running.applications.map(applicationInternals.close));
    const terminated = await this.#threads.close(drainTimeoutMs);
    await this.#starting?.catch(() => {}); // `start()` throws it
    await this.#background.disposeAsync();
    await this.#running.release();
    warnOfTerminated(terminated, 'thread', drainTimeoutMs);
  }
}

function assertOwnOptions({ clockSpeed }: MultiThreadedOptions, pipelineIds: readonly number[]): void {
  if (clockSpeed !== undefined && !(Number.isFinite(clockSpeed) && clockSpeed > 0)) {
    throw new InvalidOptionError(`clockSpeed must be a number of Hz above 0, but is ${clockSpeed}.`);
  }
  assertPipelineIds(pipelineIds);
}

function closedError(): RunnerClosedError {
  return new RunnerClosedError('This runner is closed: start a new one to go on.');
}
