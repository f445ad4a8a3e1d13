import { storageForThreads } from '../../../storage/storage.ts';
import type { System } from '../../../system/system.ts';
import { addressOf } from '../../../system/system-module.ts';
import { unlessAborted } from '../../../util/abort.ts';
import { assignmentsOf } from '../../asynchronous/assignment.ts';
import { type RunnerOptions, runnerOptions } from '../../runner-options.ts';
import { StepFailure } from '../interruptions.ts';
import type { Setting } from '../open-stepping.ts';
import { type Acted, type Moment, pipelineId, type StepDriver } from '../step-driver.ts';
import { BarrierBrokenError } from './barrier.ts';
import { SharedTick, type Work } from './shared-tick.ts';
import { SteppingThread } from './stepping-thread.ts';

/** The applications act in threads of their own, which meet at barriers. */
export class ThreadedDriver implements StepDriver {
  readonly #threads: readonly SteppingThread[];
  readonly #signals: SharedTick;

  private constructor(threads: readonly SteppingThread[], signals: SharedTick) {
    this.#threads = threads;
    this.#signals = signals;
  }

  /** Starts a thread for each application that follows others; throws having ended them if one cannot start. */
  static async start(
    system: System,
    {
      batchSize = runnerOptions.batchSize.default,
      cacheSize = runnerOptions.cacheSize.default,
      signal,
    }: RunnerOptions,
    { running, heads, report, seed }: Setting,
  ): Promise<ThreadedDriver> {
    const names = system.graph.nodes.map(({ name }) => name);
    const roles = assignmentsOf(system.graph, [pipelineId]);
    const signals = new SharedTick(roles.length);
    const task = {
      address: addressOf(system),
      storage: await storageForThreads(running.storage),
      writerId: running.writerId,
      batchSize,
      cacheSize,
      names,
      heads: heads.buffer,
      sharedTick: signals.buffer,
      threads: roles.length,
      seed,
    };
    signal?.throwIfAborted();
    const exited = (threadId: number) => {
      running.openedStorage.threadEnded?.(threadId);
      signals.break(); // a tick is done by all or by none
    };
    const threads = roles.map(
      (assignment, index) => new SteppingThread({ task: { ...task, assignment, index }, report, exited }),
    );
    const stage = new ThreadedDriver(threads, signals);
    try {
      await unlessAborted(Promise.all(threads.map(({ ready }) => ready)), signal);
      return stage;
    } catch (error) {
      await stage.close(0);
      throw error;
    }
  }

  async advance({ tick, timeMs }: Moment, signal: AbortSignal): Promise<ReadonlyMap<string, Acted>> {
    await this.#meet('process', tick, timeMs, signal);
    const acted = this.#threads.map(async (thread, index): Promise<[string, Acted]> => {
      const stall = this.#signals.isStalled(index) ? await thread.takeBlocked() : undefined;
      return [thread.applicationName, { fetched: this.#signals.fetchedBy(index), stall }];
    });
    return new Map(await unlessAborted(Promise.all(acted), signal));
  }

  recordPositions(signal: AbortSignal): Promise<void> {
    return this.#meet('record positions', 0, 0, signal);
  }

  async close(drainTimeoutMs: number): Promise<readonly string[]> {
    // Who is not done by now was given up.
    const closing = this.#threads.map((thread, i) =>
      thread.close(this.#signals.isDone(i) ? drainTimeoutMs : 0),
    );
    this.#signals.break();
    const terminated = await Promise.all(closing);
    return this.#threads.filter((_, i) => terminated[i]).map(({ applicationName }) => applicationName);
  }

  async #meet(work: Work, tick: number, timeMs: number, signal: AbortSignal): Promise<void> {
    this.#signals.announce(work, tick, timeMs);
    try {
      await unlessAborted(this.#passBarriers(), signal);
    } catch (error) {
      if (!(error instanceof BarrierBrokenError)) throw error;
      // Whoever broke it has failed; the others end when they have processed what they had fetched.
      await unlessAborted(Promise.all(this.#threads.map(({ exited }) => exited)), signal);
      throw new StepFailure(this.#failures);
    }
  }

  async #passBarriers(): Promise<void> {
    const { fetch, execute, end } = this.#signals;
    await fetch.wait();
    await execute.wait();
    await end.wait();
  }

  get #failures(): ReadonlyMap<string, unknown> {
    return new Map(
      this.#threads.flatMap(({ applicationName, failure }) =>
        failure === undefined ? [] : [[applicationName, failure]],
      ),
    );
  }
}
