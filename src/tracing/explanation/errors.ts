import { KahnError } from '../../util/errors.ts';
import type { EventPlace } from './traced-event.ts';

/** A log has no notification with this id. */
export class NotificationNotFoundError extends KahnError {
  override readonly code = 'NOTIFICATION_NOT_FOUND';
  declare readonly applicationName: string;
  declare readonly pipelineId: number;
  declare readonly notificationId: number;
  /** Id of the last notification; 0 if the log is empty. */
  declare readonly head: number;

  constructor({ applicationName, pipelineId, notificationId }: EventPlace, head: number) {
    const end = head === 0 ? 'is empty.' : `ends at notification ${head}.`;
    const isGap = notificationId <= head;
    const reason = isGap ? 'is damaged and has a gap there. Check the system with verify().' : end;
    super(
      `Application '${applicationName}' has no notification ${notificationId}: its log of pipeline ${pipelineId} ${reason}`,
      { applicationName, pipelineId, notificationId, head },
    );
  }
}
