import type { KahnError } from 'kahn';

/** Answers that the customers of the shop got. */
export interface Answers {
  /** Orders that were recorded: the save resolved, or only their processing failed. */
  readonly acknowledged: Set<string>;
  /** Orders with an unknown outcome. */
  readonly unknown: Set<string>;
  /** Orders that were rejected, and must not be recorded. */
  readonly refused: Set<string>;
  /** Number of errors by code. */
  readonly codes: Map<string, number>;
  /** One error of each code. */
  readonly errors: Map<string, KahnError>;
}
