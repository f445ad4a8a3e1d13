import { KahnError, messageOf } from './errors.ts';

/** An error as plain data that can be sent to another thread or process, where its class does not exist. */
export interface PortableError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Its own fields: `code`, ids and the like. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause: PortableError | undefined;
}

const maxCauses = 10;

/** Takes an error, or anything thrown, apart. */
export function portable(thrown: unknown, depth = 0): PortableError {
  if (!(thrown instanceof Error)) {
    return { name: 'Error', message: messageOf(thrown), stack: undefined, fields: {}, cause: undefined };
  }
  const { name, message, stack, cause } = thrown;
  const fields = Object.fromEntries(Object.entries(thrown).filter(([, value]) => isPlain(value)));
  const inner = cause === undefined || depth === maxCauses ? undefined : portable(cause, depth + 1);
  return { name, message, stack, fields, cause: inner };
}

/** Something that another thread or process has thrown, with the code and the fields it had there. */
export class RemoteError extends KahnError {
  override readonly code: string;

  constructor({ name, message, stack, fields, cause }: PortableError) {
    super(message, cause && { cause: new RemoteError(cause) });
    Object.assign(this, fields);
    this.code = typeof fields.code === 'string' ? fields.code : 'REMOTE_ERROR';
    this.name = name;
    if (stack !== undefined) this.stack = stack;
  }
}

/** A text, number or truth value, or an object of these. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isPrimitive(value);
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPrimitive);
}

function isPrimitive(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}
