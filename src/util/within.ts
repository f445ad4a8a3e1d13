/** Whether the promise resolves within the time. */
export function resolvesWithin(promise: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), timeoutMs);
  return Promise.race([promise.then(() => true), late.promise]).finally(() => clearTimeout(timer));
}
