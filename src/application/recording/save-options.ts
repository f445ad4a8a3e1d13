import type { Metadata } from '../../domain/provenance.ts';
import { prototypeOf } from '../../domain/realms.ts';
import { NotEncodableError } from '../../storage/codec/errors.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import type { StoredProvenance } from '../../storage/stored-event.ts';
import { kindOf } from '../../util/errors.ts';
import { isId, newId } from '../../util/ids.ts';
import { ruleOf } from '../../util/option-rules.ts';
import { InvalidArgumentError, type OptionRules, resolveOptions } from '../../util/options.ts';
import { whenSealed } from '../personal/seal-personal.ts';

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
}

const longestCorrelationId = 255;

export const saveOptions: OptionRules<SaveOptions> = {
  metadata: ruleOf('a plain object', isPlainObject),
  correlationId: ruleOf(
    `a non-empty string of at most ${longestCorrelationId} characters`,
    (value) => isId(value) && value.length <= longestCorrelationId,
  ),
};

/** Where the events of one save are recorded. */
export interface Saved {
  readonly applicationName: string;
  readonly pipelineId: number;
  /** Notification id of the last event that has a place in the log; 0 if there is none. */
  readonly notificationId: number;
  /** Number of events that have a place in the log: all that are not declared with `notifiable: false`. Their ids are contiguous. */
  readonly count: number;
  readonly correlationId: string;
}

/** Where the events of a command come from, as storage keeps it. */
export interface CommandProvenance extends StoredProvenance {
  readonly correlationId: string;
}

/** @throws {@link InvalidOptionError} if an option is unknown or has a wrong value. */
export function saveOptionsOf(options: SaveOptions, applicationName: string): SaveOptions {
  return resolveOptions(options, saveOptions, `save() of application '${applicationName}'`);
}

/**
 * Returns where the events of a command come from. Returns no promise if the metadata has no new personal data.
 *
 * @param options Checked options of the method.
 * @param method Name of the method, for messages.
 * @throws {@link InvalidArgumentError} if the metadata cannot be restored exactly.
 * @throws {@link SubjectShreddedError} if the metadata has personal data of a subject that is shredded.
 */
export function commandProvenance(
  { correlationId = newId(), metadata }: SaveOptions,
  mapper: EventMapper,
  method: string,
): CommandProvenance | Promise<CommandProvenance> {
  if (metadata === undefined) return { correlationId };
  const encode = () => ({ correlationId, metadata: storedMetadata(metadata, mapper, method) });
  return whenSealed(mapper, encode);
}

function storedMetadata(metadata: Metadata, mapper: EventMapper, method: string): string {
  try {
    return mapper.toStoredMetadata(metadata);
  } catch (error) {
    if (!(error instanceof NotEncodableError)) throw error;
    throw new InvalidArgumentError(
      `Application '${mapper.applicationName}' cannot record the metadata of ${method}. ${error.message}`,
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
