import type { Recorder } from '../../storage/recorder.ts';
import type { LogPlace, StoredNotification } from '../../storage/stored-event.ts';

/** A notification that must wait for another pipeline. */
export interface WaitingNotification {
  /** Index among the notifications that were checked. */
  readonly index: number;
  readonly notification: StoredNotification;
  /** The notification of another pipeline that the application has not processed yet. */
  readonly dependency: LogPlace;
}

/**
 * Holds back notifications that depend on notifications of other pipelines that the application has not processed yet.
 */
export class CausalGate {
  readonly #recorder: Recorder;
  readonly #upstreamName: string;
  /** Lower bounds of the positions in other pipelines: positions only grow. */
  readonly #positions = new Map<number, number>();

  /** @param recorder Recorder of the application that follows. */
  constructor(recorder: Recorder, upstreamName: string) {
    this.#recorder = recorder;
    this.#upstreamName = upstreamName;
  }

  /**
   * Finds the first notification that must wait. Notifications that the policy ignores wait, too: applications in other
   * pipelines rely on a position meaning that all notifications up to it and their dependencies are processed.
   */
  async firstWaiting(notifications: readonly StoredNotification[]): Promise<WaitingNotification | undefined> {
    const asked = new Set<number>();
    for (const [index, notification] of notifications.entries()) {
      if (notification.dependencies === undefined) continue;
      for (const dependency of notification.dependencies) {
        if (!(await this.#isProcessed(dependency, asked))) return { index, notification, dependency };
      }
    }
    return undefined;
  }

  /** Reads a position only if its known lower bound does not suffice, and once for each pipeline. */
  async #isProcessed({ pipelineId, notificationId }: LogPlace, asked: Set<number>): Promise<boolean> {
    const isReached = () => (this.#positions.get(pipelineId) ?? 0) >= notificationId;
    if (isReached() || asked.has(pipelineId)) return isReached();
    asked.add(pipelineId);
    this.#positions.set(pipelineId, await this.#recorder.position(pipelineId, this.#upstreamName));
    return isReached();
  }
}
