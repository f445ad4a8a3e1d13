import { KahnError, messageOf } from '../../util/errors.ts';

/** Identifies a notification in the log of an upstream that an application follows. */
export interface FollowedNotification {
  readonly applicationName: string;
  readonly upstreamName: string;
  readonly pipelineId: number;
  readonly notificationId: number;
}

/** An application has parked a notification, so that nothing follows from it until it is retried. */
export class NotificationParkedError extends KahnError implements FollowedNotification {
  override readonly code = 'NOTIFICATION_PARKED';
  declare readonly applicationName: string;
  declare readonly upstreamName: string;
  declare readonly pipelineId: number;
  declare readonly notificationId: number;

  /** @param why The error on which the notification was parked, or the notification behind which it is parked. */
  constructor(parked: FollowedNotification, why: string) {
    const { applicationName, upstreamName, pipelineId, notificationId } = parked;
    super(
      `Application '${applicationName}' has parked notification ${notificationId} of '${upstreamName}' in pipeline ` +
        `${pipelineId}: ${why.replace(/\.$/, '')}. Retry or discard it.`,
      { applicationName, upstreamName, pipelineId, notificationId },
    );
  }
}

/** An application has as many parked notifications as it may have. It stops instead of parking another one. */
export class ParkingLimitError extends KahnError implements FollowedNotification {
  override readonly code = 'PARKING_LIMIT';
  declare readonly applicationName: string;
  declare readonly upstreamName: string;
  declare readonly pipelineId: number;
  /** The notification that is not parked. */
  declare readonly notificationId: number;
  /** Largest number of parked notifications. */
  declare readonly limit: number;

  constructor(parked: FollowedNotification, limit: number, cause: unknown) {
    const { applicationName, upstreamName, pipelineId, notificationId } = parked;
    const reason = cause === undefined ? '' : ` It failed: ${messageOf(cause)}`;
    super(
      `Application '${applicationName}' cannot park notification ${notificationId} of '${upstreamName}' in pipeline ` +
        `${pipelineId}: ${limit} notifications may be parked, and as many are. Mend what they fail on, and retry or ` +
        `discard them, or raise \`limit\` in 'static readonly parking'.${reason}`,
      {
        ...(cause !== undefined && { cause }),
        applicationName,
        upstreamName,
        pipelineId,
        notificationId,
        limit,
      },
    );
  }
}

/** The storage of an application whose error rules park notifications keeps no parked notifications. */
export class ParkingUnsupportedError extends KahnError {
  override readonly code = 'PARKING_UNSUPPORTED';
  declare readonly applicationName: string;

  constructor(applicationName: string) {
    super(
      `The storage of application '${applicationName}' keeps no parked notifications, but a rule of its 'static readonly ` +
        "errorRules' parks them. Use memory(), sqlite({ … }) or postgres({ … }), or a storage whose recorder has the " +
        'methods parked() and countParked().',
      { applicationName },
    );
  }
}
