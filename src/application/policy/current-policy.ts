import { AsyncLocalStorage } from 'node:async_hooks';

const scope = new AsyncLocalStorage<string>();

/** Runs policies of an application, so that calls made inside a policy can be distinguished from concurrent calls. */
export function runAsPolicyOf<T>(applicationName: string, run: () => T): T {
  return scope.run(applicationName, run);
}

/** Name of the application whose policy makes the current call; undefined outside of policies. */
export function currentPolicy(): string | undefined {
  return scope.getStore();
}
