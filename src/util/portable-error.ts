import { errorNameOf, isError, isInstance, KahnError, messageOf } from './errors.ts';

/** An error as plain data, for other threads and processes, where its class may not exist. */
export interface PortableError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Own fields of the error, such as `code` and ids. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause: PortableError | undefined;
}

const maxCauses = 10;
/** Longest text that is kept whole, in characters: an error is sent as one message. */
const longestText = 100_000;
/** Longest array that is kept. */
const longestList = 100;

/** Converts anything thrown to plain data, even if fields throw when they are read. */
export function portable(thrown: unknown, depth = 0): PortableError {
  if (!isError(thrown)) {
    return {
      name: 'Error',
      message: shortened(messageOf(thrown)),
      stack: undefined,
      fields: {},
      cause: undefined,
    };
  }
  const read = (name: string) => tried(() => Reflect.get(thrown, name) as unknown);
  const keys = tried(() => Object.keys(thrown)) ?? [];
  const fields = keys.map((key) => [key, read(key)] as const);
  const cause = read('cause');
  return {
    name: textOf(tried(() => errorNameOf(thrown))) ?? 'Error',
    message: shortened([textOf(read('message')), ...textsIn(thrown)].filter(Boolean).join('; ')),
    stack: textOf(read('stack')),
    fields: Object.fromEntries(
      fields.flatMap(([key, value]) => (isPlain(value) ? [[key, short(value)]] : [])),
    ),
    cause: cause === undefined || depth === maxCauses ? undefined : portable(cause, depth + 1),
  };
}

/** Messages of the errors inside an AggregateError or SuppressedError. */
function textsIn(thrown: Error): readonly string[] {
  const text = (inner: unknown) => portable(inner, maxCauses).message;
  if (isInstance(thrown, SuppressedError)) {
    return [text(tried(() => thrown.error)), `suppressed: ${text(tried(() => thrown.suppressed))}`];
  }
  if (!isInstance(thrown, AggregateError)) return [];
  return tried(() => thrown.errors.slice(0, maxCauses).map(text)) ?? [];
}

/** An error from another thread or process, with the name, code and fields that it had there. */
export class RemoteError extends KahnError {
  override readonly code: string;

  constructor({ name, message, stack, fields = {}, cause }: PortableError) {
    super(message, { ...fields, ...(cause && { cause: new RemoteError(cause) }) });
    this.code = typeof fields.code === 'string' ? fields.code : 'REMOTE_ERROR';
    this.name = name;
    if (stack !== undefined) this.stack = stack;
  }
}

/** Whether a value is a string, number or boolean, a plain object of these, or a list of plain objects or these. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isPrimitive(value);
  return tried(() => (Array.isArray(value) ? isList(value) : isFlat(value))) ?? false;
}

function isList(value: readonly unknown[]): boolean {
  return (
    value.length <= longestList &&
    value.every((one) => isPrimitive(one) || (typeof one === 'object' && one !== null && isFlat(one)))
  );
}

function isFlat(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPrimitive);
}

function isPrimitive(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : tried(() => shortened(String(value)));
}

/** Shortens the texts of a plain value. */
function short(value: unknown, longest: number = longestText): unknown {
  if (typeof value === 'string') return shortened(value, longest);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => short(one, longest / longestList));
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, short(own, longest)]));
}

/** Cuts a text that is too long, and says how long it was, also if it was cut before. */
export function shortened(text: string, longest: number = longestText): string {
  if (text.length <= longest) return text;
  const [, length = text.length] = / … \((\d+) characters\)$/.exec(text.slice(-50)) ?? [];
  return `${text.slice(0, longest)} … (${length} characters)`;
}

/** Returns what `read` returns, or undefined if it throws. */
function tried<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
