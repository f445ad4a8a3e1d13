import { KahnError, messageOf } from '../../util/errors.ts';
import { timeText } from '../../util/time.ts';
import type { DomainEvent } from '../event.ts';

/** An event whose data is checked. */
export interface CheckedEvent {
  readonly applicationName: string;
  /** What the application is about to do with the event. */
  readonly action: 'record' | 'read';
  readonly event: DomainEvent;
}

/** A part of the data of an event that does not fit the schema. */
export interface EventIssue {
  /** Path to the part, such as `items[2].price`; empty for the data as a whole. */
  readonly path: string;
  readonly message: string;
}

/** Number of issues that a message lists. */
const listed = 3;

/** The data of an event does not fit the schema of its type: nothing was recorded, or the event cannot be read. */
export class EventInvalidError extends KahnError {
  override readonly code = 'EVENT_INVALID';
  declare readonly applicationName: string;
  declare readonly eventType: string;
  declare readonly originatorId: string;
  declare readonly originatorVersion: number;
  /** Time of the event, in ms since 1970. */
  declare readonly timestamp: number;
  /** Reasons against the data, at most 100. */
  declare readonly issues: readonly EventIssue[];

  /** @internal */
  constructor(checked: CheckedEvent, vendor: string, issues: readonly EventIssue[]) {
    const texts = issues
      .slice(0, listed)
      .map(({ path, message }) => (path ? `${path}: ${message}` : message));
    const others = issues.length > listed ? `, and ${issues.length - listed} more` : '';
    super(
      `${cannot(checked)}: its data does not fit the schema of its type, made with ${vendor}. ${texts.join('; ')}${others}`,
      { ...fieldsOf(checked), issues },
    );
  }
}

/** A schema cannot decide about an event: it is asynchronous, it changes the data, or it threw an error. */
export class InvalidSchemaError extends KahnError {
  override readonly code = 'INVALID_SCHEMA';
  declare readonly applicationName: string;
  declare readonly eventType: string;
  declare readonly originatorId: string;
  declare readonly originatorVersion: number;
  /** Time of the event, in ms since 1970. */
  declare readonly timestamp: number;
  /** Path to the part of the data that the schema changes, such as `items[2].price`; undefined for other reasons. */
  declare readonly path: string | undefined;

  /** @internal */
  constructor(checked: CheckedEvent, vendor: string, { reason, path, ...cause }: SchemaFault) {
    super(`${cannot(checked)}: its schema, made with ${vendor}, ${reason}`, {
      ...fieldsOf(checked),
      path,
      ...cause,
    });
  }
}

/** Why a schema cannot decide. */
export interface SchemaFault {
  /** Continues a sentence about the schema. */
  readonly reason: string;
  readonly path?: string;
  readonly cause?: unknown;
}

/** Returns the fault of a schema that threw. */
export function thrownBy(cause: unknown): SchemaFault {
  return { reason: `threw an error: ${messageOf(cause)}`, cause };
}

function cannot({ applicationName, action, event }: CheckedEvent): string {
  const { type, originatorId, originatorVersion, timestamp } = event;
  const when = action === 'read' ? `, recorded at ${timeText(timestamp)}` : '';
  return `Application '${applicationName}' cannot ${action} '${type}', version ${originatorVersion} of aggregate '${originatorId}'${when}`;
}

function fieldsOf({ applicationName, event }: CheckedEvent): object {
  const { type: eventType, originatorId, originatorVersion, timestamp } = event;
  return { applicationName, eventType, originatorId, originatorVersion, timestamp };
}
