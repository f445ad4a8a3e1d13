import { storageForThreads } from '../../../storage/storage.ts';
import { addressOf } from '../../../system/system-module.ts';
import { unlessAborted } from '../../../util/abort.ts';
import { assignmentsOf } from '../../assignment.ts';
import { localPipelineId } from '../../local-pipeline.ts';
import { workerProgram } from '../../supervised/worker-program.ts';
import { StepFailedError } from '../errors.ts';
import type { DriverParts, Moment, StepDriver, TickOutcome } from '../step-driver.ts';
import { BarrierBrokenError } from './barrier.ts';
import { SharedTick, type TickWork } from './shared-tick.ts';
import { SteppingThread } from './stepping-thread.ts';

/**
 * Returns the URL of the program of a thread.
 *
 * @throws {@link BundledError} if there is no such file.
 */
export function threadProgram(runner: string): URL {
  return workerProgram(import.meta.url, 'worker-thread-entry', runner);
}

/** Runs each application that follows others in its own worker thread. The threads meet at barriers. */
export class ThreadedDriver implements StepDriver {
  readonly #threads: readonly SteppingThread[];
  readonly #sharedTick: SharedTick;

  private constructor(threads: readonly SteppingThread[], sharedTick: SharedTick) {
    this.#threads = threads;
    this.#sharedTick = sharedTick;
  }

  /** Starts the threads, or throws having ended them. */
  static async start(
    { system, options, running, heads, report, seed }: DriverParts,
    entry: URL,
  ): Promise<ThreadedDriver> {
    const { signal, batchSize, cacheSize, useDirectQueryIfAvailable } = options;
    const assignments = assignmentsOf(system.graph, [localPipelineId]);
    const sharedTick = new SharedTick(assignments.length);
    const task = {
      address: addressOf(system),
      storage: await storageForThreads(running.storage),
      writerId: running.writerId,
      batchSize,
      cacheSize,
      useDirectQueryIfAvailable,
      names: system.graph.nodes.map(({ name }) => name),
      heads: heads.buffer,
      sharedTick: sharedTick.buffer,
      threads: assignments.length,
      seed,
    };
    signal?.throwIfAborted();
    const exited = (threadId: number) => {
      running.openedStorage.threadEnded?.(threadId);
      sharedTick.break(); // without this thread, the others cannot finish a tick
    };
    const threads: SteppingThread[] = [];
    const driver = new ThreadedDriver(threads, sharedTick);
    try {
      for (const [index, assignment] of assignments.entries())
        threads.push(new SteppingThread({ entry, task: { ...task, assignment, index }, report, exited }));
      await unlessAborted(Promise.all(threads.map(({ ready }) => ready)), signal);
      return driver;
    } catch (error) {
      await driver.close(0);
      throw error;
    }
  }

  async advance(moment: Moment, signal: AbortSignal): Promise<ReadonlyMap<string, TickOutcome>> {
    const { paused } = moment;
    await this.#passBarriers('process', moment, signal);
    const outcomes = this.#threads.map(async (thread, index): Promise<[string, TickOutcome]> => {
      const isBlocked = this.#sharedTick.isBlocked(index);
      const blockedBy = isBlocked ? await thread.takeBlocked() : paused.get(thread.applicationName);
      return [thread.applicationName, { fetched: this.#sharedTick.fetchedBy(index), blockedBy }];
    });
    return new Map(await unlessAborted(Promise.all(outcomes), signal));
  }

  recordPositions(signal: AbortSignal): Promise<void> {
    return this.#passBarriers('record positions', { tick: 0, timeMs: 0, paused: new Map() }, signal);
  }

  async close(drainTimeoutMs: number): Promise<readonly string[]> {
    // A thread that has not finished its work by now was abandoned.
    const closing = this.#threads.map((thread, i) =>
      thread.close(this.#sharedTick.isDone(i) ? drainTimeoutMs : 0),
    );
    this.#sharedTick.break();
    const terminated = await Promise.all(closing);
    return this.#threads.filter((_, i) => terminated[i]).map(({ applicationName }) => applicationName);
  }

  async #passBarriers(
    work: TickWork,
    { tick, timeMs, paused }: Pick<Moment, 'tick' | 'timeMs' | 'paused'>,
    signal: AbortSignal,
  ): Promise<void> {
    const arePaused = this.#threads.map(({ applicationName }) => paused.has(applicationName));
    this.#sharedTick.announce(work, tick, timeMs, arePaused);
    try {
      await unlessAborted(this.#waitAtBarriers(), signal);
    } catch (error) {
      if (!(error instanceof BarrierBrokenError)) throw error;
      // One thread failed and broke the barriers; the others end when they have processed everything they had fetched.
      await unlessAborted(Promise.all(this.#threads.map(({ exited }) => exited)), signal);
      throw new StepFailedError(this.#failures);
    }
  }

  async #waitAtBarriers(): Promise<void> {
    const { fetch, execute, end } = this.#sharedTick;
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
