import { inspect } from 'node:util';
import { v5, validate } from 'uuid';
import { hash } from './environment/hash.ts';
import { KahnError } from './errors.ts';
import { simulatedTime } from './time.ts';

/** An id, a name or a pipeline id is invalid: storage could not keep it unchanged. */
export class InvalidIdError extends KahnError {
  override readonly code = 'INVALID_ID';
}

/** The event from which an id made in a policy is derived. */
export interface Cause {
  readonly originatorId: string;
  readonly originatorVersion: number;
  /** Time of the event, in ms since 1970. */
  readonly timestamp: number;
  /** Number of the event among those that share id and version, from 0. @default 0 */
  readonly part?: number;
}

const kahnNamespace = '6f6b8f0e-6d0c-5b2e-9a55-1f3d6c1c7a10';

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);

/** Random bytes for ids. Drawing bytes for each id would cost five times as much. */
const pool: Buffer = Buffer.alloc(4_096);
/** The bytes of the pool in hexadecimal digits. */
let poolDigits = '';
const randomLength = 10;
let poolUsed = pool.length;
let lastMs = 0;
let sequence = 0;

/**
 * Makes a time-ordered id (UUIDv7, RFC 9562), greater than all ids made before in this thread. In a simulation, the id
 * is the same on every run.
 */
export function newId(): string {
  const simulated = simulatedTime();
  if (simulated !== undefined) return simulated.newId();
  const start = takeRandomBytes();
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    sequence = pool.readUInt32BE(start) >>> 1;
  } else {
    sequence += 1;
  }
  // After the time come the 32 bits of the sequence, interrupted by version and variant, and 42 random bits.
  const high = (0x7000 | (sequence >>> 20)).toString(16);
  const middle = hexAt(0x80 | ((sequence >>> 14) & 0x3f)) + hexAt((sequence >>> 6) & 0xff);
  const low = hexAt(((sequence << 2) & 0xff) | ((pool[start + 4] as number) & 3));
  const random = poolDigits.slice(2 * start + 10, 2 * start + 20);
  return `${timeDigits(lastMs)}-${high}-${middle}-${low}${random}`;
}

function hexAt(byte: number): string {
  return hexOfByte[byte] as string;
}

/** Returns the index in the pool of the random bytes for one id. */
function takeRandomBytes(): number {
  if (poolUsed + randomLength > pool.length) {
    crypto.getRandomValues(pool);
    poolDigits = pool.toString('hex');
    poolUsed = 0;
  }
  poolUsed += randomLength;
  return poolUsed - randomLength;
}

/**
 * Makes the id of a name, always the same (UUIDv5, RFC 9562), for aggregates with a natural key.
 *
 * @param namespace A UUID or any other text. Equal names in different namespaces have different ids.
 * @throws {@link InvalidIdError} if one of them is not a non-empty string of well-formed text.
 * @example nameId('airport', 'ABQ');
 */
export function nameId(namespace: string, name: string): string {
  assertId(namespace, 'the namespace of nameId()');
  assertId(name, 'the name of nameId()');
  return v5(name, validate(namespace) ? namespace : v5(namespace, kahnNamespace));
}

/**
 * Derives an id from an event, so that processing the event again makes the same id. The id has the layout of a UUIDv7
 * with the timestamp of the event. Its other bits are a SHA-256 of event, application and ordinal.
 */
export function causedId(
  cause: Cause,
  upstreamName: string,
  applicationName: string,
  ordinal: number,
): string {
  const { originatorId, originatorVersion, timestamp, part = 0 } = cause;
  const which = part === 0 ? ordinal : `${ordinal}\0${part}`;
  // No name or id holds a NUL.
  return idAt(
    timestamp,
    `${upstreamName}\0${originatorId}\0${originatorVersion}\0${applicationName}\0${which}`,
  );
}

/** Largest time that an id holds, in 48 bits. Times before 1970 and after it count as the nearest time. */
const maxTime = 2 ** 48 - 1;

/** Makes the id (UUIDv7 layout) of a time, in ms since 1970, and a key; always the same. */
export function idAt(timestamp: number, key: string): string {
  const digest = hash('sha256', key);
  const time = timeDigits(Math.min(Math.max(Math.trunc(timestamp), 0), maxTime));
  const variant = '89ab'.charAt(Number.parseInt(digest.charAt(3), 16) & 3);
  return `${time}-7${digest.slice(0, 3)}-${variant}${digest.slice(4, 7)}-${digest.slice(7, 19)}`;
}

let digitsMs = -1;
let digits = '';

/** Formats a time in ms as the first 48 bits of an id. Most ids are made in the same ms as the one before. */
function timeDigits(ms: number): string {
  if (ms !== digitsMs) {
    const hex = ms.toString(16).padStart(12, '0');
    digitsMs = ms;
    digits = `${hex.slice(0, 8)}-${hex.slice(8)}`;
  }
  return digits;
}

/** Whether a value is a non-empty string that every storage keeps unchanged. */
export function isId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && !id.includes('\0') && id.isWellFormed();
}

/**
 * Throws {@link InvalidIdError} unless `id` is a non-empty string that every storage keeps unchanged.
 *
 * @param what Name of the id in the message, as in "the id of Order".
 */
export function assertId(id: unknown, what: string | (() => string)): asserts id is string {
  if (isId(id)) return;
  const subject = typeof what === 'string' ? what : what();
  const expected =
    typeof id === 'string' && id !== ''
      ? 'a string without NUL characters and lone surrogates'
      : 'a non-empty string';
  throw new InvalidIdError(`Expected ${subject} to be ${expected}, got ${inspect(id)}.`);
}

/** Whether a value is an integer from 0 to 2 147 483 647. */
export function isPipelineId(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0x7fffffff;
}

/** Throws {@link InvalidIdError} unless `pipelineId` is an integer from 0 to 2 147 483 647. */
export function assertPipelineId(pipelineId: unknown): asserts pipelineId is number {
  if (isPipelineId(pipelineId)) return;
  throw new InvalidIdError(
    `Expected a pipeline id to be an integer from 0 to 2147483647, got ${inspect(pipelineId)}.`,
  );
}
