import type { ResourceLimits } from 'node:worker_threads';
import type { ApplicationClass } from '../../application/application.ts';
import { assertNotReplaced } from '../../application/resources/replaced-resources.ts';
import type { Prompt } from '../../storage/prompt.ts';
import { storageForThreads } from '../../storage/storage.ts';
import { assertSystem, type System } from '../../system/system.ts';
import { addressOf } from '../../system/system-module.ts';
import { durationMs, frequencyHz, ruleOf } from '../../util/option-rules.ts';
import { type OptionRules, type ResolvedOptions, resolveOptions } from '../../util/options.ts';
import { assignmentsOf } from '../assignment.ts';
import { publish } from '../diagnostics.ts';
import { mustRecordWhenIdle } from '../positions/unrecorded-positions.ts';
import {
  type DefaultedRunnerOption,
  defaultPollIntervalMs,
  pipelineIdsRule,
  type RunnerOptions,
  runnerOptions,
} from '../runner-options.ts';
import { openSystem, type RunningSystem } from '../running-system.ts';
import { spawnThread } from '../supervised/spawn-thread.ts';
import { SupervisedRunner } from '../supervised/supervised-runner.ts';
import { Supervisor } from '../supervised/supervisor.ts';
import { workerProgram } from '../supervised/worker-program.ts';
import { SharedBoard } from './shared-board.ts';
import { runClock } from './step-clock.ts';
import type { ThreadTask } from './thread-task.ts';

/** Options of {@link MultiThreadedRunner.start}. */
export interface MultiThreadedRunnerOptions extends RunnerOptions {
  /** Pipelines to run, each with its own threads. @default [0] */
  readonly pipelineIds?: readonly number[];
  /** Steps of each application per second, in Hz; all applications step at the same time. @default no limit */
  readonly clockSpeed?: number;
  /** Memory limits of each worker thread, as for `new Worker()` of Node. @default the limits of Node */
  readonly resourceLimits?: ResourceLimits;
}

type DefaultedOption = DefaultedRunnerOption | 'pollIntervalMs' | 'pipelineIds';

export const multiThreadedRunnerOptions: OptionRules<MultiThreadedRunnerOptions, DefaultedOption> = {
  ...runnerOptions,
  pollIntervalMs: durationMs(1, defaultPollIntervalMs),
  pipelineIds: pipelineIdsRule,
  clockSpeed: frequencyHz(),
  resourceLimits: ruleOf('an object', (value) => typeof value === 'object' && value !== null),
};

interface Parts<Apps extends ApplicationClass> {
  readonly system: System<Apps>;
  readonly options: ResolvedOptions<MultiThreadedRunnerOptions, DefaultedOption>;
  readonly running: RunningSystem;
  readonly board: SharedBoard;
  /** URL of the program of the threads. */
  readonly entry: URL;
}

const runnerName = 'MultiThreadedRunner';

/**
 * Runs each application that follows others in its own worker thread. `save()` resolves when the events are recorded;
 * `caughtUp()` resolves when every downstream event is processed. The system must be exported from a module that the
 * system names: `System.of([...], { module: import.meta.url })`.
 *
 * @example
 * await using runner = await MultiThreadedRunner.start(shop, { storage: sqlite({ file: 'shop.db' }) });
 * await runner.get(Orders).place('ada');
 * await runner.caughtUp();
 */
export class MultiThreadedRunner<
  Apps extends ApplicationClass = ApplicationClass,
> extends SupervisedRunner<Apps> {
  readonly #parts: Parts<Apps>;

  private constructor(parts: Parts<Apps>) {
    super({ ...parts, runnerName, workerKind: 'thread' });
    this.#parts = parts;
  }

  /**
   * Opens the applications in this thread and in the worker threads, which then process the events recorded before.
   *
   * @throws {@link BundledError} if kahn is part of a bundle.
   * @throws {@link InvalidSystemError} if the system does not name the module that exports it.
   * @throws {@link RemoteError} with code `SYSTEM_MODULE` if that module does not export the system.
   * @throws {@link ThreadDiedError} if a thread exits before its application is open.
   * @throws {@link InvalidStorageError} if other threads cannot open the storage.
   * @throws {@link SystemRunningError} if this system is running already.
   * @throws {@link UndeclaredTypesError} if the logs hold undeclared types, and `undeclaredEvents` is 'refuse'.
   * @throws {@link ResourceError} if a resource cannot be opened.
   * @throws {@link StorageError} if the storage cannot be opened.
   */
  static async start<Apps extends ApplicationClass, Opened extends object>(
    system: System<Apps, Opened>,
    options: MultiThreadedRunnerOptions = {},
  ): Promise<MultiThreadedRunner<Apps>> {
    assertSystem(system, `${runnerName}.start()`);
    const resolved = resolveOptions(options, multiThreadedRunnerOptions, `${runnerName}.start()`);
    assertNotReplaced(resolved.resources, runnerName, 'worker threads');
    const entry = workerProgram(import.meta.url, 'worker-thread-entry', runnerName);
    const { pipelineIds } = resolved;
    const board = SharedBoard.for(assignmentsOf(system.graph, pipelineIds));
    const grown = ({ applicationName, pipelineId }: Prompt) => board.prompt(applicationName, pipelineId);
    const running = await openSystem(system, resolved, { runner: 'MultiThreadedRunner', pipelineIds, grown });
    const runner = new MultiThreadedRunner({ system, options: resolved, running, board, entry });
    await runner.launch(() => runner.#start());
    return runner;
  }

  async #start(): Promise<void> {
    const { system, options, running, board } = this.#parts;
    await this.listen();
    const { pollIntervalMs, batchSize, cacheSize, useDirectQueryIfAvailable, clockSpeed } = options;
    const task = {
      address: addressOf(system),
      storage: await storageForThreads(running.storage),
      writerId: running.writerId,
      board: board.description,
      pollIntervalMs,
      recordsWhenIdle: mustRecordWhenIdle(system),
      batchSize,
      cacheSize,
      useDirectQueryIfAvailable,
      isClocked: clockSpeed !== undefined,
    };
    const supervisors = board.description.assignments.map((_, index) => this.#supervisor({ ...task, index }));
    await this.startWorkers(supervisors);
    if (clockSpeed !== undefined) this.#startClock(clockSpeed);
  }

  #supervisor(task: ThreadTask): Supervisor {
    const { options, running, board, entry } = this.#parts;
    const assignment = board.assignmentOf(task.index);
    const thread = {
      entry,
      applicationName: assignment.applicationName,
      task,
      resourceLimits: options.resourceLimits,
      exited: (threadId: number) => {
        running.openedStorage.threadEnded?.(threadId);
        board.prompt(assignment.applicationName, assignment.pipelineId);
      },
    };
    return new Supervisor({
      runner: runnerName,
      workerKind: 'thread',
      assignment,
      spawn: (hooks) => spawnThread(thread, hooks),
      processed: (count) => this.noteProcessed(assignment, count),
      onResumed: (operationId, signal, resumed) => this.onResumed(assignment, operationId, signal, resumed),
      entered: (state) => board.setState(task.index, state),
    });
  }

  #startClock(speed: number): void {
    const { board } = this.#parts;
    const stop = new AbortController();
    const tick = () => board.tick();
    const overrun = (tick: number, tickMs: number, intervalMs: number) =>
      publish('overrun', { runner: runnerName, tick, tickMs, intervalMs });
    const clock = runClock({ speed, tick, overrun }, stop.signal);
    this.defer(() => {
      stop.abort();
      return clock;
    });
  }
}
