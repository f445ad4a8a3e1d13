import { InvalidPositionError } from '../application/log/errors.ts';
import type { NotificationLog } from '../application/log/notification-log.ts';
import { lastBefore, type PlaceInLog } from '../application/log/place-in-log.ts';
import type { StoredNotification } from '../storage/stored-event.ts';

/** The part of a notification log that is read. */
type ReadLog = Pick<NotificationLog, 'applicationName' | 'pipelineId' | 'select' | 'head'>;

/**
 * Reads the last notification before a place, or the one with an id; undefined at the start of the log.
 *
 * @param what Name of the option and of the call, as in "option 'at' of reset()".
 * @throws {@link InvalidPositionError} if the log has no notification with the id.
 */
export async function notificationAt(
  at: number | PlaceInLog,
  log: ReadLog,
  what: string,
): Promise<StoredNotification | undefined> {
  if (typeof at !== 'number') return lastBefore(at, log);
  if (at === 0) return undefined;
  const [found] = await log.select(at - 1, 1);
  if (found?.id === at) return found;
  const head = await log.head();
  throw new InvalidPositionError(
    `Expected ${what} to be a notification in the log of '${log.applicationName}' of pipeline ` +
      `${log.pipelineId}, which ${head < at ? `ends at ${head}` : 'has a gap there'}, or 0; got ${at}.`,
  );
}
