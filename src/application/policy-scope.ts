import { AsyncLocalStorage } from 'node:async_hooks';
import { SaveInPolicyError } from './errors.ts';

const scope = new AsyncLocalStorage<string>();

/** Runs policies of an application, so that a save() in them can be told from a save() beside them. */
export function inPolicyOf<T>(applicationName: string, run: () => T): T {
  return scope.run(applicationName, run);
}

/** Throws {@link SaveInPolicyError} if called from a policy. */
export function assertNotInPolicy(applicationName: string): void {
  const policyOf = scope.getStore();
  if (policyOf !== undefined) throw new SaveInPolicyError(applicationName, policyOf);
}
