import type { KahnError } from 'kahn';

/** What the customers of the shop were told. */
export interface Answers {
  /** The orders whose save resolved, or was recorded though not all that follows from it could be processed. */
  readonly acknowledged: Set<string>;
  /** Those that nobody knows about: they may be recorded or not. */
  readonly unknown: Set<string>;
  /** Those that are not to be on record. */
  readonly refused: Set<string>;
  /** How often each error came up, by its code. */
  readonly codes: Map<string, number>;
  /** One error of each code. */
  readonly errors: Map<string, KahnError>;
}
