import type { ControlLog } from '../../../application/control/control-log.ts';

/** Waits until people have resumed all failed applications of a stepping runner, and starts it again. */
export class Revival {
  /** Resolves when the runner works again; rejects when the signal is aborted. */
  readonly done: Promise<void>;
  /** The failed applications, each with its last operation before the failure. */
  readonly #failed: ReadonlyMap<ControlLog, number>;

  /** @param restart Starts the runner again. */
  constructor(controls: readonly ControlLog[], restart: () => Promise<void>, signal: AbortSignal) {
    this.#failed = new Map(controls.map((control) => [control, control.lastId]));
    this.done = this.#run(restart, signal);
    this.done.catch(() => {}); // a closed runner waits no more
  }

  /** Whether all failed applications are resumed. */
  get isDue(): boolean {
    return this.#failed.entries().every(([control, id]) => control.isResumedSince(id));
  }

  async #run(restart: () => Promise<void>, signal: AbortSignal): Promise<void> {
    await Promise.all(this.#failed.entries().map(([control, id]) => control.resumedAfter(id, signal)));
    await restart();
  }
}
