import { inspect } from 'node:util';
import { KahnError } from '../../util/errors.ts';

/** A section id or a position in a notification log is invalid. */
export class InvalidPositionError extends KahnError {
  override readonly code = 'INVALID_POSITION';
}

/** A notification log is damaged: a notification is missing between others. */
export class LogGapError extends KahnError {
  override readonly code = 'LOG_GAP';
  declare readonly applicationName: string;
  declare readonly pipelineId: number;
  /** Id of the first notification that is missing. */
  declare readonly notificationId: number;

  constructor(
    { applicationName, pipelineId }: { readonly applicationName: string; readonly pipelineId: number },
    notificationId: number,
  ) {
    super(
      `The log of '${applicationName}' in pipeline ${pipelineId} is damaged: notification ${notificationId} is missing. ` +
        'Check the system with verify(), and restore its storage from a backup.',
      { applicationName, pipelineId, notificationId },
    );
  }
}

/** Throws {@link LogGapError} unless the ids of notifications count from `after + 1`. */
export function assertNoGap(
  log: { readonly applicationName: string; readonly pipelineId: number },
  after: number,
  notifications: readonly { readonly id: number }[],
): void {
  const gap = notifications.findIndex(({ id }, i) => id !== after + i + 1);
  if (gap >= 0) throw new LogGapError(log, after + gap + 1);
}

/** Throws {@link InvalidPositionError} unless `count` is an integer >= 0. */
export function assertCount(count: number, what: string): void {
  if (Number.isSafeInteger(count) && count >= 0) return;
  throw new InvalidPositionError(
    `Expected the ${what} in a notification log to be an integer >= 0, got ${inspect(count)}.`,
  );
}
