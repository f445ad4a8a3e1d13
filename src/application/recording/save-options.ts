import type { Metadata } from '../../domain/provenance.ts';
import { prototypeOf } from '../../domain/realms.ts';
import { NotEncodableError } from '../../storage/codec/errors.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import type { StoredProvenance } from '../../storage/stored-event.ts';
import { kindOf } from '../../util/errors.ts';
import { isId, newId } from '../../util/ids.ts';
import { ruleOf } from '../../util/option-rules.ts';
import {
  InvalidArgumentError,
  InvalidOptionError,
  type OptionRule,
  type OptionRules,
  resolveOptions,
} from '../../util/options.ts';

/** Options of {@link Application.save}. */
export interface SaveOptions {
  /**
   * Plain data about where the events come from. Everything that follows from the events carries it on. @default none
   */
  readonly metadata?: Metadata | undefined;
  /**
   * Id shared by the events and everything that follows from them, of at most 255 characters.
   *
   * @default a new id
   */
  readonly correlationId?: string | undefined;
  /**
   * Identifies the command, in at most 255 characters. A command with the same key is recorded once: each repetition, in
   * any process, resolves with the first outcome.
   *
   * @default none
   */
  readonly idempotencyKey?: string | undefined;
  /**
   * Data that tells whether another command with the idempotency key is the same, such as the body of a request. A key
   * that is used again for something else is refused.
   *
   * @default for `save`, the types and data of the events; for `update`, the id of the aggregate
   */
  readonly request?: unknown;
}

const longestId = 255;

export const saveOptions: OptionRules<SaveOptions> = {
  metadata: ruleOf('a plain object', isPlainObject),
  correlationId: shortId(),
  idempotencyKey: shortId(),
  request: ruleOf('data', () => true),
};

function shortId(): OptionRule<string, undefined> {
  return ruleOf(
    `a non-empty string of at most ${longestId} characters`,
    (value) => isId(value) && value.length <= longestId,
  );
}

/** Where the events of one save are recorded. */
export interface Saved {
  readonly applicationName: string;
  readonly pipelineId: number;
  /** Notification id of the last event that has a place in the log; 0 if there is none. */
  readonly notificationId: number;
  /**
   * Number of events that have a place in the log: all that are not declared with `notifiable: false`. Their ids are
   * contiguous.
   */
  readonly count: number;
  readonly correlationId: string;
}

/** Where the events of a command come from, as storage keeps it. */
export interface CommandProvenance extends StoredProvenance {
  readonly correlationId: string;
}

/** @throws {@link InvalidOptionError} if an option is unknown or has a wrong value. */
export function saveOptionsOf(options: SaveOptions, applicationName: string): SaveOptions {
  const call = `save() of application '${applicationName}'`;
  const resolved = resolveOptions(options, saveOptions, call);
  assertHasKey(resolved, call);
  return resolved;
}

/** Throws {@link InvalidOptionError} if the option `request` is given without the key for which it is compared. */
export function assertHasKey({ idempotencyKey, request }: SaveOptions, call: string): void {
  if (request === undefined || idempotencyKey !== undefined) return;
  throw new InvalidOptionError(
    `The option \`request\` of ${call} needs the option \`idempotencyKey\`: it tells whether another command with the ` +
      'key is the same.',
  );
}

/**
 * Returns where the events of a command come from.
 *
 * @param options Checked options of the method.
 * @param method Name of the method, for messages.
 * @throws {@link InvalidArgumentError} if the metadata cannot be restored exactly.
 */
export function commandProvenance(
  { correlationId = newId(), metadata }: SaveOptions,
  mapper: EventMapper,
  method: string,
): CommandProvenance {
  if (metadata === undefined) return { correlationId };
  const encode = () => mapper.toStoredMetadata(metadata);
  return { correlationId, metadata: encoded(encode, mapper.applicationName, `metadata of ${method}`) };
}

/**
 * Encodes data of a caller.
 *
 * @param what Name of the data, for messages.
 * @throws {@link InvalidArgumentError} if the data cannot be restored exactly.
 */
export function encoded(encode: () => string, applicationName: string, what: string): string {
  try {
    return encode();
  } catch (error) {
    if (!(error instanceof NotEncodableError)) throw error;
    throw new InvalidArgumentError(
      `Application '${applicationName}' cannot record the ${what}. ${error.message}`,
      { cause: error },
    );
  }
}

/** Whether a value is an object without a class. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (kindOf(value) !== 'an object') return false;
  const prototype = prototypeOf(value as object);
  return prototype === Object.prototype || prototype === null;
}
