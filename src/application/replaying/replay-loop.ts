import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { backOff } from '../../util/retry.ts';
import { ControlLog } from '../control/control-log.ts';
import { ReplayBatches, type ReplayOptions } from './replay-batches.ts';

const backoff = { firstMs: 10, maxMs: 5_000 };
/** Time after which a replay that waits for another version is tried again, in ms. */
const restMs = 1_000;

/**
 * Processes the replays of an application until the signal is aborted: a batch of each in turn with the followers, so that
 * neither new notifications nor replays wait for the end of the other.
 */
export class ReplayLoop {
  readonly #batches: ReplayBatches;
  readonly #control: ControlLog;
  readonly #recorded: () => void;
  readonly #signal: AbortSignal;
  #wake: AbortController | undefined;
  #failures = 0;

  /** @param recorded Called when the position of a replay was recorded behind more notifications. */
  constructor(options: ReplayOptions, recorded: () => void, signal: AbortSignal) {
    this.#batches = new ReplayBatches(options);
    this.#control = ControlLog.of(options.store.recorder);
    this.#recorded = recorded;
    this.#signal = signal;
  }

  async run(): Promise<void> {
    this.#control.watch(() => this.#wake?.abort(), this.#signal);
    while (!this.#signal.aborted) {
      if (await this.#step()) await nextTurn();
      else await this.#rest();
    }
  }

  /** Processes a batch of each replay. Resolves with whether there may be more at once. */
  async #step(): Promise<boolean> {
    try {
      if (this.#control.pause !== undefined) return false;
      const { isRecorded, hasMore } = await this.#batches.next(this.#signal);
      this.#failures = 0;
      if (isRecorded) this.#recorded();
      return hasMore;
    } catch {
      this.#failures += 1;
      await backOff(Math.min(this.#failures, 10), backoff, this.#signal).catch(() => {});
      return true;
    }
  }

  async #rest(): Promise<void> {
    const wake = new AbortController();
    this.#wake = wake;
    const signal = AbortSignal.any([wake.signal, this.#signal]);
    await delay(restMs, undefined, { signal, ref: false }).catch(() => {});
    this.#wake = undefined;
  }
}
