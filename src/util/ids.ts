import { hash } from 'node:crypto';
import { inspect } from 'node:util';
import { v5, v7, validate } from 'uuid';
import { KahnError } from './errors.ts';
import { simulatedTime } from './time.ts';

/** An id, a name or a pipeline id that cannot be stored unchanged everywhere. */
export class InvalidIdError extends KahnError {
  override readonly code = 'INVALID_ID';
}

/** What an id made in a policy is derived from. */
export interface Cause {
  readonly originatorId: string;
  readonly originatorVersion: number;
  /** Milliseconds since 1970. */
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
 * A new time-ordered id (UUIDv7, RFC 9562), above all those made before it in this thread; in a simulation, one that
 * follows from its course.
 */
export function newId(): string {
  const simulated = simulatedTime();
  if (simulated !== undefined) return simulated.newId();
  const start = drawn();
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    sequence = poolView.getUint32(start) >>> 1;
  } else {
    sequence += 1;
  }
  return v7({ msecs: lastMs, seq: sequence, random: pool.subarray(start, start + idLength) });
}

/**
 * Where in the pool there are random bytes for one id; drawn one by one they would cost five times as much.
 */
function drawn(): number {
  if (poolUsed === pool.length) {
    crypto.getRandomValues(pool);
    poolUsed = 0;
  }
  poolUsed += idLength;
  return poolUsed - idLength;
}

/**
 * The same id for the same name, always (UUIDv5, RFC 9562): for aggregates that have a natural key.
 * `namespace` keeps equal names of different kinds apart: a UUID or else a text.
 *
 * @example nameId('airport', 'ABQ')
 */
export function nameId(namespace: string, name: string): string {
  return v5(name, validate(namespace) ? namespace : v5(namespace, kahnNamespace));
}

/**
 * An id that follows from the event that caused it: ordered by the cause's timestamp (UUIDv7 layout), its
 * other bits a SHA-256 of cause, application and ordinal. Whoever processes the event again makes the same
 * id.
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

/** The same id (UUIDv7 layout) for the same time, in milliseconds since 1970, and key, always. */
export function idAt(timestamp: number, key: string): string {
  const digest = hash('sha256', key);
  const time = timestamp.toString(16).padStart(12, '0');
  const variant = '89ab'.charAt(Number.parseInt(digest.charAt(3), 16) & 3);
  const front = `${time.slice(0, 8)}-${time.slice(8)}-7${digest.slice(0, 3)}`;
  return `${front}-${variant}${digest.slice(4, 7)}-${digest.slice(7, 19)}`;
}

/** Whether it is a non-empty string that every storage keeps unchanged. */
export function isId(id: unknown): id is string {
  return typeof id === 'string' && id !== '' && !id.includes('\0') && id.isWellFormed();
}

/** Throws {@link InvalidIdError} unless `id` is a non-empty string that every storage keeps unchanged. */
export function assertId(id: unknown, what: string | (() => string)): asserts id is string {
  if (isId(id)) return;
  const subject = typeof what === 'string' ? what : what();
  if (typeof id !== 'string') throw new InvalidIdError(`${subject} must be a string, but is ${typeof id}.`);
  if (id === '') throw new InvalidIdError(`${subject} must not be empty.`);
  throw new InvalidIdError(
    `${subject} ${JSON.stringify(id)} has a NUL or half a surrogate pair: no storage keeps it unchanged.`,
  );
}

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
