import type { ParkedNotification } from '../../storage/parked.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { isInstance } from '../../util/errors.ts';
import type { FollowerFailures } from '../error-rules/failure-handling.ts';
import { asOtherVersion, isTransientFailure } from '../failures.ts';
import { PolicyError } from '../following-errors.ts';
import type { BatchProcessor } from './batches/batch-processor.ts';
import { patiently } from './tries/failed-tries.ts';
import type { TypeGate } from './type-gate.ts';
import type { UpstreamLog } from './upstream-log.ts';

export interface ParkedRetriesOptions {
  readonly log: UpstreamLog;
  readonly types: TypeGate;
  readonly failures: FollowerFailures;
  readonly processor: BatchProcessor;
}

/** Processes parked notifications of one upstream again. */
export class ParkedRetries {
  readonly #options: ParkedRetriesOptions;

  constructor(options: ParkedRetriesOptions) {
    this.#options = options;
  }

  /**
   * Processes a parked notification, unless it must stay behind another one or is left to another version. Resolves with
   * whether it is no longer parked.
   *
   * @throws {@link PolicyError} if the policy fails again and no rule parks the notification.
   */
  async retry(parked: ParkedNotification): Promise<boolean> {
    const { log, types, failures, processor } = this.#options;
    const notification = await log.find(parked.notificationId);
    if (notification === undefined || types.firstBarred([notification]) !== undefined) return false;
    if (await failures.isBlocked(notification)) return false;
    try {
      await patiently(() => processor.retry(notification, parked));
      return true;
    } catch (error) {
      await this.#keepParked(notification, parked, error);
      return false;
    }
  }

  /** Records that the policy has failed again on a parked notification. */
  async #keepParked(
    notification: StoredNotification,
    parked: ParkedNotification,
    error: unknown,
  ): Promise<void> {
    const { failures, processor } = this.#options;
    if (processor.signal?.aborted) throw error;
    if (asOtherVersion(error) !== undefined) return;
    const failed = processor.attributed(error, notification);
    if (!isInstance(failed, PolicyError) || isTransientFailure(failed)) throw error;
    await processor.change(parked, failures.failedAgain(parked, failed));
    if (!failures.parks(failed)) throw failed;
  }
}
