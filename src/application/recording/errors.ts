import type { DomainEvent } from '../../domain/event.ts';
import { KahnError, messageOf } from '../../util/errors.ts';
import { timeText } from '../../util/time.ts';

/** An aggregate cannot be loaded: `apply`, the decoding of an event, or the constructor failed. */
export class AggregateLoadError extends KahnError {
  override readonly code = 'AGGREGATE_LOAD_FAILED';
  declare readonly applicationName: string;
  /** Name of the class as which the aggregate was loaded. */
  declare readonly className: string;
  declare readonly originatorId: string;
  /** Version of the event on which loading failed; undefined if the constructor failed. */
  declare readonly originatorVersion: number | undefined;
  declare readonly eventType: string | undefined;
  /** Time of the event, in ms since 1970. */
  declare readonly timestamp: number | undefined;

  constructor(
    aggregate: Pick<AggregateLoadError, 'applicationName' | 'className' | 'originatorId'>,
    what: string,
    event: Omit<DomainEvent, 'data'> | undefined,
    cause: unknown,
  ) {
    const { applicationName, className, originatorId } = aggregate;
    const place = event === undefined ? {} : placeOf(event);
    const which =
      event === undefined
        ? ''
        : ` on version ${event.originatorVersion}, '${event.type}' of ${timeText(event.timestamp)}`;
    super(
      `Application '${applicationName}' cannot load ${className} '${originatorId}': ${what} failed${which}: ` +
        messageOf(cause),
      { ...aggregate, ...place, cause },
    );
  }
}

function placeOf({ originatorVersion, type: eventType, timestamp }: Omit<DomainEvent, 'data'>): object {
  return { originatorVersion, eventType, timestamp };
}
