import { type ApplicationClass, applicationInternals } from '../../application/application.ts';
import type { OperationKind } from '../../application/control/operation-kinds.ts';
import type { Saved } from '../../application/recording/save-options.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import type { System } from '../../system/system.ts';
import { unlessAborted } from '../../util/abort.ts';
import { inRootContext } from '../../util/environment/root-context.ts';
import { assignmentsOf, nameOf } from '../assignment.ts';
import { DownstreamError, RunnerClosedError } from '../errors.ts';
import { assertNotInPolicy } from '../not-in-policy.ts';
import { OperableRunner } from '../operating/operable-runner.ts';
import type { OperatedSystem } from '../operating/operations.ts';
import type { ApplicationStatus, ProcessedOptions, SystemRunner, WaitOptions } from '../runner.ts';
import type { RunnerOptions } from '../runner-options.ts';
import { assertStarted, type RunningSystem } from '../running-system.ts';
import { statusOf } from '../status.ts';
import { signalOf } from '../wait-options.ts';
import { Waits } from '../waiting/waits.ts';
import type { FollowerStates, WatchedFollowers } from '../waiting/watched-followers.ts';

/** Parts of every asynchronous runner. */
export interface AsynchronousRunnerParts<Apps extends ApplicationClass> {
  readonly system: System<Apps>;
  readonly options: Pick<RunnerOptions, 'signal'> & { readonly pipelineIds: readonly number[] };
  /** The applications in this thread: they take commands and read logs and positions. */
  readonly running: RunningSystem;
}

/**
 * Base of the runners whose followers run outside of this thread: in worker threads, processes or actors. `save()`
 * resolves when the events are recorded; the followers process them afterwards.
 */
export abstract class AsynchronousRunner<Apps extends ApplicationClass = ApplicationClass>
  extends OperableRunner<Apps>
  implements SystemRunner<Apps>
{
  readonly #parts: AsynchronousRunnerParts<Apps>;
  readonly #stop = new AbortController();
  readonly #resources = new AsyncDisposableStack();
  #waits: Waits | undefined;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** @internal */
  protected constructor(parts: AsynchronousRunnerParts<Apps>) {
    super();
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

  async settled(saved: Saved, options: WaitOptions = {}): Promise<void> {
    await this.#waitsFor('settled()').settled(saved, options);
  }

  async processed(saved: Saved, options: ProcessedOptions<Apps>): Promise<void> {
    await this.#waitsFor('processed()').processed(saved, options);
  }

  async caughtUp(options: WaitOptions = {}): Promise<void> {
    const waits = this.#waitsFor('caughtUp()');
    const signal = signalOf(options, 'caughtUp()');
    let isDone = false;
    while (!isDone) {
      await waits.dueProcessed(signal);
      this.#assertOpen();
      isDone = await waits.caughtUp(signal);
      await this.#assertNoneFailed(); // otherwise what has failed meanwhile was resumed, and is waited for again
    }
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

  /** @internal */
  protected override get operated(): OperatedSystem {
    this.#assertOpen();
    const { system, options, running } = this.#parts;
    const statesOf = async (name: string) => {
      const stateOf = await this.followerStates();
      return options.pipelineIds.map((pipelineId) => stateOf(name, pipelineId).state);
    };
    const operated = (name: string, kind: OperationKind) => this.operatedOn(name, kind);
    return { system, pipelineIds: options.pipelineIds, running, statesOf, operated };
  }

  /** Called when an operation on an application is recorded, unless its followers read it soon. @internal */
  protected async operatedOn(_applicationName: string, _kind: OperationKind): Promise<void> {}

  /** Aborted when the runner is closed, with a {@link RunnerClosedError}. @internal */
  protected get closed(): AbortSignal {
    return this.#stop.signal;
  }

  /** The followers, for the calls that wait for them. @internal */
  protected abstract readonly followers: WatchedFollowers;

  /** Resolves with the current states of all followers. @internal */
  protected abstract followerStates(): Promise<FollowerStates>;

  /** Finishes the work under way, for at most `drainTimeoutMs`. @internal */
  protected abstract closeFollowers(): Promise<void>;

  /** Runs `start`; closes the runner if that fails. @internal */
  protected async launch(start: () => Promise<void>): Promise<void> {
    try {
      this.#starting = inRootContext(start);
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

  /** Returns the waits of the runner, for a call of a method. */
  #waitsFor(call: string): Waits {
    this.#assertOpen();
    assertNotInPolicy(call);
    const { system, options, running } = this.#parts;
    const { pipelineIds } = options;
    const { followers, closed } = this;
    this.#waits ??= new Waits({ system, pipelineIds, running, followers, closed });
    return this.#waits;
  }

  async #statusWith(stateOf: FollowerStates): Promise<readonly ApplicationStatus[]> {
    const { system, options, running } = this.#parts;
    const all = options.pipelineIds.map((pipelineId) =>
      statusOf(system.graph, running.in(pipelineId), (name) => stateOf(name, pipelineId)),
    );
    return (await Promise.all(all)).flat();
  }

  async #assertNoneFailed(): Promise<void> {
    if (this.#failures().size === 0) return;
    await this.followers.refresh?.();
    const failures = this.#failures();
    if (failures.size > 0) throw new DownstreamError('The system is not caught up.', failures);
  }

  /** Returns the last errors of the failed applications, by their names. */
  #failures(): ReadonlyMap<string, unknown> {
    const { system, options } = this.#parts;
    const { stateOf } = this.followers;
    const failures = assignmentsOf(system.graph, options.pipelineIds).flatMap((assignment) => {
      const { state, lastError } = stateOf(assignment.applicationName, assignment.pipelineId);
      return state === 'failed' ? [[nameOf(assignment), lastError] as const] : [];
    });
    return new Map(failures);
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
    // Saves under way may wait for a follower that has to be terminated.
    const saves = Promise.all(running.applications.map(applicationInternals.close));
    saves.catch(() => {});
    closing.defer(async () => void (await saves));
    closing.defer(() => this.closeFollowers());
  }
}
