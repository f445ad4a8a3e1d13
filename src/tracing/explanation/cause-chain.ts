import type { RecordedLogs } from './recorded-logs.ts';
import { type EventPlace, placeKey, type TracedEvent } from './traced-event.ts';

/** Reason why a chain of causes ends at its topmost event. */
export type OriginKind =
  /** A command recorded the event. */
  | 'command'
  /** An earlier release, which recorded no causes, recorded the event. */
  | 'unrecorded'
  /** The next cause is in an application that is not in this storage. */
  | 'elsewhere'
  /** The next cause is in the log of another system, which cannot be read now. */
  | 'unreachable'
  /** The log of the next cause ends before it or has a gap there. */
  | 'missing'
  /** The next cause is in the chain already: the recorded causes are damaged. */
  | 'repeated'
  /** The chain is longer than the option `depth`. */
  | 'cut';

/** Where a chain of causes ends. */
export interface Origin {
  readonly kind: OriginKind;
  /** The next cause, unless the topmost event has none. */
  readonly next?: EventPlace;
}

/** Causes of an event, its direct cause first. */
export interface CauseChain {
  readonly causes: readonly TracedEvent[];
  readonly origin: Origin;
}

/** Reads up to `depth` causes of an event. */
export async function causeChain(logs: RecordedLogs, event: TracedEvent, depth: number): Promise<CauseChain> {
  const causes: TracedEvent[] = [];
  const seen = new Set([placeKey(event)]);
  for (let top = event; ; ) {
    const { cause: next, correlationId } = top;
    const ends = (kind: OriginKind): CauseChain => ({ causes, origin: { kind, ...(next && { next }) } });
    if (next === undefined) return ends(correlationId === undefined ? 'unrecorded' : 'command');
    if (!logs.has(next.applicationName)) return ends('elsewhere');
    if (seen.has(placeKey(next))) return ends('repeated');
    if (logs.isUnreadable(next.applicationName)) return ends('unreachable');
    const cause = await logs.read(next);
    if (cause === undefined) return ends('missing');
    if (causes.length >= depth) return ends('cut');
    top = cause;
    seen.add(placeKey(top));
    causes.push(top);
  }
}
