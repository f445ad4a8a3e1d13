import { inspect, types } from 'node:util';
import { kindInOtherCopy } from './environment/copies.ts';

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

  /**
   * Every option but `cause` becomes a field; subclasses `declare` these fields, since an initialiser would erase them.
   *
   * The message includes that of the cause. The stack does not, so that a printed chain shows each message once.
   */
  constructor(message: string, options: KahnErrorOptions = {}) {
    const { cause, ...fields } = options;
    const hasCause = 'cause' in options;
    super(
      hasCause ? withoutMessageOf(cause, message) : message,
      hasCause ? { cause: examinable(cause) } : {},
    );
    Object.assign(this, fields);
    this.name = new.target.name;
    if (this.message === message) return;
    void this.stack; // is written when it is read first
    this.message = message;
  }
}

const unshowable = 'A value was thrown that cannot be shown.';

/**
 * Returns the text of a thrown value, for use inside another message: of an error without a message, its code or name, as
 * Node gives them if no address of a host answers. Never throws.
 */
export function messageOf(thrown: unknown): string {
  try {
    if (isError(thrown)) return String(thrown.message) || String(codeOf(thrown) ?? thrown.name);
    return thrown === undefined || thrown === null ? `${thrown} was thrown` : inspect(thrown);
  } catch {
    return unshowable;
  }
}

/**
 * Returns why a connection or a request failed, for use inside another message. An error of `fetch()` says only that it
 * failed; its cause says why. Never throws.
 */
export function failureTextOf(thrown: unknown): string {
  try {
    const { cause } = thrown as { readonly cause?: unknown };
    return isInstance(thrown, TypeError) && isError(cause) ? failureTextOf(cause) : messageOf(thrown);
  } catch {
    return messageOf(thrown);
  }
}

function codeOf(error: Error): unknown {
  return (error as { readonly code?: unknown }).code;
}

/**
 * Returns the name of an error: the one that it or its class states, else that of its class. A class that states none
 * inherits 'Error', 'TypeError' and the like.
 */
export function errorNameOf(error: Error): string {
  const { name, constructor: type } = error;
  let holder: object | null = error;
  while (holder !== null && !Object.hasOwn(holder, 'name')) holder = Object.getPrototypeOf(holder);
  const isInherited = holder !== error && holder?.constructor !== type && holder?.constructor.name === name;
  return (isInherited && type.name) || name;
}

/** Whether a thrown value is an error, of this realm or another. Never throws. */
export function isError(thrown: unknown): thrown is Error {
  return types.isNativeError(thrown) || isInstance(thrown, Error);
}

/** Whether a value is an instance of a class; false for values that throw when they are examined. */
export function isInstance<T>(value: unknown, type: abstract new (...args: never[]) => T): value is T {
  try {
    return value instanceof type;
  } catch {
    return false; // for example a revoked proxy
  }
}

/** Names the kind of a value for a message that must not show the value, as in "a string". */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (types.isProxy(value)) return 'a proxy';
  if (Array.isArray(value)) return 'an array';
  if (types.isPromise(value)) return 'a promise: await it';
  return kindInOtherCopy(value) ?? (typeof value === 'object' ? 'an object' : `a ${typeof value}`);
}

/** Replaces the text of a cause in a message by an ellipsis. */
function withoutMessageOf(cause: unknown, message: string): string {
  const text = messageOf(cause).replace(/\.$/, '');
  const start = text === '' ? -1 : message.lastIndexOf(text);
  return start < 0 ? message : `${message.slice(0, start)}…${message.slice(start + text.length)}`;
}

/** Returns a thrown value, or an error in place of a value that throws when it is examined. */
function examinable(thrown: unknown): unknown {
  try {
    void (thrown instanceof Error);
    return thrown;
  } catch {
    return new Error(unshowable);
  }
}
