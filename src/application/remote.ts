import { foreignName, isSystemName } from '../storage/remote/log-names.ts';
import type { RemoteSource } from '../storage/remote/remote-log.ts';
import { kindOf } from '../util/errors.ts';
import { durationMs, integer, required, ruleOf, secret } from '../util/option-rules.ts';
import { type OptionRule, type OptionRules, resolveOptions } from '../util/options.ts';
import { Application, type ApplicationClass } from './application.ts';
import { assertDeclared, recordedNameOf } from './declaration.ts';
import { InvalidApplicationError } from './errors.ts';
import { NotificationLogReader } from './log/notification-log-reader.ts';
import { defaultSectionSize } from './log/sections.ts';

/** HTTP headers by name. */
export type RemoteHeaders = Readonly<Record<string, string>>;

/** Options of {@link remote}. */
export interface RemoteOptions {
  /**
   * Name of the other system, the option `name` of its `System.of()`. Its applications have it in their names here, as in
   * `orders@shop`.
   */
  readonly system: string;
  /** URL under which `serveLogs()` of the other system serves its logs, such as `https://shop.example/logs`. */
  readonly url: string;
  /** HTTP headers of each request, or a function that returns them, as for tokens that change; never shown. @default none */
  readonly headers?: RemoteHeaders | (() => RemoteHeaders | Promise<RemoteHeaders>);
  /** Longest time of a request, in ms. @default 30_000 */
  readonly timeoutMs?: number;
  /** Largest size of an answer, in bytes. A larger one stops the followers. @default 64_000_000 */
  readonly maxBytes?: number;
}

/** The class of an application that another system runs. Pipelines may start with it. */
export type RemoteApplicationClass<A extends ApplicationClass> = (new () => Application<
  InstanceType<A> extends Application<infer Emits> ? Emits : never
>) &
  Pick<A, 'emits'> & {
    readonly name: string;
    /** Name of the log in this system, such as `orders@shop`. */
    readonly applicationName: `${A['applicationName']}@${string}`;
    /** Where its log is served. */
    readonly remote: object;
  };

const headersRule: OptionRule<NonNullable<RemoteOptions['headers']>, undefined> = secret(
  ruleOf('an object of HTTP headers, or a function that returns one', isHeaders),
);

export const remoteOptions: OptionRules<RemoteOptions, 'timeoutMs' | 'maxBytes'> = {
  system: required(
    ruleOf('a name of letters, digits, dots, dashes and underscores that starts with a letter', isSystemName),
  ),
  url: required(
    secret(ruleOf('an HTTP URL without a query and a password, such as https://shop.example/logs', isLogUrl)),
  ),
  headers: headersRule,
  timeoutMs: durationMs(1, 30_000),
  maxBytes: integer({ least: 1 }, 64_000_000),
};

/**
 * Returns the class of an application that another system runs, on another host or in another storage. Pipelines start
 * with it: `[remote(Orders, { system: 'shop', url }), Billing]`. Its log is read over HTTP, and followed with the same guarantees as one
 * in the storage of the system. Nothing can be recorded in it here.
 *
 * Each answer of the server is checked. A follower stops at one that no log can hold, such as with a notification that is
 * missing, repeated or replaced. A server that is away or busy is asked again, as a storage is.
 *
 * @throws {@link InvalidOptionError} if an option is missing or unknown, or its value does not fit.
 * @throws {@link InvalidApplicationError} if it gets no class, or a static property of the class is missing or invalid.
 */
export function remote<A extends ApplicationClass>(
  applicationClass: A,
  options: RemoteOptions,
): RemoteApplicationClass<A> {
  const { system, url, headers, timeoutMs, maxBytes } = resolveOptions(options, remoteOptions, 'remote()');
  if (typeof applicationClass !== 'function') {
    throw new InvalidApplicationError(
      `remote() takes the class of an application, as in remote(Orders, { system: 'shop', url }), not ${kindOf(applicationClass)}.`,
    );
  }
  assertDeclared(applicationClass);
  const {
    emits,
    name,
    sectionSize = defaultSectionSize,
    readerClass = NotificationLogReader,
  } = applicationClass;
  const recordedName = recordedNameOf(applicationClass);
  const source: RemoteSource = {
    log: { system, applicationName: recordedName },
    url,
    timeoutMs,
    maxBytes,
    headers: typeof headers === 'function' ? headers : () => headers ?? {},
  };
  class Remote extends Application {
    static readonly applicationName = foreignName({
      applicationName: applicationClass.applicationName,
      system,
    });
    static readonly recordedAs = foreignName(source.log);
    static readonly emits = emits;
    static readonly sectionSize = sectionSize;
    static readonly readerClass = readerClass;
    static readonly remote = source;
  }
  Object.defineProperty(Remote, 'name', { value: name });
  assertDeclared(Remote);
  return Remote as unknown as RemoteApplicationClass<A>;
}

function isLogUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, search, hash, username, password } = new URL(value);
  return /^https?:$/.test(protocol) && search === '' && hash === '' && username === '' && password === '';
}

function isHeaders(value: unknown): boolean {
  if (typeof value === 'function') return true;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  try {
    new Headers(value as Record<string, string>);
    return Object.values(value).every((one) => typeof one === 'string');
  } catch {
    return false;
  }
}
