import { clearTimeout, setTimeout } from 'node:timers';
import { type ApplicationClass, applicationInternals } from '../../application/application.ts';
import type { Saved } from '../../application/recording/save-options.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import { assertSystem, type System } from '../../system/system.ts';
import { unlessAborted } from '../../util/abort.ts';
import { inRootContext } from '../../util/environment/root-context.ts';
import { resolveOptions } from '../../util/options.ts';
import { publish, warnOfAbandoned } from '../diagnostics.ts';
import { RunnerClosedError } from '../errors.ts';
import { followLocally, localPipelineId } from '../local-pipeline.ts';
import { assertNotInPolicy } from '../not-in-policy.ts';
import { OperableRunner } from '../operating/operable-runner.ts';
import type { OperatedSystem } from '../operating/operations.ts';
import type { ApplicationStatus, ProcessedOptions, SystemRunner, WaitOptions } from '../runner.ts';
import { type ResolvedRunnerOptions, type RunnerOptions, runnerOptions } from '../runner-options.ts';
import { assertStarted, openSystem, type RunningSystem } from '../running-system.ts';
import { statusOf } from '../status.ts';
import { signalOf } from '../wait-options.ts';
import { Waits } from '../waiting/waits.ts';
import { type FollowerState, unreportedProgress } from '../waiting/watched-followers.ts';
import { eventOf } from './local-application.ts';
import { LocalFollowers } from './local-followers.ts';
import { LogWatch } from './log-watch.ts';

/**
 * Runs a system in this thread. `save()` resolves when everything that follows from its events is processed. Commands
 * are recorded while followers run.
 *
 * @example
 * await using runner = await SingleThreadedRunner.start(shop, { storage: sqlite({ file: 'shop.db' }) });
 * const id = await runner.get(Orders).place('ada');
 * const order = await runner.get(Orders).get(id); // reserved and paid
 */
