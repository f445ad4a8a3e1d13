import { KahnError } from '../util/errors.ts';
import type { ProcessEvent } from './recorder.ts';
import { bytesPerUnit, sizeOfEvent } from './sizes.ts';
import type { StoredEvent } from './stored-event.ts';

/** Largest sizes of what is recorded, the same on every storage: each storage keeps values up to these sizes. */
export const limits = {
  /**
   * Bytes of UTF-8 of an application's name, the id of an aggregate, an event type, a correlation id, an idempotency key or a
   * subject of personal data.
   */
  nameBytes: 1_024,
  /**
   * Bytes of UTF-8 of everything that one save, or a policy for one notification, records: data, metadata, snapshots and the
   * outcome of a command.
   */
  saveBytes: 128_000_000,
  /** Bytes of UTF-8 of the reason for which a notification is parked. A longer error is shortened. */
  reasonBytes: 65_536,
  /** Largest version of an aggregate. */
  version: 0x7fffffff,
  /** Time of an event in ms before or after 1970, the largest time of a Date. */
  timestamp: 8.64e15,
} as const;

/** Value that exceeds a limit. */
export type LimitedValue =
  | 'applicationName'
  | 'correlationId'
  | 'eventType'
  | 'idempotencyKey'
  | 'originatorId'
  | 'originatorVersion'
  | 'save'
  | 'subject'
  | 'timestamp';

const subjects: Readonly<Record<LimitedValue, string>> = {
  applicationName: 'an application name',
  correlationId: 'a correlation id',
  eventType: 'an event type',
  idempotencyKey: 'an idempotency key',
  originatorId: 'the id of an aggregate',
  originatorVersion: 'the version of an aggregate',
  save: 'data, metadata and snapshots of one save',
  subject: 'a subject of personal data',
  timestamp: 'the time of an event',
};

/** A value is larger than any storage is asked to keep. Nothing was sent to the storage. */
export class LimitExceededError extends KahnError {
  override readonly code = 'LIMIT_EXCEEDED';
  declare readonly applicationName: string;
  /** Which value is too large. */
  declare readonly value: LimitedValue;
  /** Size in bytes of UTF-8, or the number itself. */
  declare readonly size: number;
  /** Largest size. */
  declare readonly limit: number;

  constructor(applicationName: string, value: LimitedValue, size: number, limit: number, shown?: string) {
    const unit = value === 'timestamp' || value === 'originatorVersion' ? '' : ' bytes of UTF-8';
    const which = shown === undefined ? '' : ` ('${shortened(shown)}')`;
    const advice = advices[value] ?? 'Choose a shorter one.';
    super(
      `Application '${shortened(applicationName)}' cannot record ${subjects[value]}${which} of ${size}${unit}: ` +
        `the limit is ${limit}. ${advice}`,
      { applicationName, value, size, limit },
    );
  }
}

const advices: Partial<Record<LimitedValue, string>> = {
  originatorVersion: 'Create another aggregate.',
  save: 'Save less at once, or keep large contents elsewhere and record where they are.',
  timestamp: 'Check the clock.',
};

/** The time of an event is not an integer, for example because the clock was replaced. */
export class InvalidTimestampError extends KahnError {
  override readonly code = 'INVALID_TIMESTAMP';
  declare readonly applicationName: string;
  declare readonly timestamp: number;

  constructor(applicationName: string, { type, originatorId, timestamp }: StoredEvent) {
    super(
      `Application '${applicationName}' cannot record '${type}' of aggregate '${shortened(originatorId)}': ` +
        `expected its time to be an integer in ms since 1970, got ${timestamp}. Check the clock that Date.now() reads.`,
      { applicationName, timestamp },
    );
  }
}

/** Throws {@link LimitExceededError} if a name or an id is too long. */
export function assertNameLength(
  applicationName: string,
  value: Exclude<LimitedValue, 'originatorVersion' | 'save' | 'timestamp'>,
  text: string,
): void {
  if (text.length * bytesPerUnit <= limits.nameBytes) return;
  const size = Buffer.byteLength(text);
  if (size > limits.nameBytes)
    throw new LimitExceededError(applicationName, value, size, limits.nameBytes, text);
}

/**
 * Checks that every storage keeps what is to be recorded. Returns its size, in characters of text.
 *
 * @throws {@link LimitExceededError} if a value is too large.
 * @throws {@link InvalidTimestampError} if the time of an event is not an integer.
 */
export function assertRecordable(
  applicationName: string,
  recorded: Pick<ProcessEvent, 'events' | 'snapshots' | 'command'>,
): number {
  const { events, snapshots, command } = recorded;
  let size = 0;
  for (const event of events) {
    assertEvent(applicationName, event);
    size += sizeOfEvent(event);
  }
  for (const { state } of snapshots) size += state.length;
  if (command !== undefined) {
    assertNameLength(applicationName, 'idempotencyKey', command.key);
    size += command.outcome.length;
  }
  if (size * bytesPerUnit > limits.saveBytes) assertBytes(applicationName, bytesIn(recorded));
  return size;
}

function assertEvent(applicationName: string, event: StoredEvent): void {
  const { originatorId, originatorVersion, correlationId, timestamp } = event;
  assertNameLength(applicationName, 'originatorId', originatorId);
  if (correlationId !== undefined) assertNameLength(applicationName, 'correlationId', correlationId);
  if (originatorVersion > limits.version)
    throw new LimitExceededError(
      applicationName,
      'originatorVersion',
      originatorVersion,
      limits.version,
      originatorId,
    );
  if (Number.isSafeInteger(timestamp) && Math.abs(timestamp) <= limits.timestamp) return;
  if (!Number.isInteger(timestamp)) throw new InvalidTimestampError(applicationName, event);
  throw new LimitExceededError(applicationName, 'timestamp', timestamp, limits.timestamp);
}

function bytesIn({
  events,
  snapshots,
  command,
}: Pick<ProcessEvent, 'events' | 'snapshots' | 'command'>): number {
  let bytes = Buffer.byteLength(command?.outcome ?? '');
  for (const { data, metadata = '' } of events)
    bytes += Buffer.byteLength(data) + Buffer.byteLength(metadata);
  for (const { state } of snapshots) bytes += Buffer.byteLength(state);
  return bytes;
}

function assertBytes(applicationName: string, bytes: number): void {
  if (bytes > limits.saveBytes)
    throw new LimitExceededError(applicationName, 'save', bytes, limits.saveBytes);
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60).toWellFormed()}…` : text;
}
