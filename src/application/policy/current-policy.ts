import { AsyncLocalStorage } from 'node:async_hooks';

/** A call of a policy for one event. */
export interface PolicyCall {
  readonly applicationName: string;
  /** Whether the policy has returned. What it has opened may outlive it, and is no part of the policy. */
  hasEnded: boolean;
}

const scope = new AsyncLocalStorage<PolicyCall>();

/**
 * Returns a function that runs the policy of an application for one event, so that calls made inside of it can be
 * distinguished from other calls. Each run begins in the current asynchronous context, whatever the run before has
 * changed in its own.
 */
export function policyScopeOf(applicationName: string): <T>(run: (call: PolicyCall) => T) => T {
  const inThisContext = AsyncLocalStorage.snapshot();
  return (run) =>
    inThisContext(() => {
      const call = { applicationName, hasEnded: false };
      scope.enterWith(call);
      return run(call);
    });
}

/** Name of the application whose policy makes the current call; undefined outside of policies. */
export function currentPolicy(): string | undefined {
  const call = scope.getStore();
  return call === undefined || call.hasEnded ? undefined : call.applicationName;
}
