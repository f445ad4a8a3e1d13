import { type ApplicationClass, applicationInternals } from '../../application/application.ts';
import { CausalDependencyError, InvalidPolicyError } from '../../application/errors.ts';
import { currentPolicy } from '../../application/following/current-policy.ts';
import {
  type ProcessApplication,
  processApplicationInternals,
} from '../../application/process-application.ts';
import { upstreamsOf } from '../../system/graph.ts';
import type { System } from '../../system/system.ts';
import { unlessAborted } from '../../util/abort.ts';
import { messageOf } from '../../util/errors.ts';
import { Mutex } from '../../util/mutex.ts';
import { resolveOptions } from '../../util/options.ts';
import { backOff } from '../../util/retry.ts';
import { longestTimerMs } from '../../util/time.ts';
import { blockedBackoff } from '../blocked-upstreams.ts';
import { publish, type RunnerEvent } from '../diagnostics.ts';
import { DownstreamError, isInterruption, RunnerClosedError } from '../errors.ts';
import type { ApplicationState, ApplicationStatus, SystemRunner } from '../runner.ts';
import { defaultPollIntervalMs, type RunnerOptions, runnerOptions } from '../runner-options.ts';
import { openSystem, type RunningSystem } from '../running-system.ts';
import { statusOf } from '../status.ts';
import { type Followers, followEdges } from './follow-edges.ts';

/**
 * Runs a system in this thread. A commit, and all that follows from it in the whole system, is one turn,
 * and turns follow one another: when `save()` resolves, the system is quiet. Commands that come in during a
 * turn share the next.
 *
 * @example
 * const storage = sqlite({ directory: 'data' });
 * await using runner = await SingleThreadedRunner.start(shop, { storage });
 * await runner.get(Orders).place('ada');
 */
