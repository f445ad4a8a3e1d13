import { clearTimeout, setTimeout } from 'node:timers';
import { type ApplicationClass, applicationInternals } from '../../application/application.ts';
import { InvalidPolicyError } from '../../application/errors.ts';
import { currentPolicy } from '../../application/following/current-policy.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import { assertSystem, type System } from '../../system/system.ts';
import { unlessAborted } from '../../util/abort.ts';
import { Mutex } from '../../util/mutex.ts';
import { resolveOptions } from '../../util/options.ts';
import { publish } from '../diagnostics.ts';
import { DownstreamError, RunnerClosedError } from '../errors.ts';
import { localPipelineId } from '../local-pipeline.ts';
import type { ApplicationStatus, SystemRunner } from '../runner.ts';
import { type ResolvedRunnerOptions, type RunnerOptions, runnerOptions } from '../runner-options.ts';
import { assertStarted, openSystem, type RunningSystem } from '../running-system.ts';
import { statusOf } from '../status.ts';
import { signalOf } from '../wait-options.ts';
import { BlockedRetry, isBlocked } from './blocked-retry.ts';
import { eventOf, LocalFollowers } from './local-followers.ts';
import { LogWatch } from './log-watch.ts';

/**
 * Runs a system in this thread, in turns. A turn is a commit and the processing of all events that follow from it, so
 * `save()` resolves when every follower has caught up. Commands that arrive during a turn share the next turn.
 *
 * @example
 * await using runner = await SingleThreadedRunner.start(shop, { storage: sqlite({ directory: 'data' }) });
 * const id = await runner.get(Orders).place('ada');
 * const order = await runner.get(Orders).get(id); // reserved and paid
 */
