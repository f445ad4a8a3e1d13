import type { Saved } from '../../../application/recording/save-options.ts';
import type { System } from '../../../system/system.ts';
import { unlessAborted } from '../../../util/abort.ts';
import { localPipelineId } from '../../local-pipeline.ts';
import type { ProcessedOptions, WaitOptions } from '../../runner.ts';
import type { RunningSystem } from '../../running-system.ts';
import { Waits } from '../../waiting/waits.ts';
import type { FollowerState } from '../../waiting/watched-followers.ts';
import { type AwaitedTicks, TickProgress } from './tick-progress.ts';

export interface TickWaitsParts {
  readonly system: System;
  readonly running: RunningSystem;
  readonly ticks: AwaitedTicks;
  stateOf(applicationName: string): FollowerState;
  /** Ends all waits. */
  readonly stopped: AbortSignal;
}

/** The calls of a stepping runner that wait until notifications are processed, tick by tick. */
export class TickWaits {
  readonly #progress: TickProgress;
  readonly #waits: Waits;

  constructor(parts: TickWaitsParts) {
    const { system, running, ticks, stateOf } = parts;
    this.#progress = new TickProgress(ticks);
    this.#waits = new Waits({
      system,
      pipelineIds: [localPipelineId],
      running,
      followers: { progress: this.#progress, stateOf, requestPositions: () => {} }, // each tick processes all logs
      get closed() {
        return parts.stopped;
      },
    });
  }

  settled(saved: Saved, options: WaitOptions): Promise<void> {
    return this.#waits.settled(saved, options);
  }

  processed(saved: Saved, options: ProcessedOptions): Promise<void> {
    return this.#waits.processed(saved, options);
  }

  /**
   * Waits for the commands of the next tick, too, and for parked notifications that are due. Unless nothing happens in
   * that tick, resolves one tick after the end.
   */
  async caughtUp(signal: AbortSignal | undefined): Promise<void> {
    const isQuiet = await unlessAborted(this.#progress.advance(), signal);
    await this.#waits.dueProcessed(signal);
    await this.#waits.caughtUp(signal);
    if (!isQuiet) await unlessAborted(this.#progress.advance(), signal);
  }
}
