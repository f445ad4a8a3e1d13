import { portable } from '../../util/portable-error.ts';
import type { LoopReport } from '../application-loop.ts';
import type { ApplicationState, Interruption } from '../runner.ts';
import { MergingOutbox } from './merging-outbox.ts';
import { mergeReports, type ProcessReport } from './protocol.ts';

/**
 * Reports of an application to the parent of its process. A report waits until the parent has read the one before, but the
 * first progress is reported at once: the parent stops an application whose processes die again and again without progress,
 * and a process may die while its report waits.
 */
export class ProcessReports implements LoopReport {
  readonly #outbox: MergingOutbox<ProcessReport>;
  #hasProgressed = false;

  constructor(send: (report: ProcessReport) => void) {
    this.#outbox = new MergingOutbox({ send, merge: mergeReports }, true);
  }

  /** Called when the parent has read the last report. */
  taken(): void {
    this.#outbox.taken();
  }

  /** Sends the report that waits at once. */
  flush(): void {
    this.#outbox.flush();
  }

  /** Reports that the log of the application has grown. */
  grown(): void {
    this.#outbox.put({ hasGrown: true });
  }

  entered(state: ApplicationState): void {
    this.#outbox.put({ state });
  }

  prompted(upstreamNames: readonly string[]): void {
    this.#outbox.put({ prompted: upstreamNames });
  }

  processed(upstreamName: string, count: number): void {
    this.#progressed({ processed: { [upstreamName]: count } });
  }

  replayed(): void {
    this.#progressed({ hasReplayed: true });
  }

  interrupted(error: unknown, interruption: Interruption): void {
    this.#outbox.put({ interrupted: { error: portable(error), interruption } });
  }

  #progressed(report: ProcessReport): void {
    this.#outbox.put(report);
    if (!this.#hasProgressed) this.flush();
    this.#hasProgressed = true;
  }
}
