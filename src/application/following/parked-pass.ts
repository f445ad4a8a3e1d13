import type { FailureHandling } from '../error-rules/failure-handling.ts';
import { isTried } from '../parking/awaited-retry.ts';
import type { Follower } from './follower.ts';

/**
 * Processes the parked notifications that are due, and those behind which nothing is parked any more, in the order in which
 * they were parked.
 *
 * @param beforeNext Called before each of them; the pass ends if it rejects.
 * @throws {@link PolicyError} if the policy fails on one and no rule parks it: it stays parked, and is not due.
 */
export async function processDue(
  { parked, rules }: FailureHandling,
  followers: ReadonlyMap<string, Follower>,
  signal: AbortSignal | undefined,
  beforeNext: () => Promise<void>,
): Promise<void> {
  await parked.retain(async (one) => {
    const { upstreamName, originatorId } = one;
    const follower = followers.get(upstreamName);
    if (follower === undefined || !isTried(one)) return true;
    if (rules.byAggregate && parked.firstOf(upstreamName, originatorId) !== undefined) return true;
    await beforeNext();
    return !(await follower.retry(one, signal));
  });
}
