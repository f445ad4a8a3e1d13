import { KahnError } from '../../util/errors.ts';

/** A value cannot be encoded without loss. */
export class NotEncodableError extends KahnError {
  override readonly code = 'NOT_ENCODABLE';
  /** Path to the part, such as `items[2].price`; empty for the whole value. */
  declare readonly path: string;
  /** Reason why the part cannot be encoded, and a remedy. */
  declare readonly reason: string;

  constructor(path: string, reason: string, options?: { cause?: unknown }) {
    super(`Cannot encode ${path === '' ? 'the value' : shortened(path)}: ${reason}.`, {
      ...options,
      path,
      reason,
    });
  }
}

/** A text cannot be decoded. */
export class NotDecodableError extends KahnError {
  override readonly code = 'NOT_DECODABLE';
  declare readonly reason: string;
  /** Name of the custom type that is not in the option `types`, if this is the reason. */
  declare readonly typeName?: string;

  constructor(reason: string, options?: { readonly cause?: unknown; readonly typeName?: string }) {
    super(`Cannot decode the text: ${reason}.`, { ...options, reason });
  }
}

/** Shortens a path into deep nesting, which would hide the reason. */
function shortened(path: string): string {
  return path.length > 200 ? `${path.slice(0, 200)}…` : path;
}