export class SingleThreadedRunner<Apps extends ApplicationClass = ApplicationClass>
  implements SystemRunner<Apps>
{
  readonly system: System<Apps>;
  readonly #options: ResolvedRunnerOptions;
  readonly #running: RunningSystem;
  readonly #followers: LocalFollowers;
  readonly #turns = new Mutex();
  /** Takes a turn for followers that wait for another pipeline. */
  readonly #retry = new BlockedRetry(() => this.#takeTurn());
  /** Aborted when closing takes too long. */
  readonly #stop = new AbortController();
  #watch: LogWatch | undefined;
  /** Whether a turn is due that processes all prompts; at first, the turn of the start. */
  #isTurnDue = true;
  #closing: Promise<void> | undefined;

  private constructor(system: System<Apps>, options: ResolvedRunnerOptions, running: RunningSystem) {
    assertStarted(running, new.target);
    this.system = system;
    this.#options = options;
    this.#running = running;
    this.#followers = new LocalFollowers(system.graph, this.#retry);
  }

  /**
   * Opens the applications and processes everything that was recorded before. Notifications that depend on another
   * pipeline may stay unprocessed, because the runner of that pipeline may start later.
   *
   * @throws {@link InvalidOptionError} if an option is unknown or has a wrong value.
   * @throws {@link DownstreamError} if an application fails while catching up; everything is closed again.
   * @throws {@link SystemRunningError} if this system is running already.
   * @throws {@link StorageError} if the storage cannot be opened.
   */
  static async start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: RunnerOptions = {},
  ): Promise<SingleThreadedRunner<Apps>> {
    assertSystem(system, 'SingleThreadedRunner.start()');
    const resolved = resolveOptions(options, runnerOptions, 'SingleThreadedRunner.start()');
    const running = await openSystem(system, resolved, {
      pipelineIds: [localPipelineId],
      turn: (name, commit) => runner.#commit(name, commit),
    });
    const runner = new SingleThreadedRunner(system, resolved, running);
    try {
      await runner.#start();
      return runner;
    } catch (error) {
      await runner.close().catch(() => {}); // the first error is the one to report
      throw error;
    }
  }

  get storage(): StorageDescription {
    this.#assertOpen();
    return this.#running.storage;
  }

  get<A extends Apps>(applicationClass: A, pipelineId?: number): InstanceType<A> {
    this.#assertOpen();
    return this.#running.get(applicationClass, pipelineId);
  }

  async caughtUp(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#assertOpen();
    assertNotInPolicy('caughtUp()');
    const signal = signalOf(options, 'caughtUp()');
    const caughtUp = this.#turns.run(() => this.#catchUp('The system is not caught up.', this.#stop.signal));
    await unlessAborted(caughtUp, signal);
  }

  async status(): Promise<readonly ApplicationStatus[]> {
    this.#assertOpen();
    return statusOf(this.system.graph, this.#running.in(localPipelineId), (name) => ({
      state: this.#followers.stateOf(name),
      lastError: this.#followers.lastErrorOf(name),
    }));
  }

  /** Finishes the turn under way and releases everything. Events left over are processed after the next start. */
  async close(): Promise<void> {
    assertNotInPolicy('close()');
    this.#closing ??= this.#close();
    await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<void> {
    this.#followers.follow(this.#running.in(localPipelineId), this.#options.batchSize);
    for (const application of this.#running.applications) {
      application.subscribe((prompt) => this.#followers.prompt(prompt.applicationName));
      publish('started', eventOf(application.applicationName));
    }
    this.#watch = await LogWatch.start(this.#running.openedStorage, this.#options.pollIntervalMs, {
      onPrompt: ({ applicationName, pipelineId }) => {
        if (pipelineId !== localPipelineId) return;
        this.#followers.prompt(applicationName);
        this.#takeTurn();
      },
      onGap: () => {
        this.#followers.promptAll();
        this.#takeTurn();
      },
    });
    await this.#turns.run(() => this.#catchUpAtStart());
  }

  async #catchUpAtStart(): Promise<void> {
    const { signal } = this.#options;
    const stop = signal === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, signal]);
    try {
      await this.#catchUp('The system could not catch up at its start.', stop);
    } catch (error) {
      const onlyBlocked = error instanceof DownstreamError && error.failures.values().every(isBlocked);
      if (!onlyBlocked) throw error;
    }
  }

  async #catchUp(problem: string, signal: AbortSignal): Promise<void> {
    this.#isTurnDue = false;
    this.#followers.promptAll();
    await this.#followers.runTurn(problem, signal);
  }

  /** Commits a save and processes all downstream events, as one turn. */
  #commit(applicationName: string, commit: () => Promise<void>): Promise<void> {
    return this.#turns.run(async () => {
      await commit();
      await this.#followers.runTurn(
        `The events saved in '${applicationName}' are recorded, but not all followers could process them.`,
        this.#stop.signal,
      );
    });
  }

  /**
   * Takes a turn in the background, for events recorded elsewhere. The next call that waits rejects with its errors.
   */
  #takeTurn(): void {
    if (this.#isTurnDue || this.#closing !== undefined) return;
    this.#isTurnDue = true;
    const turn = this.#turns.run(async () => {
      this.#isTurnDue = false;
      const problem = 'Events recorded by other processes could not be processed.';
      await this.#followers.runTurn(problem, this.#stop.signal);
    });
    turn.catch(() => {});
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new RunnerClosedError();
  }

  async #close(): Promise<void> {
    const { drainTimeoutMs } = this.#options;
    this.#retry.close();
    const timer = setTimeout(() => this.#stop.abort(notDrained(drainTimeoutMs)), drainTimeoutMs);
    try {
      await this.#releaseAll();
    } finally {
      clearTimeout(timer);
    }
    const terminated = this.#stop.signal.aborted;
    for (const { applicationName } of this.#running.applications) {
      publish('stopped', { ...eventOf(applicationName), terminated });
    }
  }

  async #releaseAll(): Promise<void> {
    await using closing = new AsyncDisposableStack(); // released in reverse order, each even if another fails
    closing.defer(() => this.#turns.run(() => this.#running.release()));
    closing.defer(async () => {
      await Promise.all(this.#running.applications.map(applicationInternals.close));
    });
    await this.#watch?.[Symbol.asyncDispose]();
  }
}

function notDrained(drainTimeoutMs: number): RunnerClosedError {
  return new RunnerClosedError(
    `The system was still processing events ${drainTimeoutMs / 1_000} s after close(), so it was stopped. ` +
      'All saved events are recorded; the next start processes the rest.',
  );
}

/** Rejects calls inside policies that would wait for their own end. */
function assertNotInPolicy(call: string): void {
  const policyOf = currentPolicy();
  if (policyOf === undefined) return;
  throw new InvalidPolicyError(
    `The policy of '${policyOf}' called ${call} of its runner, which waits for this policy to end. Call ${call} outside of policies.`,
  );
}
