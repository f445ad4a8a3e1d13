import { validateHeaderName, validateHeaderValue } from 'node:http';
import { ruleOf, secret } from '../../../util/option-rules.ts';
import type { OptionRule } from '../../../util/options.ts';

type Headers = Readonly<Record<string, string>>;

/** An HTTP URL. Messages do not show the value, because it may hold a password. */
export function httpUrl<Default extends string | undefined = undefined>(
  byDefault?: Default,
): OptionRule<string, Default> {
  const expected =
    "an HTTP URL such as http://engine:8080, without user, password, query or fragment (put credentials in 'headers')";
  return secret(ruleOf(expected, isHttpUrl, byDefault));
}

/** HTTP headers by name, none by default. Messages do not show them, because they may hold credentials. */
export function httpHeaders(): OptionRule<Headers, Headers> {
  return secret(ruleOf<Headers, Headers>('an object of HTTP header names and string values', areHeaders, {}));
}

function isHttpUrl(value: unknown): boolean {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return !(url.username || url.password || url.search || url.hash);
}

function areHeaders(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.entries(value).every(isHeader);
}

function isHeader([name, value]: readonly [string, unknown]): boolean {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, String(value));
    return typeof value === 'string';
  } catch {
    return false;
  }
}
