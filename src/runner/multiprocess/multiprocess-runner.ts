import type { ApplicationClass } from '../../application/application.ts';
import type { Prompt } from '../../storage/prompt.ts';
import { storageForProcesses } from '../../storage/storage.ts';
import { assertPartOf, type System } from '../../system/system.ts';
import { addressOf } from '../../system/system-module.ts';
import { assertPipelineId } from '../../util/ids.ts';
import { durationMs, ruleOf } from '../../util/option-rules.ts';
import { type OptionRules, type ResolvedOptions, resolveOptions } from '../../util/options.ts';
import { RunnerClosedError } from '../errors.ts';
import {
  type DefaultedRunnerOption,
  defaultPollIntervalMs,
  pipelineIdsRule,
  type RunnerOptions,
  runnerOptions,
} from '../runner-options.ts';
import { openSystem, type RunningSystem } from '../running-system.ts';
import { type Assignment, assignmentsOf } from '../supervised/assignment.ts';
import { SupervisedRunner } from '../supervised/supervised-runner.ts';
import { Supervisor } from '../supervised/supervisor.ts';
import { ProcessBoard } from './process-board.ts';
import { beforeTermination, type Ending } from './termination.ts';

/** Options of {@link MultiprocessRunner.start}. */
export interface MultiprocessRunnerOptions<Apps extends ApplicationClass = ApplicationClass>
  extends RunnerOptions {
  /** Pipelines to run, each with its own processes. @default [0] */
  readonly pipelineIds?: readonly number[];
  /** Applications to run; other runners on the same storage run the rest. @default all of the system */
  readonly applications?: readonly Apps[];
}

type DefaultedOption = DefaultedRunnerOption | 'pipelineIds' | 'pollIntervalMs';
type Resolved = ResolvedOptions<MultiprocessRunnerOptions, DefaultedOption>;

export const multiprocessRunnerOptions: OptionRules<MultiprocessRunnerOptions, DefaultedOption> = {
  ...runnerOptions,
  pollIntervalMs: durationMs(1, defaultPollIntervalMs),
  pipelineIds: pipelineIdsRule,
  applications: ruleOf('an array of application classes of the system', Array.isArray),
};

/** What a multiprocess runner works with. */
interface Parts<Apps extends ApplicationClass> {
  readonly system: System<Apps>;
  readonly options: Resolved;
  readonly pipelineIds: readonly number[];
  readonly running: RunningSystem;
  readonly processes: ProcessBoard;
}

/**
 * Runs each application that follows others in an operating system process of its own, for each pipeline. `save()`
 * resolves when the events are recorded; `caughtUp()` when all that follows from them is processed, whoever does it.
 * The system must be exported from a module that it names: `System.of([...], { module: import.meta.url })`.
 *
 * When this process is told to end by SIGTERM or SIGINT and nobody else listens for that, the processes are drained
 * first, for `drainTimeoutMs` at most.
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
  #ending: Ending | undefined;

  private constructor(parts: Parts<Apps>) {
    super({ ...parts, kind: 'process', standing: parts.processes });
    this.#parts = parts;
  }

  /**
   * Opens the applications, here and in their processes; these catch up with what was recorded before.
   *
   * @throws InvalidSystemError if the system does not say by which module processes find it.
   * @throws RemoteError with code `SYSTEM_MODULE` if they cannot find it there.
   * @throws ProcessDiedError if a process ends before its application runs.
   * @throws InvalidStorageError if processes cannot open the storage, as with `memory()`.
   * @throws SystemRunningError if this system is running already.
   * @throws StorageError if the storage cannot be opened.
   */
  static async start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: MultiprocessRunnerOptions<Apps> = {},
  ): Promise<MultiprocessRunner<Apps>> {
    const resolved = resolveOptions<MultiprocessRunnerOptions, DefaultedOption>(
      options,
      multiprocessRunnerOptions,
      'MultiprocessRunner.start()',
    );
    const { pipelineIds } = resolved;
    const processes = new ProcessBoard(ownRoles(system, pipelineIds, resolved.applications));
    const turn = (_name: string, commit: () => Promise<void>) => commit();
    const grown = ({ applicationName, pipelineId }: Prompt) => processes.prompt(applicationName, pipelineId);
    const running = await openSystem(system, resolved, { pipelineIds, turn, grown });
    const runner = new MultiprocessRunner({ system, options: resolved, pipelineIds, running, processes });
    try {
      await runner.launch(() => runner.#start());
      return runner;
    } catch (error) {
      throw await runner.#toldBeforeIt(error);
    }
  }

  /**
   * The application of this class, in this process. Without a pipeline it is one that begins in the first of those
   * that run, and may change that, for all who have got it; with a pipeline it stays there, and that may be one that is
   * run elsewhere. Whoever records in several pipelines at the same time gets an application for each.
   */
  get<A extends Apps>(kind: A, pipelineId?: number): InstanceType<A> {
    const { system, running, pipelineIds } = this.#parts;
    assertPartOf(system, kind);
    this.assertOpen();
    if (pipelineId !== undefined) assertPipelineId(pipelineId);
    const applications =
      pipelineId === undefined ? running.movable(pipelineIds[0] ?? 0) : running.in(pipelineId);
    return applications.get(kind.applicationName) as InstanceType<A>;
  }

  /** Why it could not start; if this process is told to end, nobody is to make an error of that before it does. */
  async #toldBeforeIt(error: unknown): Promise<unknown> {
    if (this.#ending === undefined) return error;
    const { signal, survived } = this.#ending;
    await survived;
    return new RunnerClosedError(`The runner was starting when its process was told to end by ${signal}.`);
  }

  async #start(): Promise<void> {
    const { system, options, running, processes } = this.#parts;
    const { pollIntervalMs, batchSize, cacheSize } = options;
    const task = {
      address: addressOf(system),
      storage: await storageForProcesses(running.storage),
      writerId: running.writerId,
      pollIntervalMs,
      batchSize,
      cacheSize,
      parentPid: process.pid,
    };
    await this.listen(() => processes.advanced());
    const supervisors = processes.all.map(
      (application) =>
        new Supervisor({
          runner: 'MultiprocessRunner',
          kind: 'process',
          role: application.role,
          spawn: (hooks) => application.fork({ ...task, role: application.role }, hooks),
          entered: (state) => application.enter(state),
        }),
    );
    const termination = beforeTermination((ending) => {
      this.#ending = ending;
      return this.closeWorkers();
    });
    this.defer(() => termination[Symbol.dispose]());
    await this.startWorkers(supervisors);
  }
}

/** Those that this runner runs. */
function ownRoles(
  system: System,
  pipelineIds: readonly number[],
  applications: readonly ApplicationClass[] | undefined,
): readonly Assignment[] {
  const roles = assignmentsOf(system.graph, pipelineIds);
  if (applications === undefined) return roles;
  for (const kind of applications) assertPartOf(system, kind);
  const names = applications.map(({ applicationName }) => applicationName);
  return roles.filter(({ applicationName }) => names.includes(applicationName));
}
