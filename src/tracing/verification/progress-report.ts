import { performance } from 'node:perf_hooks';
/** How far `verify()` has read a log. */
export interface VerificationProgress {
  readonly applicationName: string;
  readonly pipelineId: number;
  /** Id of the last notification that was read. */
  readonly position: number;
  /** Id of the last notification to read. */
  readonly head: number;
}

/** Shortest time between two reports, in ms. */
const intervalMs = 250;

/** Reports progress a few times a second, and ends the work when its signal is aborted. */
export class ProgressReport {
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: ((progress: VerificationProgress) => void) | undefined;
  #reported = -Infinity;

  constructor(
    signal: AbortSignal | undefined,
    onProgress: ((progress: VerificationProgress) => void) | undefined,
  ) {
    this.#signal = signal;
    this.#onProgress = onProgress;
  }

  /** Reports progress unless that was done just before. Throws the reason of the signal if it is aborted. */
  report(progress: VerificationProgress): void {
    this.#signal?.throwIfAborted();
    const now = performance.now();
    if (this.#onProgress === undefined || now - this.#reported < intervalMs) return;
    this.#reported = now;
    this.#onProgress(progress);
  }
}
