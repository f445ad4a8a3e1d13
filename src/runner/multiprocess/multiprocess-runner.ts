import type { ApplicationClass } from '../../application/application.ts';
import { assertNotReplaced } from '../../application/resources/replaced-resources.ts';
import type { Prompt } from '../../storage/prompt.ts';
import { storageForProcesses } from '../../storage/storage.ts';
import { assertPartOf, assertSystem, type System } from '../../system/system.ts';
import { addressOf } from '../../system/system-module.ts';
import { durationMs, ruleOf } from '../../util/option-rules.ts';
import { type OptionRules, type ResolvedOptions, resolveOptions } from '../../util/options.ts';
import { type Assignment, assignmentsOf } from '../assignment.ts';
import { RunnerClosedError } from '../errors.ts';
import { mustRecordWhenIdle } from '../positions/unrecorded-positions.ts';
import {
  type DefaultedRunnerOption,
  defaultPollIntervalMs,
  pipelineIdsRule,
  type RunnerOptions,
  runnerOptions,
} from '../runner-options.ts';
import { openSystem, type RunningSystem } from '../running-system.ts';
import { SupervisedRunner } from '../supervised/supervised-runner.ts';
import { Supervisor } from '../supervised/supervisor.ts';
import { processProgram } from './fork-application.ts';
import { ProcessBoard } from './process-board.ts';
import { beforeTermination, type Termination } from './termination-signals.ts';

/** Options of {@link MultiprocessRunner.start}. */
export interface MultiprocessRunnerOptions<Apps extends ApplicationClass = ApplicationClass>
  extends RunnerOptions {
  /** Pipelines to run, each with its own processes. @default [0] */
  readonly pipelineIds?: readonly number[];
  /** Applications to run; runners on other hosts run the rest. @default all of the system */
  readonly applications?: readonly Apps[];
}

type DefaultedOption = DefaultedRunnerOption | 'pollIntervalMs' | 'pipelineIds';

export const multiprocessRunnerOptions: OptionRules<MultiprocessRunnerOptions, DefaultedOption> = {
  ...runnerOptions,
  pollIntervalMs: durationMs(1, defaultPollIntervalMs),
  pipelineIds: pipelineIdsRule,
  applications: ruleOf('an array of application classes of the system', Array.isArray),
};

interface Parts<Apps extends ApplicationClass> {
  readonly system: System<Apps>;
  readonly options: ResolvedOptions<MultiprocessRunnerOptions, DefaultedOption>;
  readonly running: RunningSystem;
  readonly board: ProcessBoard;
  /** Path of the program of the processes. */
  readonly program: string;
}

const runnerName = 'MultiprocessRunner';

/**
 * Runs each application that follows others in its own operating system process, for each pipeline. `save()` resolves
 * when the events are recorded; `caughtUp()` resolves when every downstream event is processed, here or on other
 * hosts. The system must be exported from a module that the system names:
 * `System.of([...], { module: import.meta.url })`.
 *
 * On SIGTERM or SIGINT, unless other code listens for the signal, the processes finish their work under way before
 * this process exits, within `drainTimeoutMs`.
 *
 * @example
 * const storage = postgres({ connectionString });
 * await using runner = await MultiprocessRunner.start(shop, { storage, pipelineIds: [0, 1, 2] });
 * await runner.get(Orders, pipelineFor('ada', [0, 1, 2])).place('ada');
 * await runner.caughtUp();
 */
export class MultiprocessRunner<
  Apps extends ApplicationClass = ApplicationClass,
