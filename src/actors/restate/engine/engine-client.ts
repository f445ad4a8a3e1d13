import { setTimeout as delay } from 'node:timers/promises';
import { EngineError } from '../errors.ts';
import { foreign, type RequestOptions, requestJson } from './engine-request.ts';

/** Where an engine is. */
export interface EngineUrls {
  /** Where it takes calls. */
  readonly ingressUrl: string;
  /** Where it is administered; what is asked there is left out if it is not known. */
  readonly adminUrl: string | undefined;
  /** What every request carries besides. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Which handler of which actor is called. */
export interface Target {
  readonly service: string;
  readonly key: string;
  readonly handler: string;
}

/** The oldest version that knows all that actors ask for. */
const least = { major: 1, minor: 5 };
/** How long an answer may take that should come at once. */
const timeoutMs = 5_000;
/** How long one is waited for before the call is made again: what is on the way may have swallowed it. */
const callTimeoutMs = 10_000;
/** How long an engine may take to speak with a service that is registered. */
const registerTimeoutMs = 30_000;
/** How long it is waited before a lost connection is made again. */
const againMs = 200;

/** Speaks with an engine. Everything throws {@link EngineError}. */
export class EngineClient {
  readonly ingressUrl: string;
  readonly #adminUrl: string | undefined;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ ingressUrl, adminUrl, headers }: EngineUrls) {
    this.ingressUrl = withoutSlash(ingressUrl);
    this.#adminUrl = adminUrl && withoutSlash(adminUrl);
    this.#headers = headers;
  }

  /** Throws unless it can be reached by its URLs and, as far as can be asked, is new enough and knows the services. */
  async assertServes(services: readonly string[], signal: AbortSignal): Promise<void> {
    const options = { timeoutMs, signal, headers: this.#headers };
    const adminUrl = this.#adminUrl;
    if (adminUrl !== undefined) await assertAdministers(adminUrl, options);
    await requestJson(this.ingressUrl, '/restate/health', options).catch(orForeign(this.ingressUrl));
    if (adminUrl === undefined) return;
    for (const service of services) await requestJson(adminUrl, `/services/${service}`, options);
  }

  /**
   * Calls an actor and resolves with its answer. If there is none in time or the connection is lost, a call by the same
   * key is the same one still, so that none are left behind.
   */
  call(target: Target, message: unknown, callKey: string, signal: AbortSignal): Promise<unknown> {
    return requestJson(this.ingressUrl, pathOf(target), this.#question(message, callKey, signal));
  }

  /**
   * Begins a call whose answer can be asked for by the id that this resolves with; once for each key, however often the
   * engine is away meanwhile.
   */
  async begin(target: Target, message: unknown, callKey: string, signal: AbortSignal): Promise<string> {
    const question = this.#question(message, callKey, signal);
    const sent = await retryTransient(
      () => requestJson(this.ingressUrl, `${pathOf(target)}/send`, question),
      signal,
    );
    return (sent as { readonly invocationId: string }).invocationId;
  }

  /** Resolves with the answer to a call that was begun, whatever becomes of the connection and the engine meanwhile. */
  answerTo(callId: string, signal: AbortSignal): Promise<unknown> {
    const question = { headers: this.#headers, signal };
    return retryTransient(
      () => requestJson(this.ingressUrl, `/restate/invocation/${callId}/attach`, question),
      signal,
    );
  }

  /** Takes a call back, as far as it has not come to an end; not where that cannot be asked for. */
  async kill(callId: string): Promise<void> {
    if (this.#adminUrl === undefined) return;
    const question = { method: 'PATCH', headers: this.#headers, timeoutMs } as const;
    await requestJson(this.#adminUrl, `/invocations/${callId}/kill`, question);
  }

  #question(body: unknown, callKey: string, signal: AbortSignal): RequestOptions {
    const headers = { ...this.#headers, 'idempotency-key': callKey };
    return { method: 'POST', body, headers, timeoutMs: callTimeoutMs, signal };
  }
}

/** Asks again until the engine is there. */
async function retryTransient(ask: () => Promise<unknown>, signal: AbortSignal): Promise<unknown> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isUnreachable(error)) throw error;
    }
    await delay(againMs, undefined, { signal });
  }
}

/** Lets a service that listens at a URL answer for what it serves. Throws {@link EngineError}. */
export async function registerService(
  adminUrl: string,
  uri: string,
  force: boolean,
  options: Pick<RequestOptions, 'headers' | 'signal'> = {},
): Promise<void> {
  const question = {
    ...options,
    method: 'POST',
    body: { uri, force },
    timeoutMs: registerTimeoutMs,
  } as const;
  await requestJson(withoutSlash(adminUrl), '/deployments', question);
}

/** What an engine has been told of an actor by its service. Throws {@link EngineError}. */
export async function metadataOf(
  adminUrl: string,
  service: string,
  options: Pick<RequestOptions, 'headers' | 'signal'>,
): Promise<Readonly<Record<string, unknown>>> {
  const url = withoutSlash(adminUrl);
  await assertAdministers(url, { ...options, timeoutMs });
  const known = await requestJson(url, `/services/${service}`, { ...options, timeoutMs });
  return (known as { readonly metadata?: Readonly<Record<string, unknown>> }).metadata ?? {};
}

/** Whether the engine is away, and may come back. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'ENGINE_UNREACHABLE';
}

async function assertAdministers(adminUrl: string, options: RequestOptions): Promise<void> {
  const version = await requestJson(adminUrl, '/version', options).catch(orForeign(adminUrl));
  assertNewEnough(adminUrl, version);
}

function assertNewEnough(url: string, answer: unknown): void {
  const { version } = (answer ?? {}) as { readonly version?: unknown };
  const [, major, minor] = /^(\d+)\.(\d+)\./.exec(String(version)) ?? [];
  if (major === undefined) throw foreign(url);
  if (Number(major) > least.major || (Number(major) === least.major && Number(minor) >= least.minor)) return;
  throw new EngineError(
    'ENGINE_TOO_OLD',
    url,
    `The Restate engine at ${url} has version ${version}, but kahn needs ${least.major}.${least.minor} or newer.`,
  );
}

/** Makes of an answer that no engine gives what it means. */
function orForeign(url: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof EngineError && error.code === 'ENGINE_FAILED' ? foreign(url) : error;
  };
}

function pathOf({ service, key, handler }: Target): string {
  return `/${service}/${encodeURIComponent(key)}/${handler}`;
}

function withoutSlash(url: string): string {
  return url.replace(/\/+$/, '');
}
