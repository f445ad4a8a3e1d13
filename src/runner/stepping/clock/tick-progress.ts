import { unlessAborted } from '../../../util/abort.ts';
import type { ProgressSignal } from '../../waiting/watched-followers.ts';

/** The ticks of a runner, for calls that wait. */
export interface AwaitedTicks {
  /** Runs or awaits a tick. Resolves with whether nothing happened in it. */
  next(): Promise<boolean>;
  /** Records the positions behind ignored notifications. */
  recordPositions(): Promise<void>;
  /** Called if something is left to process after a tick in which nothing happened; throws if ticks do not help. */
  assertNoneStuck(): void;
}

/** Progress of a stepping runner: a tick, after which positions are recorded. Concurrent calls share the ticks. */
export class TickProgress implements ProgressSignal {
  readonly #ticks: AwaitedTicks;
  #progress = 0;
  #wasQuiet = false;
  #round: Promise<boolean> | undefined;

  constructor(ticks: AwaitedTicks) {
    this.#ticks = ticks;
  }

  get progress(): number {
    return this.#progress;
  }

  async progressSince(seen: number, _timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#progress !== seen) return;
    try {
      await unlessAborted(this.advance(), signal);
    } catch (error) {
      if (!signal.aborted) throw error; // the signal only ends the wait
    }
  }

  /** Resolves after the next tick, with whether nothing happened in it. */
  advance(): Promise<boolean> {
    this.#round ??= this.#run().finally(() => {
      this.#round = undefined;
    });
    return this.#round;
  }

  async #run(): Promise<boolean> {
    if (this.#wasQuiet) this.#ticks.assertNoneStuck();
    this.#wasQuiet = await this.#ticks.next();
    await this.#ticks.recordPositions();
    this.#progress += 1;
    return this.#wasQuiet;
  }
}
