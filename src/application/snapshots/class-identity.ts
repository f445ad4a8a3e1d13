import type { Aggregate, AggregateClass } from '../../domain/aggregate.ts';
import { hash } from '../../util/environment/hash.ts';

/** Digests of the fields of classes. */
const digests = new WeakMap<object, string>();

/**
 * Returns the first line of the snapshots of a class: its name, a digest of the fields that a new aggregate has, and the
 * digest of the functions that convert recorded events, if any. A snapshot with another line is of another class, or the
 * fields of the class or the functions have changed since.
 */
export function classIdentityOf(
  aggregateClass: AggregateClass<Aggregate>,
  id: string,
  upcasts: string | undefined,
): string {
  let fields = digests.get(aggregateClass);
  if (fields === undefined) {
    const names = Object.keys(new aggregateClass(id)).sort().join();
    fields = hash('sha256', names, 'hex').slice(0, 16);
    digests.set(aggregateClass, fields);
  }
  const { name } = aggregateClass;
  return `${JSON.stringify(upcasts === undefined ? [name, fields] : [name, fields, upcasts])}\n`;
}
