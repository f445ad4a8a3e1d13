import { AsyncLocalStorage } from 'node:async_hooks';

const scope = new AsyncLocalStorage<string>();

/** Runs policies of an application, so that what they call can be told from what is called beside them. */
export function runAsPolicyOf<T>(applicationName: string, run: () => T): T {
  return scope.run(applicationName, run);
}

/** The application whose policy calls, if one does. */
export function currentPolicy(): string | undefined {
  return scope.getStore();
}
