import { InvalidPolicyError } from '../application/errors.ts';
import { currentPolicy } from '../application/policy/current-policy.ts';

/**
 * Rejects calls inside policies, by default because they would wait for their own end.
 *
 * @throws {@link InvalidPolicyError} if a policy makes the call.
 */
export function assertNotInPolicy(call: string, why = 'which waits for this policy to end'): void {
  const policyOf = currentPolicy();
  if (policyOf === undefined) return;
  throw new InvalidPolicyError(
    `The policy of '${policyOf}' called ${call} of its runner, ${why}. Call ${call} outside of policies.`,
  );
}