export class SingleThreadedRunner<Apps extends ApplicationClass = ApplicationClass>
  extends OperableRunner<Apps>
  implements SystemRunner<Apps>
{
  readonly system: System<Apps>;
  readonly #options: ResolvedRunnerOptions;
  readonly #running: RunningSystem;
  readonly #followers: LocalFollowers;
  readonly #waits: Waits;
  /** Aborted when the runner is closed: calls that wait end. */
  readonly #closed = new AbortController();
  /** Aborted when no further batch may begin: the runner is closed, or its start failed. */
  readonly #stop = new AbortController();
  #watch: Promise<LogWatch> | undefined;
  /** Whether prompts of other processes are followed. At the start, all logs are read anyway. */
  #followsPrompts = false;
  #closing: Promise<void> | undefined;

  private constructor(system: System<Apps>, options: ResolvedRunnerOptions, running: RunningSystem) {
    super();
    assertStarted(running, new.target);
    this.system = system;
    this.#options = options;
    this.#running = running;
    this.#followers = new LocalFollowers(system, running, this.#stop.signal);
    const followers = {
      progress: unreportedProgress,
      stateOf: (name: string) => this.#stateOf(name),
      requestPositions: () => this.#followers.readAndRecordAll(),
    };
    const pipelineIds = [localPipelineId];
    this.#waits = new Waits({ system, pipelineIds, running, followers, closed: this.#closed.signal });
  }

  /**
   * Opens the applications and processes everything that was recorded before, as far as possible: an application that
   * fails, waits for another pipeline or version, or finds its storage busy is shown by {@link status}.
   *
   * @throws {@link InvalidOptionError} if an option is unknown or has a wrong value.
   * @throws {@link SystemRunningError} if this system is running already.
   * @throws {@link UndeclaredTypesError} if the logs hold undeclared types, and `undeclaredEvents` is 'refuse'.
   * @throws {@link ResourceError} if a resource cannot be opened.
   * @throws {@link StorageError} if the storage cannot be opened.
   */
  static async start<Apps extends ApplicationClass, Opened extends object>(
    system: System<Apps, Opened>,
    options: RunnerOptions<NoInfer<Opened>> = {},
  ): Promise<SingleThreadedRunner<Apps>> {
    assertSystem(system, 'SingleThreadedRunner.start()');
    const given: RunnerOptions = options;
    const resolved = resolveOptions(given, runnerOptions, 'SingleThreadedRunner.start()');
    let followers: LocalFollowers | undefined;
    const running = await openSystem(system, resolved, {
      runner: 'SingleThreadedRunner',
      pipelineIds: [localPipelineId],
      beforeLive: async (name) => followers?.endBuild(name),
      saveRulesOf: (name) => ({
        runCommit: (commit) => runner.#followers.commit(name, commit),
        followed: (save) => runner.#followers.followed(name, save),
        repeated: (saved) => runner.#followAgain(saved),
      }),
    });
    const runner = new SingleThreadedRunner(system, resolved, running);
    followers = runner.#followers;
    try {
      await unlessAborted(
        inRootContext(() => runner.#start()),
        resolved.signal,
      );
      return runner;
    } catch (error) {
      runner.#stop.abort(error);
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

  async settled(saved: Saved, options: WaitOptions = {}): Promise<void> {
    this.#assertMayWait('settled()');
    await this.#waits.settled(saved, options);
  }

  async processed(saved: Saved, options: ProcessedOptions<Apps>): Promise<void> {
    this.#assertMayWait('processed()');
    await this.#waits.processed(saved, options);
  }

  /**
   * Resolves when everything that was recorded before the call, and everything that follows from it, is processed.
   *
   * @throws {@link DownstreamError} if an application has failed, or waits for another pipeline or another version.
   */
  async caughtUp(options: WaitOptions = {}): Promise<void> {
    this.#assertMayWait('caughtUp()');
    await this.#followers.caughtUp(signalOf(options, 'caughtUp()'));
  }

  async status(): Promise<readonly ApplicationStatus[]> {
    this.#assertOpen();
    return statusOf(this.system.graph, this.#running.in(localPipelineId), (name) => this.#stateOf(name));
  }

  /**
   * Processes what is under way and releases everything. Saves whose followers cannot finish reject with
   * {@link RunnerClosedError}; their events are recorded, and the next start processes the rest.
   */
  async close(): Promise<void> {
    assertNotInPolicy('close()');
    this.#closing ??= this.#close();
    await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #start(): Promise<void> {
    followLocally(this.system.graph, this.#running.in(localPipelineId), this.#options);
    for (const { applicationName } of this.#running.applications)
      publish('started', eventOf(applicationName));
    this.#watch = LogWatch.start(this.#running.openedStorage, this.#options.pollIntervalMs, {
      onPrompt: ({ applicationName, pipelineId, head }) => {
        if (!this.#followsPrompts || pipelineId !== localPipelineId) return;
        this.#followers.prompt(applicationName, head);
      },
      onGap: () => {
        if (this.#followsPrompts) this.#followers.readAll();
      },
    });
    await this.#watch;
    this.#followsPrompts = true;
    await this.#followers.start();
  }

  /** @internal */
  protected override get operated(): OperatedSystem {
    this.#assertOpen();
    const statesOf = async (name: string) => [this.#followers.stateOf(name)];
    return { system: this.system, pipelineIds: [localPipelineId], running: this.#running, statesOf };
  }

  #stateOf(name: string): FollowerState {
    return {
      state: this.#followers.stateOf(name),
      lastError: this.#followers.lastErrorOf(name),
      interruption: this.#followers.interruptionOf(name),
    };
  }

  /** Waits for what follows from a save of an earlier call. */
  #followAgain(saved: Saved): Promise<void> | undefined {
    return saved.pipelineId === localPipelineId ? this.#waits.settled(saved, {}) : undefined;
  }

  #assertMayWait(call: string): void {
    this.#assertOpen();
    assertNotInPolicy(call);
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new RunnerClosedError();
  }

  async #close(): Promise<void> {
    this.#closed.abort(new RunnerClosedError());
    const { drainTimeoutMs } = this.#options;
    const late = Promise.withResolvers<void>();
    let abandoned: readonly string[] = [];
    const timer = setTimeout(() => {
      abandoned = this.#followers.working;
      this.#stop.abort(notDrained(abandoned, drainTimeoutMs));
      late.resolve();
    }, drainTimeoutMs);
    try {
      await this.#releaseAll(late.promise);
    } finally {
      clearTimeout(timer);
    }
    warnOfAbandoned(abandoned, drainTimeoutMs);
    for (const { applicationName } of this.#running.applications) {
      publish('stopped', { ...eventOf(applicationName), terminated: abandoned.includes(applicationName) });
    }
  }

  async #releaseAll(late: Promise<void>): Promise<void> {
    this.#followers.beginToClose();
    await using closing = new AsyncDisposableStack(); // released in reverse order, each even if another fails
    closing.defer(() => this.#running.release());
    closing.defer(async () => {
      await Promise.race([this.#followers.drained(), late]); // a policy may never settle
      this.#stop.abort(closedBeforeEnd());
      this.#followers.close(this.#stop.signal.reason);
    });
    closing.defer(async () => {
      await Promise.all(this.#running.applications.map(applicationInternals.close));
    });
    const watch = await this.#watch?.catch(() => undefined); // start() throws the error
    await watch?.[Symbol.asyncDispose]();
  }
}

function notDrained(applicationNames: readonly string[], drainTimeoutMs: number): RunnerClosedError {
  const names = applicationNames.map((name) => `'${name}'`).join(', ');
  return new RunnerClosedError(
    `The system was still processing events ${drainTimeoutMs / 1_000} s after close(), so it was stopped` +
      `${names === '' ? '' : ` in the middle of the work of ${names}`}. ` +
      'All saved events are recorded; the next start processes the rest.',
  );
}

function closedBeforeEnd(): RunnerClosedError {
  return new RunnerClosedError(
    'The runner was closed before an interrupted application could process all events. ' +
      'All saved events are recorded; the next start processes the rest.',
  );
}
