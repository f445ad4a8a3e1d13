import type { DomainEvent } from '../../../domain/event.ts';
import { isId } from '../../../util/ids.ts';

const none: ReadonlySet<string> = new Set();

/**
 * Finds the field in which an event names an id: `originatorId` or a property of its data. Returns a reader of the
 * field.
 */
function readerOf(event: DomainEvent, id: string): ((other: DomainEvent) => unknown) | undefined {
  if (event.originatorId === id) return (other) => other.originatorId;
  if (typeof event.data !== 'object' || event.data === null) return undefined;
  const key = Object.entries(event.data).find(([, value]) => value === id)?.[0];
  return key === undefined ? undefined : (other) => (other.data as Record<string, unknown> | null)?.[key];
}

/**
 * Returns the ids that later events of the same type name in the field in which the current event names `id`. Their
 * aggregates are likely to be requested next, so they are loaded in the same read.
 */
export function idsNamedNext(
  id: string,
  steps: readonly { readonly event: DomainEvent }[],
  current: number,
): ReadonlySet<string> {
  if (current + 1 >= steps.length) return none;
  const event = steps[current]?.event;
  const read = event && readerOf(event, id);
  if (read === undefined) return none;
  const ids = new Set<string>();
  for (let i = current + 1; i < steps.length; i += 1) {
    const next = steps[i]?.event;
    if (next?.type !== event?.type || next === undefined) continue;
    const named = read(next);
    if (isId(named) && named !== id) ids.add(named);
  }
  return ids;
}
