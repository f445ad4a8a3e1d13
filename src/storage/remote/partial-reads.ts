/** Ids of the last notifications that were read before a request failed. */
const lastIds = new WeakMap<object, number>();

/** Notes which notifications were read before the failure of a page. They can be read once more without a request. */
export function notePartialRead(failure: object, lastId: number): void {
  lastIds.set(failure, lastId);
}

/** Returns the id up to which a log was read before a failure; 0 if nothing was read. */
export function lastReadBefore(failure: unknown): number {
  return (typeof failure === 'object' && failure !== null && lastIds.get(failure)) || 0;
}
