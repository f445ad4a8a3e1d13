import type { ApplicationClass } from '../../application/application.ts';
import { type SaveOptions, saveOptionsOf } from '../../application/recording/save-options.ts';
import { Aggregate, aggregateInternals, type PendingEvent } from '../../domain/aggregate.ts';
import type { DomainEvent } from '../../domain/event.ts';
import { frozenCopy } from '../../domain/frozen-copy.ts';
import { kindOf } from '../../util/errors.ts';
import { assertId } from '../../util/ids.ts';
import { nearestOf } from '../../util/nearest-name.ts';
import { InvalidArgumentError } from '../../util/options.ts';
import { now } from '../../util/time.ts';
import type { GivenEvent } from './event-types.ts';

/** An event that a test states, ready to be recorded, and where it comes from. */
export interface StatedEvent {
  readonly pending: PendingEvent;
  readonly options: SaveOptions;
}

/** Newest versions of aggregates in a log, by id. */
export type Versions = Map<string, number>;

/**
 * Returns plain events, and the pending events of aggregates, with the versions that come next.
 *
 * @param call Call that got the events, for messages.
 * @throws {@link InvalidArgumentError} if something else is given, or an aggregate has other events before.
 */
export function statedEvents(
  given: readonly unknown[],
  versions: Versions,
  call: string,
): readonly StatedEvent[] {
  return given.flatMap((one) =>
    one instanceof Aggregate ? eventsOf(one, versions, call) : [plainEvent(one, versions, call)],
  );
}

/** Share of letters that a misspelt event type gets wrong. Types of other applications may share more than half. */
const maxMisspelling = 0.2;

/** Throws {@link InvalidArgumentError} if the application that is to have recorded an event does not emit its type. */
export function assertEmitted(
  stated: readonly StatedEvent[],
  { applicationName, emits }: Pick<ApplicationClass, 'applicationName' | 'emits'>,
  call: string,
): void {
  const unknown = stated.map(({ pending }) => pending.event.type).find((type) => !emits.includes(type));
  if (unknown === undefined) return;
  const nearest = nearestOf(unknown, emits, maxMisspelling);
  throw new InvalidArgumentError(
    `${call} got '${unknown}', which '${applicationName}' does not emit. ` +
      (nearest === undefined
        ? `It emits ${emits.join(', ') || 'no events'}: state events of another application by when() with its class.`
        : `Did you mean '${nearest}'?`),
  );
}

/** Returns the pending events of an aggregate, which stay pending: several tests may state them. */
function eventsOf(aggregate: Aggregate, versions: Versions, call: string): readonly StatedEvent[] {
  const pending = aggregateInternals.pending(aggregate);
  const what = `${aggregate.constructor.name} '${aggregate.id}'`;
  const first = pending[0]?.event.originatorVersion;
  if (first === undefined) {
    throw new InvalidArgumentError(
      `${call} got ${what} without pending events: pass an aggregate that is not saved.`,
    );
  }
  const next = nextVersion(aggregate.id, versions);
  if (first !== next) {
    throw new InvalidArgumentError(
      `${call} got ${what} with pending events from version ${first}, but the next version is ${next}. Pass the aggregate ` +
        'with all of its events, once.',
    );
  }
  versions.set(aggregate.id, aggregate.version);
  return pending.map((one) => ({ pending: one, options: {} }));
}

function plainEvent(given: unknown, versions: Versions, call: string): StatedEvent {
  if (
    typeof given !== 'object' ||
    given === null ||
    typeof (given as Partial<DomainEvent>).type !== 'string'
  ) {
    throw new InvalidArgumentError(
      `${call} takes events such as { type: 'Order.Created', data: { … }, originatorId: '…' } and aggregates, not ` +
        `${kindOf(given)}.`,
    );
  }
  const { type, data, originatorId, timestamp = now(), metadata, correlationId } = given as GivenEvent;
  assertId(originatorId, `the originatorId of '${type}' in ${call}`);
  const originatorVersion = nextVersion(originatorId, versions);
  versions.set(originatorId, originatorVersion);
  const event = { type, data: frozenCopy(data), originatorId, originatorVersion, timestamp };
  return {
    pending: { event: Object.freeze(event), order: 0, triggeredIn: undefined },
    options: saveOptionsOf({ metadata, correlationId }, call),
  };
}

function nextVersion(originatorId: string, versions: Versions): number {
  return (versions.get(originatorId) ?? 0) + 1;
}
