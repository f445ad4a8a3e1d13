import type { ParkedNotification } from '../../storage/parked.ts';
import type { Recorder } from '../../storage/recorder.ts';
import { type ParkingApplication, parkedError } from './awaited-parked.ts';
import type { NotificationParkedError } from './errors.ts';
import { parkedReasonOf } from './parked-reason.ts';
import { readParked } from './parked-set.ts';

/** What is parked among notifications that are waited for. */
export interface AwaitedNotifications {
  /** Error for callers; undefined if none is parked. */
  readonly error: NotificationParkedError | undefined;
  /** Whether the application is about to try all that are parked. */
  readonly isDue: boolean;
}

const noneAwaited: AwaitedNotifications = { error: undefined, isDue: false };

/** Finds the parked notifications among those that are waited for, and whether they are about to be tried. */
export async function awaitedNotifications(
  application: ParkingApplication,
  recorder: Recorder,
  upstreamName: string | undefined,
  isAwaited: (notificationId: number) => boolean,
): Promise<AwaitedNotifications> {
  const { pipelineId } = application;
  let due: ParkedNotification | undefined;
  for await (const parked of readParked(recorder, pipelineId, upstreamName)) {
    if (!isAwaited(parked.notificationId)) continue;
    if (!isTried(parked)) return { error: parkedError(application, parked, parked), isDue: false };
    due ??= parked;
  }
  if (due === undefined) return noneAwaited;
  const left = new LeftNotifications();
  for await (const parked of readParked(recorder, pipelineId)) {
    const isLeft = left.add(parked);
    const isOther = upstreamName !== undefined && parked.upstreamName !== upstreamName;
    if (isOther || !isLeft || !isAwaited(parked.notificationId)) continue;
    return { error: parkedError(application, parked, parked), isDue: false };
  }
  return { error: parkedError(application, due, due), isDue: true };
}

/** Whether the application tries a parked notification as soon as nothing is left behind which it is parked. */
export function isTried({ isDue, attempts }: ParkedNotification): boolean {
  return isDue || attempts === 0;
}

/** The parked notifications that the application leaves parked, because they are not due or are behind others. */
class LeftNotifications {
  /** Whether each parked notification is left. */
  readonly #parked = new Map<string, boolean>();
  readonly #aggregates = new Set<string>();

  /** Adds the next notification in the order in which they were parked, and returns whether it is left. */
  add(parked: ParkedNotification): boolean {
    const { upstreamName, notificationId, originatorId } = parked;
    const aggregate = `${upstreamName} ${originatorId}`;
    const isLeft = !isTried(parked) || this.#aggregates.has(aggregate) || this.#isBehind(parked);
    this.#parked.set(`${upstreamName} ${notificationId}`, isLeft);
    if (isLeft) this.#aggregates.add(aggregate);
    return isLeft;
  }

  /** Whether a notification is behind one that is left, or may be: what it is behind may have changed. */
  #isBehind({ reason }: ParkedNotification): boolean {
    const { behind } = parkedReasonOf(reason);
    if (behind === undefined) return false;
    return this.#parked.get(`${behind.upstreamName} ${behind.notificationId}`) ?? this.#aggregates.size > 0;
  }
}
