import type { Personal } from '../../domain/personal.ts';
import { KahnError } from '../../util/errors.ts';

/** Personal data that an encoding met, with its encoded content. */
export interface UnsealedPersonal {
  readonly personal: Personal;
  readonly content: string;
}

/** For what personal data is sealed. */
export interface SealOptions {
  readonly applicationName: string;
  /** Whether it is part of what a policy records, which continues without the data of subjects that are shredded. */
  readonly isEffect: boolean;
}

/** Seals personal data with the keys of its subjects. */
export interface Sealer {
  seal(unsealed: readonly UnsealedPersonal[], options: SealOptions): Promise<void>;
}

/** Personal data was encoded that is not sealed yet. The same encoding succeeds after {@link seal}. */
export class NotSealedError extends KahnError {
  override readonly code = 'PERSONAL_NOT_SEALED';
  readonly #unsealed: readonly UnsealedPersonal[];
  readonly #sealer: Sealer;

  constructor(unsealed: readonly UnsealedPersonal[], sealer: Sealer) {
    const subjects = new Set(unsealed.map(({ personal }) => `'${personal.subject}'`));
    const { stackTraceLimit } = Error;
    // Each save of new personal data makes such an error and catches it: taking the stack takes longer than to encrypt.
    Reflect.set(Error, 'stackTraceLimit', 0);
    super(
      `Personal data of ${[...subjects].join(', ')} was made while it was recorded, such as by carryMetadata, apply() or ` +
        'encode() of a custom type. Make it where the event is triggered, or take it from the event.',
    );
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
    this.#unsealed = unsealed;
    this.#sealer = sealer;
  }

  /**
   * Seals the personal data of several encodings that failed.
   *
   * @throws {@link SubjectShreddedError} if a subject is shredded, unless the data is part of an effect.
   * @throws {@link PersonalNotSupportedError} if the storage has no keys of subjects.
   */
  static async sealAll(errors: readonly NotSealedError[], options: SealOptions): Promise<void> {
    const unsealed = new Map<Personal, UnsealedPersonal>();
    for (const error of errors) for (const one of error.#unsealed) unsealed.set(one.personal, one);
    const [first] = errors;
    if (first !== undefined) await first.#sealer.seal([...unsealed.values()], options);
  }
}
