import type { StoredNotification } from '../../../storage/stored-event.ts';

/**
 * Returns the parts in which notifications are processed after they have failed together: those before the one on which the
 * policy has failed, that one, and those behind it. If the failure names none of them, each is a part of its own.
 */
export function partsOf(
  notifications: readonly StoredNotification[],
  failedId: number | undefined,
): readonly (readonly StoredNotification[])[] {
  const failedAt = notifications.findIndex(({ id }) => id === failedId);
  if (failedAt < 0) return notifications.map((one) => [one]);
  return [
    notifications.slice(0, failedAt),
    notifications.slice(failedAt, failedAt + 1),
    notifications.slice(failedAt + 1),
  ];
}
