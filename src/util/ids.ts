import { inspect } from 'node:util';
import { v5, v7, validate } from 'uuid';
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
}

const kahnNamespace = '6f6b8f0e-6d0c-5b2e-9a55-1f3d6c1c7a10';

const idLength = 16;
const pool = new Uint8Array(idLength * 256);
const poolView = new DataView(pool.buffer);
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
    sequence = poolView.getUint32(start) >>> 1;
  } else {
    sequence += 1;
  }
  return v7({ msecs: lastMs, seq: sequence, random: pool.subarray(start, start + idLength) });
}

/** Returns the index in the pool of random bytes for one id. Drawing bytes for each id would cost five times as much. */
function takeRandomBytes(): number {
  if (poolUsed === pool.length) {
    crypto.getRandomValues(pool);
    poolUsed = 0;
  }
  poolUsed += idLength;
  return poolUsed - idLength;
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
  const key = [upstreamName, cause.originatorId, cause.originatorVersion, applicationName, ordinal];
  return idAt(cause.timestamp, key.join('\0')); // no name or id holds a NUL
}

/** Largest time that an id holds, in 48 bits. Times before 1970 and after it count as the nearest time. */
const maxTime = 2 ** 48 - 1;

/** Makes the id (UUIDv7 layout) of a time, in ms since 1970, and a key; always the same. */
export function idAt(timestamp: number, key: string): string {
  const digest = hash('sha256', key);
  const time = Math.min(Math.max(Math.trunc(timestamp), 0), maxTime)
    .toString(16)
    .padStart(12, '0');
  const variant = '89ab'.charAt(Number.parseInt(digest.charAt(3), 16) & 3);
  const front = `${time.slice(0, 8)}-${time.slice(8)}-7${digest.slice(0, 3)}`;
  return `${front}-${variant}${digest.slice(4, 7)}-${digest.slice(7, 19)}`;
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
