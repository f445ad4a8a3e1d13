import { createHash, timingSafeEqual } from 'node:crypto';
import type { Authorize, ServeLogsOptions } from './serve-options.ts';

/** Returns the function that decides on requests: a given one, or one that asks for a bearer token. */
export function authorizing(authorize: ServeLogsOptions['authorize']): Authorize {
  if (typeof authorize === 'function') return authorize;
  const tokens = typeof authorize === 'string' ? [authorize] : authorize;
  const digests = tokens.map(digestOf);
  return ({ headers }) => {
    const [, token] = /^bearer +(\S+)$/i.exec(headers.get('authorization') ?? '') ?? [];
    if (token === undefined) return false;
    const digest = digestOf(token);
    // Compares with all of them, so that the time of an answer says nothing about a token.
    return digests.filter((one) => timingSafeEqual(one, digest)).length > 0;
  };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
