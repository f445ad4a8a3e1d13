import { KahnError } from '../../util/errors.ts';

/** A value cannot be encoded without losing something. */
export class NotEncodableError extends KahnError {
  override readonly code = 'NOT_ENCODABLE';
  /** Where it was found, such as `items[2].price`; empty if it is the whole value. */
  readonly path: string;
  /** What was found and what to do about it. */
  readonly reason: string;

  constructor(path: string, reason: string, options?: { cause?: unknown }) {
    super(`Cannot encode ${path === '' ? 'the value' : shortened(path)}: ${reason}.`, options);
    this.path = path;
    this.reason = reason;
  }
}

/** A text cannot be decoded. */
export class NotDecodableError extends KahnError {
  override readonly code = 'NOT_DECODABLE';
  /** What was found and, where something can be done about it, what. */
  readonly reason: string;

  constructor(reason: string, options?: { cause?: unknown }) {
    super(`Cannot decode the text: ${reason}.`, options);
    this.reason = reason;
  }
}

/** A path into deep nesting would bury the reason. */
function shortened(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}
