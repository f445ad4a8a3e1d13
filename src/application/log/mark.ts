import type { RecordedPosition, Tracking } from '../../storage/recorder.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { hash } from '../../util/environment/hash.ts';
import type { NotificationLog } from './notification-log.ts';

/** Number of hexadecimal digits of the hash in a mark: 8 bytes. */
const hashLength = 16;

/**
 * Returns the mark of a notification, which is recorded with a position behind it: the id of the notification, and a hash
 * of its event. It tells whether a log still holds that event at the position.
 */
export function markOf(notification: StoredNotification): string {
  const { id, originatorId, originatorVersion, type, timestamp, data } = notification;
  const numbers = `${originatorVersion} ${timestamp} ${originatorId.length} ${type.length}`;
  return `${id}:${hash('sha256', `${numbers} ${originatorId}${type}${data}`, 'hex').slice(0, hashLength)}`;
}

/** Stands in a mark before the ceiling of the position. */
const ceilingSign = '^';

/**
 * Returns the mark of a position that was moved back. Notifications up to the ceiling were processed before, so that the
 * follower leaves out those whose effects are on record.
 *
 * @param notification Notification at the position; undefined at the start of the log.
 */
export function markBelow(ceiling: number, notification: StoredNotification | undefined): string {
  const mark = notification === undefined ? '0:' : markOf(notification);
  return ceiling > (notification?.id ?? 0) ? `${mark}${ceilingSign}${ceiling}` : mark;
}

/** Returns the id of the last notification that was processed before a position was moved back; 0 if it is not above the position. */
export function ceilingOf({ position, mark }: Pick<RecordedPosition, 'position' | 'mark'>): number {
  const sign = mark?.indexOf(ceilingSign) ?? -1;
  const ceiling = mark === undefined || sign < 0 ? 0 : Number(mark.slice(sign + 1));
  return ceiling > position ? ceiling : 0;
}

/** Moves a position behind a notification. Computes the mark when a storage reads it, which memory never needs to do. */
export class MarkedTracking implements Tracking {
  readonly upstreamName: string;
  readonly expected: number;
  readonly position: number;
  readonly typesVersion: number;
  readonly #notification: StoredNotification | undefined;
  readonly #ceiling: number;

  /**
   * @param notification The last notification that is done; undefined at the start of the log.
   * @param ceiling Last notification that was processed before the position was moved back; 0 for none.
   */
  constructor(
    upstreamName: string,
    expected: number,
    notification: StoredNotification | undefined,
    typesVersion: number,
    ceiling: number = 0,
  ) {
    this.#ceiling = ceiling;
    this.upstreamName = upstreamName;
    this.expected = expected;
    this.position = notification?.id ?? 0;
    this.typesVersion = typesVersion;
    this.#notification = notification;
  }

  get mark(): string | undefined {
    if (this.#ceiling > this.position) return markBelow(this.#ceiling, this.#notification);
    return this.#notification && markOf(this.#notification);
  }
}

/** Returns whether two notifications have the same mark. */
export function isSameNotification(one: StoredNotification, other: StoredNotification): boolean {
  return (
    one.id === other.id &&
    one.originatorId === other.originatorId &&
    one.originatorVersion === other.originatorVersion &&
    one.type === other.type &&
    one.timestamp === other.timestamp &&
    one.data === other.data
  );
}

/** Whether a log holds the notification that a follower processed last, and the notification at its position. */
export interface PositionFit {
  readonly fits: boolean;
  /** Notification at the position; undefined if the position is 0 or the log has none there. */
  readonly notification: StoredNotification | undefined;
}

/**
 * Reads the notification at a recorded position, and compares it with the mark of the position. The mark of another
 * position proves nothing: earlier releases move a position and leave the mark as it is.
 */
export async function fitOf(
  recorded: RecordedPosition,
  log: Pick<NotificationLog, 'select'>,
): Promise<PositionFit> {
  const { position, mark } = recorded;
  if (position === 0) return { fits: true, notification: undefined };
  const [found] = await log.select(position - 1, 1);
  const notification = found?.id === position ? found : undefined;
  const isMarked = mark?.startsWith(`${position}:`) === true;
  const fits =
    notification !== undefined && (!isMarked || mark.split(ceilingSign, 1)[0] === markOf(notification));
  return { fits, notification };
}

/** Says how a log with this head does not fit a position. */
export function mismatchText(position: number, head: number): string {
  if (head >= position) return `notification ${position} of the log is not the one that it has processed`;
  const missing = position - head;
  const lost = missing === 1 ? '1 notification is missing' : `${missing} notifications are missing`;
  return `it has processed notification ${position}, but the log ends at ${head}, so ${lost}`;
}
