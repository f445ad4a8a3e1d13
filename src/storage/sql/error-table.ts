import type { StorageErrorCode } from '../errors.ts';

/** Effects of an error on the connection and on a commit under way. */
export interface ErrorEffects {
  /** Whether the connection is used again, or closed and replaced by a new one. */
  readonly connection: 'kept' | 'replaced';
  /** Whether a commit that fails with the error has recorded nothing for certain. */
  readonly commit: 'not recorded' | 'unknown';
}

/** Rule for one error of a driver, or for a class of errors. */
export interface ErrorRule extends ErrorEffects {
  /** Code of the error; `*` at its end stands for any characters. Or a text in the message. */
  readonly error: string;
  readonly meaning: string;
  readonly code: StorageErrorCode;
}

export const kept: ErrorEffects = { connection: 'kept', commit: 'not recorded' };
export const replaced: ErrorEffects = { connection: 'replaced', commit: 'not recorded' };
export const broken: ErrorEffects = { connection: 'replaced', commit: 'unknown' };

/** Returns a rule for each line, such as `53100: disk full`. */
export function rules(code: StorageErrorCode, effects: ErrorEffects, ...lines: string[]): ErrorRule[] {
  return lines.map((line) => {
    const [error = '', meaning = ''] = line.split(': ');
    return { error, meaning, code, ...effects };
  });
}

/** Rules of an adapter for all errors of its driver. */
export class ErrorTable {
  readonly rules: readonly ErrorRule[];
  readonly #byCode = new Map<string, ErrorRule>();
  /** Rules for classes, the longest class first. */
  readonly #classes: readonly (readonly [string, ErrorRule])[];

  /** @param rules Rules, the last of which is for all errors without another rule. */
  constructor(rules: readonly ErrorRule[]) {
    this.rules = rules;
    for (const rule of rules) this.#byCode.set(rule.error, rule);
    this.#classes = rules
      .filter(({ error }) => error.endsWith('*'))
      .map((rule) => [rule.error.slice(0, -1), rule] as const)
      .sort(([a], [b]) => b.length - a.length);
  }

  /** Returns the rule for an error by its code, or else by the text of its message. */
  ruleFor(code: string, message = ''): ErrorRule {
    const exact = this.#byCode.get(code);
    if (exact !== undefined) return exact;
    const said = this.rules.find(({ error }) => error.includes(' ') && message.includes(error));
    if (said !== undefined) return said;
    const found = this.#classes.find(([prefix]) => code.startsWith(prefix));
    return (found as readonly [string, ErrorRule])[1]; // the last rule is for the class `*`
  }
}
