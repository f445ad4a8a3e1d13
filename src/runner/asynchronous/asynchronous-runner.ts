import { type ApplicationClass, applicationInternals } from '../../application/application.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import type { System } from '../../system/system.ts';
import { unlessAborted } from '../../util/abort.ts';
import { DownstreamError, RunnerClosedError } from '../errors.ts';
import type { ApplicationState, ApplicationStatus, SystemRunner } from '../runner.ts';
import type { RunnerOptions } from '../runner-options.ts';
import { assertStarted, type RunningSystem } from '../running-system.ts';
import { statusOf } from '../status.ts';
import { signalOf } from '../wait-options.ts';
import { assignmentsOf, nameOf } from './assignment.ts';
import { type CaughtUpProbe, type ProgressSignal, waitUntilCaughtUp } from './caught-up.ts';

/** Parts of every asynchronous runner. */
export interface AsynchronousRunnerParts<Apps extends ApplicationClass> {
  readonly system: System<Apps>;
  readonly options: Pick<RunnerOptions, 'signal'> & { readonly pipelineIds: readonly number[] };
  /** The applications in this thread: they take commands and read logs and positions. */
  readonly running: RunningSystem;
}

/** Last known state of an application. */
export interface FollowerState {
  readonly state: ApplicationState;
  readonly lastError: unknown;
}

export type FollowerStates = (applicationName: string, pipelineId: number) => FollowerState;

/** Followers that `caughtUp()` waits for. */
export interface WatchedFollowers {
  readonly progress: ProgressSignal;
  readonly stateOf: FollowerStates;
  /** Prompts the followers of a log. */
  prompt(applicationName: string, pipelineId: number): void;
}

/**
 * Base of the runners whose followers run outside of this thread: in worker threads, processes or actors. `save()`
 * resolves when the events are recorded; the followers process them afterwards.
 */
export abstract class AsynchronousRunner<Apps extends ApplicationClass = ApplicationClass>
  implements SystemRunner<Apps>
{
  readonly #parts: AsynchronousRunnerParts<Apps>;
  readonly #stop = new AbortController();
  readonly #resources = new AsyncDisposableStack();
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** @internal */
  protected constructor(parts: AsynchronousRunnerParts<Apps>) {
    assertStarted(parts.running, new.target);
    this.#parts = parts;
  }

  get system(): System<Apps> {
    return this.#parts.system;
  }

  get storage(): StorageDescription {
    this.#assertOpen();
    return this.#parts.running.storage;
  }

  get<A extends Apps>(applicationClass: A, pipelineId?: number): InstanceType<A> {
    this.#assertOpen();
    return this.#parts.running.get(applicationClass, pipelineId);
  }

  async caughtUp(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#assertOpen();
    const signal = signalOf(options, 'caughtUp()');
    const stop = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    const followers = this.watchFollowers(stop);
    const probe = {
      progress: followers.progress,
      heads: () => this.#heads(),
      status: () => this.#statusWith(followers.stateOf),
      prompt: (applicationName: string, pipelineId: number) => followers.prompt(applicationName, pipelineId),
    };
    await unlessAborted(this.untilCaughtUp(probe, stop), stop);
    this.#assertNoneFailed(followers.stateOf);
  }

  async status(): Promise<readonly ApplicationStatus[]> {
    this.#assertOpen();
    return this.#statusWith(await this.followerStates());
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Aborted when the runner is closed, with a {@link RunnerClosedError}. @internal */
  protected get closed(): AbortSignal {
    return this.#stop.signal;
  }

  /** Returns the followers that `caughtUp()` waits for until `stop` is aborted. @internal */
  protected abstract watchFollowers(stop: AbortSignal): WatchedFollowers;

  /** Resolves with the current states of all followers. @internal */
  protected abstract followerStates(): Promise<FollowerStates>;

  /** Finishes the work under way, for at most `drainTimeoutMs`. @internal */
  protected abstract closeFollowers(): Promise<void>;

  /** @internal */
  protected untilCaughtUp(probe: CaughtUpProbe, stop: AbortSignal): Promise<void> {
    return waitUntilCaughtUp(probe, stop);
  }

  /** Runs `start`; closes the runner if that fails. @internal */
  protected async launch(start: () => Promise<void>): Promise<void> {
    try {
      this.#starting = start();
      await unlessAborted(this.#starting, this.#parts.options.signal);
    } catch (error) {
      await this.close().catch(() => {}); // the first error is the one to report
      throw error;
    }
  }

  /** Releases a resource when the runner is closed, after its followers. @internal */
  protected defer(release: () => void | Promise<void>): void {
    this.#resources.defer(release);
  }

  #heads(): Promise<readonly number[]> {
    const { options, running } = this.#parts;
    const applications = options.pipelineIds.flatMap((pipelineId) => [...running.in(pipelineId).values()]);
    return Promise.all(applications.map(({ log }) => log.head()));
  }

  async #statusWith(stateOf: FollowerStates): Promise<readonly ApplicationStatus[]> {
    const { system, options, running } = this.#parts;
    const all = options.pipelineIds.map((pipelineId) =>
      statusOf(system.graph, running.in(pipelineId), (name) => stateOf(name, pipelineId)),
    );
    return (await Promise.all(all)).flat();
  }

  #assertNoneFailed(stateOf: FollowerStates): void {
    const { system, options } = this.#parts;
    const failures = assignmentsOf(system.graph, options.pipelineIds).flatMap((assignment) => {
      const { state, lastError } = stateOf(assignment.applicationName, assignment.pipelineId);
      return state === 'failed' ? [[nameOf(assignment), lastError] as const] : [];
    });
    if (failures.length > 0) throw new DownstreamError('The system is not caught up.', new Map(failures));
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new RunnerClosedError();
  }

  async #close(): Promise<void> {
    const { running } = this.#parts;
    this.#stop.abort(new RunnerClosedError());
    await using closing = new AsyncDisposableStack(); // released in reverse order, each even if another release fails
    closing.defer(() => running.release());
    closing.use(this.#resources);
    closing.defer(() => this.#starting?.catch(() => {})); // start() throws the error
    closing.defer(() => this.closeFollowers());
    await Promise.all(running.applications.map(applicationInternals.close));
  }
}
