import type { Cause } from '../../domain/provenance.ts';
import type { Recorder } from '../../storage/recorder.ts';
import { IdSet } from './id-set.ts';

/** Number of notifications of the upstream that are looked at together: 128 KB of memory. */
const windowSize = 2 ** 20;
/** Number of causes that are read at once. */
const pageSize = 4_096;

/**
 * Tells which notifications of an upstream have effects in the log of a follower, in any order. Reads the causes of the
 * whole log once for each window of about a million notifications, and afterwards what was recorded since.
 */
export class RecordedEffects {
  readonly #reader: Pick<Recorder, 'causes' | 'head'>;
  readonly #upstream: Omit<Cause, 'notificationId'>;
  #causes = new IdSet();
  /** Id before the first notification of the window. */
  #before = -windowSize;
  /** Id in the follower's log up to which causes were read. */
  #read = 0;

  constructor(reader: Pick<Recorder, 'causes' | 'head'>, upstream: Omit<Cause, 'notificationId'>) {
    this.#reader = reader;
    this.#upstream = upstream;
  }

  /** Returns those of some notifications, in the order of their ids, that have effects now. */
  async of(notificationIds: readonly number[]): Promise<ReadonlySet<number>> {
    const found = new Set<number>();
    let covered = 0;
    for (const id of notificationIds) {
      if (id > covered) covered = await this.#cover(id);
      if (this.#causes.has(id)) found.add(id);
    }
    return found;
  }

  /**
   * Reads the new causes of a window that holds a notification, or all of one that begins there. Returns the last id of the
   * window.
   */
  async #cover(notificationId: number): Promise<number> {
    if (!this.#holds(notificationId)) {
      this.#causes = new IdSet();
      this.#before = notificationId - 1;
      this.#read = 0;
    }
    const { pipelineId } = this.#upstream;
    const head = await this.#reader.head(pipelineId);
    while (this.#read < head) {
      const limit = Math.min(pageSize, head - this.#read);
      const causes = await this.#reader.causes(pipelineId, this.#read, limit);
      if (causes.length === 0) break;
      for (const cause of causes) if (cause !== undefined) this.#note(cause);
      this.#read += causes.length;
    }
    return this.#before + windowSize;
  }

  #note({ applicationName, pipelineId, notificationId }: Cause): void {
    const upstream = this.#upstream;
    if (applicationName !== upstream.applicationName || pipelineId !== upstream.pipelineId) return;
    if (this.#holds(notificationId)) this.#causes.add(notificationId);
  }

  #holds(notificationId: number): boolean {
    return notificationId > this.#before && notificationId <= this.#before + windowSize;
  }
}
