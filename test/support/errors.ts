import { expect } from 'vitest';

/** Returns the error that a promise rejects with; fails the test if the promise resolves. */
export async function rejectionOf<E extends Error>(
  promise: Promise<unknown>,
  kind: abstract new (...args: never[]) => E,
): Promise<E> {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(kind);
  return outcome as E;
}
