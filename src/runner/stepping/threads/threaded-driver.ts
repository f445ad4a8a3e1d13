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
  readonly #parts: DriverParts;
  readonly #entry: URL;
  #threads: readonly SteppingThread[] = [];
  #sharedTick = new SharedTick(0);

  private constructor(parts: DriverParts, entry: URL) {
    this.#parts = parts;
    this.#entry = entry;
  }

  /** Starts the threads, or throws having ended them. */
  static async start(parts: DriverParts, entry: URL): Promise<ThreadedDriver> {
    const driver = new ThreadedDriver(parts, entry);
    await driver.#startThreads();
    return driver;
  }

  async restart(): Promise<void> {
    await this.close(0); // the threads have ended with the tick that failed
    await this.#startThreads();
  }

  async #startThreads(): Promise<void> {
    const { system, options, running, heads, report, seed } = this.#parts;
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
    this.#threads = threads;
    this.#sharedTick = sharedTick;
    try {
      for (const [index, assignment] of assignments.entries())
        threads.push(
          new SteppingThread({ entry: this.#entry, task: { ...task, assignment, index }, report, exited }),
        );
      await unlessAborted(Promise.all(threads.map(({ ready }) => ready)), signal);
    } catch (error) {
      await this.close(0);
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
    return this.#passBarriers(
      'record positions',
      { tick: 0, timeMs: 0, paused: new Map(), operations: new Map() },
      signal,
    );
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
    { tick, timeMs, paused, operations }: Omit<Moment, 'seed'>,
    signal: AbortSignal,
  ): Promise<void> {
    const orders = this.#threads.map(({ applicationName }) => ({
      isPaused: paused.has(applicationName),
      lastOperationId: operations.get(applicationName) ?? 0,
    }));
    this.#sharedTick.announce(work, tick, timeMs, orders);
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