export class SingleThreadedRunner<Apps extends ApplicationClass = ApplicationClass>
  implements SystemRunner<Apps>
{
  readonly #system: System<Apps>;
  readonly #drainTimeoutMs: number;
  readonly #turns = new Mutex();
  /** The applications whose logs have grown, first come first served. */
  readonly #prompts = new Set<string>();
  /** Those that are stopped. */
  readonly #failures = new Map<string, unknown>();
  /** Those that could not go on in this turn, because their storage was busy or away, or they wait for another pipeline. */
  readonly #interruptions = new Map<string, unknown>();
  /** Aborted when closing has taken too long. */
  readonly #stop = new AbortController();
  #running: RunningSystem | undefined;
  #followers: Followers = new Map();
  #closing: Promise<void> | undefined;
  #polling: NodeJS.Timeout | undefined;
  /** Who waits for what in other pipelines, and how many turns have left it at that. */
  #stalls = '';
  #stalledTurns = 0;
  /** Aborted when nobody waits any more, or another turn looks sooner. */
  #retrying = new AbortController();
  #listening: AsyncDisposable | undefined;
  /** Whether a turn is to come for what others have recorded: at first, that of the start. */
  #waitsForTurn = true;
  /** The application that runs in this moment. */
  #active: string | undefined;

  private constructor(system: System<Apps>, drainTimeoutMs: number) {
    this.#system = system;
    this.#drainTimeoutMs = drainTimeoutMs;
  }

  /**
   * Opens the applications and catches up with what was recorded before, but for what waits for another pipeline, which
   * may be started after this one.
   *
   * @throws DownstreamError if an application fails while catching up; everything is closed again.
   * @throws SystemRunningError if this system is running already.
   * @throws StorageError if the storage cannot be opened.
   */
  static async start<Apps extends ApplicationClass>(
    system: System<Apps>,
    options: RunnerOptions = {},
  ): Promise<SingleThreadedRunner<Apps>> {
    const resolved = resolveOptions(options, runnerOptions, 'SingleThreadedRunner.start()');
    const runner = new SingleThreadedRunner(system, resolved.drainTimeoutMs);
    const running = await openSystem(system, resolved, {
      pipelineIds: [pipelineId],
      turn: (name, commit) => runner.#turn(name, commit),
    });
    runner.#running = running;
    try {
      runner.#followers = followEdges(system.graph, running.in(pipelineId), resolved.batchSize);
      for (const application of running.applications) {
        application.subscribe((prompt) => runner.#prompts.add(prompt.applicationName));
        publish('started', runner.#event(application.applicationName));
      }
      await runner.#listen(options.pollIntervalMs);
      await runner.#turns.run(() => runner.#catchUpAtStart(options.signal));
      return runner;
    } catch (error) {
      await runner.close();
      throw error;
    }
  }

  get<A extends Apps>(kind: A, pipeline?: number): InstanceType<A> {
    return this.#opened().get(kind, pipeline);
  }

  async caughtUp(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#opened();
    assertNotInPolicy('caughtUp()');
    options.signal?.throwIfAborted();
    await unlessAborted(
      this.#turns.run(() => this.#catchUp('The system is not caught up.')),
      options.signal,
    );
  }

  async status(): Promise<readonly ApplicationStatus[]> {
    return statusOf(this.#system.graph, this.#opened().in(pipelineId), (name) => {
      const lastError = this.#failures.get(name) ?? this.#interruptions.get(name);
      return { state: this.#stateOf(name), lastError };
    });
  }

  /** As every runner; what is to follow from what is saved is processed after the next start. */
  async close(): Promise<void> {
    assertNotInPolicy('close()');
    this.#closing ??= this.#close();
    await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #opened(): RunningSystem {
    if (this.#closing === undefined && this.#running !== undefined) return this.#running;
    throw new RunnerClosedError();
  }

  #turn(applicationName: string, commit: () => Promise<void>): Promise<void> {
    return this.#turns.run(async () => {
      await commit();
      await this.#settle(
        `What was saved in '${applicationName}' is recorded, but not all that is to follow could be processed.`,
      );
    });
  }

  /** Follows what other processes record, too: by prompts of the storage, and by looking now and then. */
  async #listen(pollIntervalMs: number | undefined): Promise<void> {
    this.#listening = await this.#running?.openedStorage.listen?.({
      onPrompt: (prompt) => prompt.pipelineId === pipelineId && this.#prompted([prompt.applicationName]),
      onGap: () => this.#prompted(this.#names),
    });
    const intervalMs = pollIntervalMs ?? (this.#listening && defaultPollIntervalMs);
    if (intervalMs !== undefined) this.#polling = setInterval(() => this.#prompted(this.#names), intervalMs);
  }

  /** Takes a turn for what nobody here waits for: failures reach whoever waits next. */
  #prompted(names: Iterable<string>): void {
    for (const name of names) this.#prompts.add(name);
    if (this.#waitsForTurn || this.#closing !== undefined) return;
    this.#waitsForTurn = true;
    const turn = this.#turns.run(async () => {
      this.#waitsForTurn = false;
      await this.#settle('What other processes recorded could not be processed.');
    });
    turn.catch(() => {});
  }

  get #names(): Iterable<string> {
    return this.#running?.in(pipelineId).keys() ?? [];
  }

  async #catchUpAtStart(signal: AbortSignal | undefined): Promise<void> {
    try {
      await this.#catchUp('The system could not catch up at its start.', signal);
    } catch (error) {
      const onlyStalls = error instanceof DownstreamError && error.failures.values().every(isStall);
      if (!onlyStalls) throw error;
    }
  }

  async #catchUp(failure: string, signal?: AbortSignal): Promise<void> {
    this.#waitsForTurn = false;
    for (const name of this.#names) this.#prompts.add(name);
    await this.#settle(failure, signal);
  }

  /**
   * Runs followers until no prompt is left. Those that are stopped, stop now or cannot go on now make it throw in
   * the end.
   */
  async #settle(failure: string, signal?: AbortSignal): Promise<void> {
    const stop = signal === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, signal]);
    let complete = true;
    this.#interruptions.clear();
    for (const upstreamName of this.#prompts) {
      this.#prompts.delete(upstreamName);
      for (const follower of this.#followers.get(upstreamName) ?? []) {
        const ran = await this.#attempt(follower, () => this.#run(follower, upstreamName, stop));
        complete = complete && ran;
        stop.throwIfAborted();
      }
    }
    for (const follower of new Set([...this.#followers.values()].flat())) {
      const { applicationName } = follower;
      if (this.#isOut(applicationName)) continue;
      const ran = await this.#attempt(follower, () => processApplicationInternals.recordPositions(follower));
      complete = complete && ran;
    }
    // The next turn, whatever it is for, takes up again what was interrupted.
    if (this.#interruptions.size > 0) for (const name of this.#names) this.#prompts.add(name);
    this.#retryStalls();
    if (!complete) throw new DownstreamError(failure, new Map([...this.#failures, ...this.#interruptions]));
  }

  /** Takes a turn after a while if somebody waits for another pipeline, where others work: nothing here tells of that. */
  #retryStalls(): void {
    const stalls = this.#interruptions.values().filter(isStall).map(messageOf).toArray().join('\n');
    this.#stalledTurns = stalls === this.#stalls ? this.#stalledTurns + 1 : 1;
    this.#stalls = stalls;
    this.#retrying.abort();
    if (stalls === '' || this.#closing !== undefined) return;
    this.#retrying = new AbortController();
    const retry = () => this.#prompted([]);
    backOff(this.#stalledTurns, blockedBackoff, this.#retrying.signal).then(retry, () => {});
  }

  async #run(follower: ProcessApplication, upstreamName: string, signal: AbortSignal): Promise<void> {
    const event = { ...this.#event(follower.applicationName), upstreamName };
    publish('prompted', event);
    this.#active = follower.applicationName;
    const count = await follower.run({ upstreamName, signal }).finally(() => {
      this.#active = undefined;
    });
    if (count > 0) publish('processed', { ...event, count });
  }

  #stateOf(applicationName: string): ApplicationState {
    if (this.#failures.has(applicationName)) return 'failed';
    if (this.#interruptions.has(applicationName)) return 'interrupted';
    const isPrompted = upstreamsOf(this.#system.graph, applicationName).some((name) =>
      this.#prompts.has(name),
    );
    return isPrompted || this.#active === applicationName ? 'running' : 'idle';
  }

  #event(applicationName: string): RunnerEvent {
    return { runner: 'SingleThreadedRunner', applicationName, pipelineId };
  }

  /** Whether it can do nothing more in this turn. Who waits for another pipeline can follow its other upstreams. */
  #isOut(applicationName: string): boolean {
    const isAway =
      this.#interruptions.has(applicationName) && !isStall(this.#interruptions.get(applicationName));
    return isAway || this.#failures.has(applicationName);
  }

  /** Whether the application did it; one that fails is stopped, unless it was only interrupted. */
  async #attempt({ applicationName }: ProcessApplication, work: () => Promise<unknown>): Promise<boolean> {
    if (this.#isOut(applicationName)) return false;
    try {
      await work();
      return true;
    } catch (error) {
      const interrupted = isInterruption(error);
      (interrupted ? this.#interruptions : this.#failures).set(applicationName, error);
      publish(interrupted ? 'interrupted' : 'failed', { ...this.#event(applicationName), error });
      return false;
    }
  }

  async #close(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    clearInterval(this.#polling);
    this.#retrying.abort();
    const drainTimeoutMs = this.#drainTimeoutMs;
    const stop = () => this.#stop.abort(notDrained(drainTimeoutMs));
    const late = setTimeout(stop, Math.min(drainTimeoutMs, longestTimerMs));
    try {
      await this.#listening?.[Symbol.asyncDispose]();
      await Promise.all(running.applications.map(applicationInternals.close));
      await this.#turns.run(() => running.release());
    } finally {
      clearTimeout(late);
    }
    const terminated = this.#stop.signal.aborted;
    for (const { applicationName } of running.applications) {
      publish('stopped', { ...this.#event(applicationName), terminated });
    }
  }
}

/** Whether an application only waits for another pipeline. */
function isStall(error: unknown): boolean {
  return error instanceof CausalDependencyError;
}

/** It knows no other pipeline. */
const pipelineId = 0;

function notDrained(drainTimeoutMs: number): RunnerClosedError {
  return new RunnerClosedError(
    `The system was not quiet ${drainTimeoutMs / 1_000} s after its runner was closed, so it was stopped. ` +
      'What was saved is recorded; what is to follow from it is processed after the next start.',
  );
}

/** A policy that waited for its own end would wait for ever. */
function assertNotInPolicy(call: string): void {
  const policyOf = currentPolicy();
  if (policyOf === undefined) return;
  throw new InvalidPolicyError(
    `The policy of '${policyOf}' called ${call} of its runner, which waits for it to end.`,
  );
}
