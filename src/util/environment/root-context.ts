import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Calls a function in the asynchronous context in which kahn was imported: values that callers keep in an
 * `AsyncLocalStorage`, such as request ids, do not reach it. For work that serves several callers, and for connections,
 * timers and workers that outlive the call that opens them.
 */
export const inRootContext: <Args extends unknown[], Result>(
  work: (...args: Args) => Result,
  ...args: Args
) => Result = AsyncLocalStorage.snapshot();
