import { inspect } from 'node:util';

/**
 * The base of every error this library throws on purpose. Tell them apart by `code`, a literal that survives
 * threads and processes where classes do not.
 */
export abstract class KahnError extends Error {
  abstract readonly code: string;

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The text of anything thrown, for use inside another message. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : inspect(thrown);
}
