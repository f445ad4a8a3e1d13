import type { Aggregate, AggregateClass } from '../../domain/aggregate.ts';
import { hash } from '../../util/environment/hash.ts';

const identities = new WeakMap<object, string>();

/**
 * Returns the first line of the snapshots of a class: its name, and a digest of the fields that a new aggregate has. A
 * snapshot with another line is of another class, or the fields of the class have changed since.
 */
export function identityOf(aggregateClass: AggregateClass<Aggregate>, id: string): string {
  let identity = identities.get(aggregateClass);
  if (identity === undefined) {
    const fields = Object.keys(new aggregateClass(id)).sort().join();
    identity = `${JSON.stringify([aggregateClass.name, hash('sha256', fields, 'hex').slice(0, 16)])}\n`;
    identities.set(aggregateClass, identity);
  }
  return identity;
}
