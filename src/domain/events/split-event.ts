import type { DomainEvent } from '../event.ts';

/** A recorded event of a former type, and the events that are read in its place: none, one or several. */
export class SplitEvent<E extends DomainEvent = DomainEvent> {
  /** Type as recorded. */
  readonly type: string;
  readonly originatorId: string;
  readonly originatorVersion: number;
  readonly timestamp: number;
  readonly parts: readonly E[];

  constructor(
    { type, originatorId, originatorVersion, timestamp }: Omit<DomainEvent, 'data'>,
    parts: readonly E[],
  ) {
    this.type = type;
    this.originatorId = originatorId;
    this.originatorVersion = originatorVersion;
    this.timestamp = timestamp;
    this.parts = parts;
  }
}

/** A recorded event as it is read: as an event, or as several or none. */
export type ReadEvent<E extends DomainEvent = DomainEvent> = E | SplitEvent<E>;

/** Returns the events that are read in place of a recorded one. */
export function eventsIn<E extends DomainEvent>(read: ReadEvent<E>): readonly E[] {
  return read instanceof SplitEvent ? read.parts : [read];
}
