import { inspect } from 'node:util';
import { markClass } from '../util/environment/copies.ts';
import { assertFunction, InvalidArgumentError } from '../util/options.ts';
import type { DeepReadonly } from './event.ts';

/** Stands for the content of personal data that is shredded. */
export const shredded: unique symbol = Symbol.for('kahn.shredded');

/** Type of {@link shredded}. */
export type Shredded = typeof shredded;

/** Where the content of personal data comes from. */
export interface PersonalContent {
  readonly isShredded: boolean;
  /** Returns the content, or {@link shredded}. */
  read(): unknown;
}

/** Operations on personal data that only the code that records it may call. */
export interface PersonalInternals {
  make(subject: string, content: PersonalContent): Personal;
  contentOf(personal: Personal): PersonalContent;
  /** Replaces the content by the same one in another form, or by {@link shreddedContent}. */
  setContent(personal: Personal, content: PersonalContent): void;
}

export let personalInternals: PersonalInternals;

/** Content that cannot be read any more. */
export const shreddedContent: PersonalContent = { isShredded: true, read: () => shredded };

/**
 * Data about a person or another subject, such as a name and an address. It is recorded encrypted, with a key of the
 * subject, and becomes unreadable everywhere when that key is deleted by {@link shred}. Made with {@link personal}.
 * Logs, JSON and texts show the subject only.
 */
export class Personal<T = unknown> {
  /** Id of the subject. It is not encrypted: use a pseudonym such as a random id. */
  readonly subject: string;
  #content: PersonalContent;

  /** @internal */
  constructor(subject: string, content: PersonalContent) {
    if (typeof content?.read !== 'function') {
      throw new InvalidArgumentError('Make personal data with personal(subject, value), not with new.');
    }
    this.subject = subject;
    this.#content = content;
    Object.freeze(this);
  }

  /**
   * Content as a frozen copy, or {@link shredded}. Each read decrypts it.
   *
   * @throws {@link PersonalUnreadableError} if the key of the subject is missing without having been deleted, or the
   * recorded text is damaged.
   */
  get value(): DeepReadonly<T> | Shredded {
    return this.#content.read() as DeepReadonly<T> | Shredded;
  }

  /** Whether the content cannot be read any more, because the key of the subject was deleted. */
  get isShredded(): boolean {
    return this.#content.isShredded;
  }

  /**
   * Returns the content, or another value if it is shredded.
   *
   * @throws {@link PersonalUnreadableError} as `value` does.
   */
  or<F>(fallback: F): DeepReadonly<T> | F {
    const content = this.#content.read();
    return content === shredded ? fallback : (content as DeepReadonly<T>);
  }

  /**
   * Returns personal data of the same subject that is derived from this. Its content is computed when it is read or
   * recorded, and is shredded with this one: `change` must return equal data for equal contents.
   *
   * @throws {@link InvalidArgumentError} if `change` is not a function.
   * @example
   * const customer = personal('c-1', { name: 'Ada', email: 'ada@example.com' });
   * const recipient = customer.map(({ email }) => email); // Personal<string>
   */
  map<U>(change: (value: DeepReadonly<T>) => U): Personal<U> {
    assertFunction(change, 'the argument of map()');
    return new Personal<U>(this.subject, new DerivedContent(this, change as (value: unknown) => unknown));
  }

  /** Returns a text that names the subject and does not show the content. */
  toString(): string {
    return `[${this.isShredded ? 'shredded' : 'personal'} data of ${this.subject}]`;
  }

  /** Returns the text of `toString()`: JSON does not show the content. */
  toJSON(): string {
    return this.toString();
  }

  static {
    markClass(Personal);
    Object.defineProperty(Personal.prototype, inspect.custom, { value: Personal.prototype.toString });
    personalInternals = {
      make: (subject, content) => new Personal(subject, content),
      contentOf: (one) => one.#content,
      setContent: (one, content) => {
        one.#content = content;
      },
    };
  }
}

/** Content that is computed from the content of other personal data. */
class DerivedContent implements PersonalContent {
  readonly #source: Personal;
  readonly #change: (value: unknown) => unknown;

  constructor(source: Personal, change: (value: unknown) => unknown) {
    this.#source = source;
    this.#change = change;
  }

  get isShredded(): boolean {
    return this.#source.isShredded;
  }

  read(): unknown {
    const value: unknown = this.#source.value;
    return value === shredded ? shredded : this.#change(value);
  }
}
