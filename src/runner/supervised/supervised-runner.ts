import type { ApplicationClass } from '../../application/application.ts';
import { ControlLog } from '../../application/control/control-log.ts';
import type { Recorder } from '../../storage/recorder.ts';
import { upstreamsOf } from '../../system/graph.ts';
import type { Assignment } from '../assignment.ts';
import { AsynchronousRunner, type AsynchronousRunnerParts } from '../asynchronous/asynchronous-runner.ts';
import { LoopWatch } from '../loops/loop-watch.ts';
import type { ApplicationState } from '../runner.ts';
import type { ResolvedRunnerOptions } from '../runner-options.ts';
import type { FollowerStates, ProgressSignal, WatchedFollowers } from '../waiting/watched-followers.ts';
import type { Supervisor } from './supervisor.ts';
import { Supervisors, warnOfTerminated } from './supervisors.ts';

/** States of the workers of a runner, and the way to prompt them. */
export interface WorkerBoard extends ProgressSignal {
  /** Prompts the followers of a log. */
  prompt(applicationName: string, pipelineId: number): void;
  /** Prompts the followers of a log to process it and to record their positions. */
  requestPositions(applicationName: string, pipelineId: number): void;
  /** Returns the state of an application, or undefined if no worker of this runner runs it. */
  stateIn(applicationName: string, pipelineId: number): ApplicationState | undefined;
}

export interface SupervisedRunnerParts<Apps extends ApplicationClass> extends AsynchronousRunnerParts<Apps> {
  readonly options: AsynchronousRunnerParts<Apps>['options'] & ResolvedRunnerOptions;
  /** Name of the runner's class. */
  readonly runnerName: string;
  readonly workerKind: 'thread' | 'process';
  readonly board: WorkerBoard;
}

/** Runs each application that follows others in its own worker, a thread or a process. */
export abstract class SupervisedRunner<
  Apps extends ApplicationClass = ApplicationClass,
> extends AsynchronousRunner<Apps> {
  readonly #parts: SupervisedRunnerParts<Apps>;
  #supervisors = new Supervisors([]);
  #closingWorkers: Promise<void> | undefined;
  readonly #loops: LoopWatch;

  /** @internal */
  protected constructor(parts: SupervisedRunnerParts<Apps>) {
    super(parts);
    this.#parts = parts;
    this.#loops = new LoopWatch(parts.runnerName, (name) => parts.running.recorderOf(name));
  }

  /** Starts all workers, unless the runner is closed already. @internal */
  protected async startWorkers(supervisors: readonly Supervisor[]): Promise<void> {
    this.closed.throwIfAborted();
    this.#supervisors = new Supervisors(supervisors);
    await this.#supervisors.start();
  }

  /** Notes that the worker of an application has processed notifications. @internal */
  protected noteProcessed({ applicationName, pipelineId }: Assignment, count: number): void {
    this.#loops.processed(applicationName, pipelineId, count);
  }

  /**
   * Puts the failure of an application on record, and calls back once when the application is resumed after an operation,
   * by default the last one that is known here. After `resume()` on this runner, its status is not `failed`.
   *
   * @internal
   */
  protected onResumed(
    { applicationName, pipelineId }: Assignment,
    operationId: number | undefined,
    signal: AbortSignal,
    resumed: () => void,
  ): void {
    const { running } = this.#parts;
    const recorder = running.recorderOf(applicationName) as Recorder; // it is open until all workers are closed
    const control = ControlLog.of(recorder);
    const failedAfter = operationId ?? control.lastId;
    const error = this.#supervisors.of(applicationName, pipelineId)?.lastError;
    running.failures.note({ applicationName, recorder, error, operationId: failedAfter });
    control.onResumedAfter(failedAfter, signal, resumed);
  }

  /** Prompts the workers when other runners record, if the storage reports that. @internal */
  protected async listen(onOwnPrompt: () => void = () => {}): Promise<void> {
    const { running, board, options } = this.#parts;
    const { pipelineIds } = options;
    const listening = await running.openedStorage.listen?.({
      onPrompt: ({ applicationName, pipelineId }) => {
        board.prompt(applicationName, pipelineId);
        if (pipelineIds.includes(pipelineId)) onOwnPrompt();
      },
      onGap: () => {
        for (const pipelineId of pipelineIds)
          for (const name of running.in(pipelineId).keys()) board.prompt(name, pipelineId);
      },
    });
    if (listening !== undefined) this.defer(async () => listening[Symbol.asyncDispose]());
  }

  /** Closes all workers; terminates workers that take too long, and emits a warning. @internal */
  protected override closeFollowers(): Promise<void> {
    this.#closingWorkers ??= this.#closeWorkers();
    return this.#closingWorkers;
  }

  /** @internal */
  protected override get followers(): WatchedFollowers {
    const { board } = this.#parts;
    return {
      progress: board,
      stateOf: this.#stateOf,
      requestPositions: (applicationName, pipelineId) => board.requestPositions(applicationName, pipelineId),
    };
  }

  /** @internal */
  protected override async followerStates(): Promise<FollowerStates> {
    return this.#stateOf;
  }

  readonly #stateOf: FollowerStates = (applicationName, pipelineId) => {
    const { system, board } = this.#parts;
    const unassigned = upstreamsOf(system.graph, applicationName).length === 0 ? 'idle' : 'elsewhere';
    const state = board.stateIn(applicationName, pipelineId) ?? unassigned;
    const { lastError, interruption } = this.#supervisors.of(applicationName, pipelineId) ?? {};
    return { state, lastError, interruption };
  };

  async #closeWorkers(): Promise<void> {
    const { workerKind, options } = this.#parts;
    const { drainTimeoutMs } = options;
    warnOfTerminated(await this.#supervisors.close(drainTimeoutMs), workerKind, drainTimeoutMs);
  }
}
