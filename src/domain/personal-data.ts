import { assertId, InvalidIdError } from '../util/ids.ts';
import { frozenCopy } from './frozen-copy.ts';
import { Personal } from './personal.ts';

/** Largest length of a subject, in UTF-16 code units. */
const longestSubject = 255;

/**
 * Makes personal data of a subject, for the data of events, the state of aggregates and metadata.
 *
 * @param subject Id of the subject, of at most 255 characters. It is not encrypted: use a pseudonym such as a random id.
 * @param value Anything that event data may hold, but no other personal data.
 * @throws {@link InvalidIdError} if the subject is empty, too long, or storage cannot keep it.
 * @example
 * const customer = personal('c-1', { name: 'Ada', email: 'ada@example.com' });
 * customer.or(undefined)?.name; // 'Ada', and undefined after the subject is shredded
 * console.log(`${customer}`); // [personal data of c-1]
 */
export function personal<T>(subject: string, value: T): Personal<T> {
  assertId(subject, 'the subject of personal()');
  if (subject.length > longestSubject) {
    throw new InvalidIdError(
      `Expected the subject of personal() to have at most ${longestSubject} characters, got ${subject.length}.`,
    );
  }
  const content = frozenCopy(value);
  return new Personal<T>(subject, { isShredded: false, read: () => content });
}
