import type { Recorder } from '../../storage/recorder.ts';
import type { LogPlace, StoredNotification } from '../../storage/stored-event.ts';

/** A notification that must wait. */
export interface Waiting {
  /** Its place among those that were looked at. */
  readonly index: number;
  /** What has not been processed yet. */
  readonly dependency: LogPlace;
}

/** How far an application is in the logs of one upstream, in its other pipelines. */
export class CausalGate {
  readonly #recorder: Recorder;
  readonly #upstreamName: string;
  /** What was seen of the positions, which only grow. */
  readonly #positions = new Map<number, number>();

  /** The recorder is that of the application itself. */
  constructor(recorder: Recorder, upstreamName: string) {
    this.#recorder = recorder;
    this.#upstreamName = upstreamName;
  }

  /**
   * The first notification that depends on something not processed yet. Those that the policy ignores wait like the
   * others: a position says that all before it, and so all that they depend on, is processed, and somebody else may
   * depend on just that.
   */
  async firstWaiting(notifications: readonly StoredNotification[]): Promise<Waiting | undefined> {
    const asked = new Set<number>();
    for (const [index, { dependencies }] of notifications.entries()) {
      if (dependencies === undefined) continue;
      for (const dependency of dependencies) {
        if (!(await this.#isProcessed(dependency, asked))) return { index, dependency };
      }
    }
    return undefined;
  }

  /** Asks the storage only if it must, and once for each pipeline. */
  async #isProcessed({ pipelineId, notificationId }: LogPlace, asked: Set<number>): Promise<boolean> {
    const isReached = () => (this.#positions.get(pipelineId) ?? 0) >= notificationId;
    if (isReached() || asked.has(pipelineId)) return isReached();
    asked.add(pipelineId);
    this.#positions.set(pipelineId, await this.#recorder.position(pipelineId, this.#upstreamName));
    return isReached();
  }
}
