import { type CauseReader, effectsOf, lateEffectsOf } from '../../application/log/effect-search.ts';
import type { LatePlace } from '../../application/parking/late-effects.ts';
import type { Recorder } from '../../storage/recorder.ts';
import type { EventPlace } from './traced-event.ts';

/** Events of one follower that one notification caused. A log holds them side by side. */
export interface EffectRun {
  /** Notification id of the first event. */
  readonly first: number;
  /** Number of events, including those that are missing between the first and the last one. */
  readonly count: number;
}

/** The part of a recorder that the search uses. */
export type EffectReader = CauseReader & Pick<Recorder, 'notifications'>;

/**
 * Finds the effects of a notification in a follower's log of the same pipeline.
 *
 * @param after Id in the follower's log at or before which the notification has no effects.
 * @param late Notifications that the follower has processed after it had parked them.
 */
export async function effectRun(
  reader: EffectReader,
  { applicationName, pipelineId, notificationId }: EventPlace,
  after: number,
  late: ReadonlyMap<number, LatePlace>,
): Promise<EffectRun | undefined> {
  const causes = { applicationName, pipelineId, first: notificationId, last: notificationId };
  const search = late.has(notificationId)
    ? lateEffectsOf(reader, pipelineId, causes, late)
    : effectsOf(reader, pipelineId, causes, after, late);
  for await (const [effect] of search) {
    if (effect === undefined) continue;
    const first = effect.notificationId;
    // The event behind a gap in the log shows whether the run continues there.
    const isEffect = async (id: number): Promise<boolean> => {
      const [{ cause } = {}] = await reader.notifications(pipelineId, id - 1, 1);
      return (
        cause?.notificationId === notificationId &&
        cause.applicationName === applicationName &&
        cause.pipelineId === pipelineId
      );
    };
    return { first, count: (await lastOfRun(first, isEffect)) - first + 1 };
  }
  return undefined;
}

/** Returns the last number of an unbroken run for which a test holds, in a logarithmic number of tests. */
async function lastOfRun(first: number, holds: (id: number) => Promise<boolean>): Promise<number> {
  let low = first;
  let step = 1;
  while (await holds(low + step)) {
    low += step;
    step *= 2;
  }
  let high = low + step;
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2);
    if (await holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
