import type { ResourceLimits } from 'node:worker_threads';
import type { ApplicationClass } from '../../application/application.ts';
import type { Prompt } from '../../storage/prompt.ts';
import { storageForThreads } from '../../storage/storage.ts';
import { assertPartOf, type System } from '../../system/system.ts';
import { addressOf } from '../../system/system-module.ts';
import { durationMs, frequencyHz, ruleOf } from '../../util/option-rules.ts';
import {
  InvalidOptionError,
  type OptionRules,
  type ResolvedOptions,
  resolveOptions,
} from '../../util/options.ts';
import { publish } from '../diagnostics.ts';
import {
  type DefaultedRunnerOption,
  defaultPollIntervalMs,
  pipelineIdsRule,
  type RunnerOptions,
  runnerOptions,
} from '../runner-options.ts';
import { openSystem, type RunningSystem } from '../running-system.ts';
import { assignmentsOf } from '../supervised/assignment.ts';
import { SupervisedRunner } from '../supervised/supervised-runner.ts';
import { Supervisor } from '../supervised/supervisor.ts';
import { SharedBoard } from './shared-board.ts';
import { spawnApplication } from './spawn-application.ts';
import { runClock } from './step-clock.ts';

/** Options of {@link MultiThreadedRunner.start}. */
export interface MultiThreadedRunnerOptions extends RunnerOptions {
  /** Pipelines to run, each with its own threads. @default [0] */
  readonly pipelineIds?: readonly number[];
  /** Steps of each application per second, in Hz: all applications step at the same time. @default no limit */
  readonly clockSpeed?: number;
  /** Memory limits of each worker thread, as for `new Worker()` of Node. @default the limits of Node */
  readonly resourceLimits?: ResourceLimits;
}

type DefaultedOption = DefaultedRunnerOption | 'pipelineIds' | 'pollIntervalMs';
type Resolved = ResolvedOptions<MultiThreadedRunnerOptions, DefaultedOption>;

export const multiThreadedRunnerOptions: OptionRules<MultiThreadedRunnerOptions, DefaultedOption> = {
  ...runnerOptions,
  pollIntervalMs: durationMs(1, defaultPollIntervalMs),
  pipelineIds: pipelineIdsRule,
  clockSpeed: frequencyHz(),
  resourceLimits: ruleOf('an object', (value) => typeof value === 'object' && value !== null),
};

/** What a multi-threaded runner works with. */
interface Parts<Apps extends ApplicationClass> {
  readonly system: System<Apps>;
  readonly options: Resolved;
  readonly pipelineIds: readonly number[];
  readonly running: RunningSystem;
  readonly board: SharedBoard;
}

const runnerName = 'MultiThreadedRunner';

/**
 * Runs each application that follows others in a worker thread of its own. `save()` resolves when the events are
 * recorded; `caughtUp()` when all that follows from them is processed. The system must be exported from a module
 * that it names: `System.of([...], { module: import.meta.url })`.
 *
 * @example
 * await using runner = await MultiThreadedRunner.start(shop, { storage: sqlite({ directory: 'data' }) });
 * await runner.get(Orders).place('ada');
 * await runner.caughtUp();
 */
export class MultiThreadedRunner<
  Apps extends ApplicationClass = ApplicationClass,
> extends SupervisedRunner<Apps> {
  readonly #parts: Parts<Apps>;

  private constructor(parts: Parts<Apps>) {
    super({ ...parts, kind: 'thread', standing: parts.board });
    this.#parts = parts;
  }

  /**
   * Opens the applications, here and in their threads; these catch up with what was recorded before.
   *
   * @throws InvalidSystemError if the system does not say by which module threads find it.
   * @throws RemoteError with code `SYSTEM_MODULE` if they cannot find it there.
   * @throws ThreadDiedError if a thread ends before its application runs.
   * @throws InvalidStorageError if threads cannot open the storage.
   * @throws SystemRunningError if this system is running already.
   * @throws StorageError if the storage cannot be opened.
   */
  static async start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: MultiThreadedRunnerOptions = {},
  ): Promise<MultiThreadedRunner<Apps>> {
    const resolved = resolveOptions(options, multiThreadedRunnerOptions, `${runnerName}.start()`);
    const { pipelineIds } = resolved;
    const board = SharedBoard.for(assignmentsOf(system.graph, pipelineIds));
    const turn = (_name: string, commit: () => Promise<void>) => commit();
    const grown = ({ applicationName, pipelineId }: Prompt) => board.prompt(applicationName, pipelineId);
    const running = await openSystem(system, resolved, { pipelineIds, turn, grown });
    const runner = new MultiThreadedRunner({ system, options: resolved, pipelineIds, running, board });
    await runner.launch(() => runner.#start());
    return runner;
  }

  /** The application of this class in a pipeline, by default the first of those that run. */
  get<A extends Apps>(kind: A, pipelineId: number = this.#parts.pipelineIds[0] ?? 0): InstanceType<A> {
    const { system, pipelineIds, running } = this.#parts;
    assertPartOf(system, kind);
    this.assertOpen();
    if (!pipelineIds.includes(pipelineId)) {
      throw new InvalidOptionError(
        `This runner does not run pipeline ${pipelineId}, only ${pipelineIds.join(', ')}.`,
      );
    }
    return running.in(pipelineId).get(kind.applicationName) as InstanceType<A>;
  }

  async #start(): Promise<void> {
    const { system, options, running, board } = this.#parts;
    await this.listen();
    const { pollIntervalMs, batchSize, cacheSize, clockSpeed } = options;
    const task = {
      address: addressOf(system),
      storage: await storageForThreads(running.storage),
      writerId: running.writerId,
      board: board.description,
      pollIntervalMs,
      batchSize,
      cacheSize,
      isClocked: clockSpeed !== undefined,
    };
    const { resourceLimits } = options;
    const ended = (threadId: number) => running.openedStorage.threadEnded?.(threadId);
    const supervisors = board.description.places.map((role, index) => {
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
        entered: (state) => board.setState(index, state),
      });
    });
    await this.startWorkers(supervisors);
    if (clockSpeed !== undefined) this.#startClock(clockSpeed);
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
