import { ruleOf } from '../util/option-rules.ts';
import type { OptionRule } from '../util/options.ts';

/** Accepts a text for the record of what people and tools did. */
export const recordedText: OptionRule<string, undefined> = ruleOf(
  'a text of 1 to 1,000 characters',
  (value) => typeof value === 'string' && value.trim() !== '' && value.length <= 1_000,
);
