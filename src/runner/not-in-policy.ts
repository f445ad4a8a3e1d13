import { InvalidPolicyError } from '../application/errors.ts';
import { currentPolicy } from '../application/policy/current-policy.ts';

/**
 * Rejects calls inside policies that would wait for their own end.
 *
 * @throws {@link InvalidPolicyError} if a policy makes the call.
 */
export function assertNotInPolicy(call: string): void {
  const policyOf = currentPolicy();
  if (policyOf === undefined) return;
  throw new InvalidPolicyError(
    `The policy of '${policyOf}' called ${call} of its runner, which waits for this policy to end. Call ${call} outside of policies.`,
  );
}
