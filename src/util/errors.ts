import { inspect } from 'node:util';

/** The cause of an error, and the fields that the error carries. */
export interface KahnErrorOptions {
  readonly cause?: unknown;
  readonly [field: string]: unknown;
}

/**
 * Base of every error that kahn throws on purpose. Identify an error by its `code`: it is the same in every thread and
 * process, where `instanceof` may fail.
 */
export abstract class KahnError extends Error {
  abstract readonly code: string;

  /** Every option but `cause` becomes a field; subclasses `declare` these fields, since an initialiser would erase them. */
  constructor(message: string, options: KahnErrorOptions = {}) {
    super(message, options);
    const { cause: _cause, ...fields } = options;
    Object.assign(this, fields);
    this.name = new.target.name;
  }
}

/** Returns the text of a thrown value, for use inside another message. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : inspect(thrown);
}

/** Names the kind of a value for a message that must not show the value, as in "a string". */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Promise) return 'a promise: await it';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
