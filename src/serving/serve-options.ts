import type { ApplicationClass } from '../application/application.ts';
import { durationMs, integer, required, ruleOf, secret } from '../util/option-rules.ts';
import type { OptionRule, OptionRules, ResolvedOptions } from '../util/options.ts';

/** Decides whether a request may read the log of an application. */
export type Authorize = (request: Request, applicationName: string) => boolean | Promise<boolean>;

/** Options of {@link serveLogs}. */
export interface ServeLogsOptions<Apps extends ApplicationClass = ApplicationClass> {
  /** Classes of the applications whose logs are served. Nothing else can be read. */
  readonly applications: readonly Apps[];
  /**
   * Bearer tokens of which a request needs one, or a function that decides. A log that everybody may read has the
   * function `() => true`.
   */
  readonly authorize: string | readonly string[] | Authorize;
  /** Path under which the logs are served. @default '/logs' */
  readonly path?: string;
  /** Largest size of the notifications of an answer, in characters of their data; one is sent in any case. @default 4_000_000 */
  readonly maxSize?: number;
  /** Longest time for which a request may wait for new notifications, in ms. @default 30_000 */
  readonly maxWaitMs?: number;
  /** Largest number of requests that wait at a time; others get the status 503. @default 1_000 */
  readonly maxWaiting?: number;
  /**
   * Largest number of requests a second, all clients together; others get the status 429. Requests without a permission
   * are counted apart, up to the same number.
   *
   * @default 1_000
   */
  readonly maxRequestsPerSecond?: number;
}

type DefaultedOption = 'path' | 'maxSize' | 'maxWaitMs' | 'maxWaiting' | 'maxRequestsPerSecond';

export type ResolvedServeLogsOptions = ResolvedOptions<ServeLogsOptions, DefaultedOption>;

const authorizeRule: OptionRule<ServeLogsOptions['authorize'], undefined> = secret(
  ruleOf('a function, a token or an array of tokens, each of at least 16 characters', isAuthorization),
);

export const serveLogsOptions: OptionRules<ServeLogsOptions, DefaultedOption> = {
  applications: required(ruleOf('a non-empty array of classes of applications', isNonEmptyArray)),
  authorize: required(authorizeRule),
  path: ruleOf("a path such as '/logs'", isPath, '/logs'),
  maxSize: integer({ least: 1 }, 4_000_000),
  maxWaitMs: durationMs(0, 30_000),
  maxWaiting: integer({ least: 0 }, 1_000),
  maxRequestsPerSecond: integer({ least: 1 }, 1_000),
};

function isNonEmptyArray(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

/** Tokens shorter than this can be guessed. */
const shortestToken = 16;

function isAuthorization(value: unknown): boolean {
  if (typeof value === 'function') return true;
  const tokens: readonly unknown[] = Array.isArray(value) ? value : [value];
  return tokens.length > 0 && tokens.every((one) => typeof one === 'string' && one.length >= shortestToken);
}

function isPath(value: unknown): boolean {
  return typeof value === 'string' && /^(\/[\w.~-]+)*$/.test(value);
}
