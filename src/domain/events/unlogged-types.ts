import { specificationOf } from './define-events.ts';

/** Returns the types of an application's events that get no place in its log; undefined if all get one. */
export function unloggedTypes(emits: readonly string[]): ReadonlySet<string> | undefined {
  const specification = specificationOf(emits);
  if (specification === undefined) return undefined;
  const types = new Set<string>();
  for (const [type, { notifiable }] of specification.current) if (!notifiable) types.add(type);
  return types.size > 0 ? types : undefined;
}
