import type { FailureHandling } from '../error-rules/failure-handling.ts';
import { isTried } from '../parking/awaited-retry.ts';
import type { Follower } from './follower.ts';
import type { ObeyedOperations } from './obeyed-operations.ts';

/**
 * Processes the parked notifications that are due, and those behind which nothing is parked any more, in the order in which
 * they were parked. After a failure, they may still be due.
 *
 * @throws {@link PausedError} if the application is paused.
 * @throws {@link PolicyError} if the policy fails on one and no rule parks it: it stays parked, and is not due.
 */
export async function processDue(
  handling: FailureHandling,
  followers: ReadonlyMap<string, Follower>,
  operations: ObeyedOperations,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { parked, rules } = handling;
  handling.mayBeDue = false;
  try {
    await parked.retain(async (one) => {
      const { upstreamName, originatorId } = one;
      const follower = followers.get(upstreamName);
      if (follower === undefined || !isTried(one)) return true;
      if (rules.byAggregate && parked.firstOf(upstreamName, originatorId) !== undefined) return true;
      await operations.rest();
      signal?.throwIfAborted();
      operations.assertNotPaused();
      return !(await follower.retry(one, signal));
    });
  } catch (error) {
    handling.mayBeDue = true;
    throw error;
  }
}