> extends SupervisedRunner<Apps> {
  readonly #parts: Parts<Apps>;
  #termination: Termination | undefined;

  private constructor(parts: Parts<Apps>) {
    super({ ...parts, runnerName, workerKind: 'process' });
    this.#parts = parts;
  }

  /**
   * Opens the applications in this process and in their own processes, which then process the events recorded before.
   *
   * @throws {@link BundledError} if kahn is part of a bundle.
   * @throws {@link InvalidSystemError} if the system does not name the module that exports it.
   * @throws {@link RemoteError} with code `SYSTEM_MODULE` if that module does not export the system.
   * @throws {@link ProcessDiedError} if a process exits before its application is open.
   * @throws {@link InvalidStorageError} if other processes cannot open the storage, as with `memory()`.
   * @throws {@link SystemRunningError} if this system is running already.
   * @throws {@link UndeclaredTypesError} if the logs hold undeclared types, and `undeclaredEvents` is 'refuse'.
   * @throws {@link ResourceError} if a resource cannot be opened.
   * @throws {@link StorageError} if the storage cannot be opened.
   */
  static async start<Apps extends ApplicationClass, Opened extends object>(
    system: System<Apps, Opened>,
    options: MultiprocessRunnerOptions<Apps> = {},
  ): Promise<MultiprocessRunner<Apps>> {
    assertSystem(system, `${runnerName}.start()`);
    const given: MultiprocessRunnerOptions = options;
    const resolved = resolveOptions(given, multiprocessRunnerOptions, `${runnerName}.start()`);
    assertNotReplaced(resolved.resources, runnerName, 'worker processes');
    const program = processProgram(runnerName);
    const { pipelineIds, applications } = resolved;
    const board = new ProcessBoard(ownAssignments(system, pipelineIds, applications));
    const grown = ({ applicationName, pipelineId }: Prompt) => board.prompt(applicationName, pipelineId);
    const running = await openSystem(system, resolved, {
      runner: 'MultiprocessRunner',
      pipelineIds,
      sharesSystem: true,
      grown,
    });
    const runner = new MultiprocessRunner({ system, options: resolved, running, board, program });
    try {
      await runner.launch(() => runner.#start());
      return runner;
    } catch (error) {
      throw await runner.#errorAfterTermination(error);
    }
  }

  /** Resolves with the error of a start; after a termination signal, only if the process survives it. */
  async #errorAfterTermination(error: unknown): Promise<unknown> {
    if (this.#termination === undefined) return error;
    const { signal, survived } = this.#termination;
    await survived;
    return new RunnerClosedError(
      `The runner was closed while it was starting: its process received ${signal}.`,
    );
  }

  async #start(): Promise<void> {
    const { system, options, running, board, program } = this.#parts;
    const { pollIntervalMs, batchSize, cacheSize, useDirectQueryIfAvailable } = options;
    const task = {
      address: addressOf(system),
      storage: await storageForProcesses(running.storage),
      writerId: running.writerId,
      pollIntervalMs,
      recordsWhenIdle: mustRecordWhenIdle(system),
      batchSize,
      cacheSize,
      useDirectQueryIfAvailable,
      parentPid: process.pid,
    };
    await this.listen(() => board.advanced());
    const supervisors = board.processes.map((application) => {
      const { assignment } = application;
      return new Supervisor({
        runner: runnerName,
        workerKind: 'process',
        assignment,
        spawn: (hooks) => application.fork(program, { ...task, assignment }, hooks),
        processed: (count) => this.noteProcessed(assignment, count),
        onResumed: (operationId, signal, resumed) => this.onResumed(assignment, operationId, signal, resumed),
        entered: (state) => application.enter(state),
      });
    });
    const listening = beforeTermination((termination) => {
      this.#termination = termination;
      return this.closeFollowers();
    });
    this.defer(() => listening[Symbol.dispose]());
    await this.startWorkers(supervisors);
  }
}

/** Returns the assignments of this runner. Other runners have the assignments of the other applications. */
function ownAssignments(
  system: System,
  pipelineIds: readonly number[],
  applications: readonly ApplicationClass[] = system.applications,
): readonly Assignment[] {
  for (const applicationClass of applications) assertPartOf(system, applicationClass);
  const names = applications.map(({ applicationName }) => applicationName);
  return assignmentsOf(system.graph, pipelineIds).filter(({ applicationName }) =>
    names.includes(applicationName),
  );
}
