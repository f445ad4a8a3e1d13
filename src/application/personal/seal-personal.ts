import type { PendingEvent } from '../../domain/aggregate.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import { NotSealedError } from './not-sealed-error.ts';

/** Number of times that something is encoded until all of its personal data is sealed. */
const mostTries = 8;

/** What was encoded without success. */
export interface SealOptions {
  /** Events that are encoded together. */
  readonly pending?: readonly PendingEvent[];
  /** Whether they are effects: those leave out the data of subjects that are shredded. @default false */
  readonly isEffect?: boolean;
  /** Number of encodings so far. @default 1 */
  readonly tries?: number;
}

/**
 * Seals the personal data that an encoding met, so that the encoding can be repeated.
 *
 * @param error Error of the encoding. It is thrown again if it has another reason, or after many tries.
 * @throws {@link SubjectShreddedError} if a subject is shredded, unless the events are effects.
 * @throws {@link PersonalNotSupportedError} if the storage has no keys of subjects.
 */
export async function sealPersonal(
  mapper: EventMapper,
  error: unknown,
  { pending = [], isEffect = false, tries = 1 }: SealOptions = {},
): Promise<void> {
  if (!(error instanceof NotSealedError) || tries >= mostTries) throw error;
  const errors = [error];
  // Of a single event, the error names all.
  for (const { event } of pending.length > 1 ? pending : []) {
    try {
      mapper.toStored(event, {});
    } catch (other) {
      if (other instanceof NotSealedError) errors.push(other);
    }
  }
  await NotSealedError.sealAll(errors, { applicationName: mapper.applicationName, isEffect });
}

/** Encodes something for a command, after sealing its personal data. Returns no promise if there is none to seal. */
export function whenSealed<T>(mapper: EventMapper, encode: () => T, tries: number = 1): T | Promise<T> {
  try {
    return encode();
  } catch (error) {
    if (!(error instanceof NotSealedError)) throw error;
    return sealPersonal(mapper, error, { tries }).then(() => whenSealed(mapper, encode, tries + 1));
  }
}
