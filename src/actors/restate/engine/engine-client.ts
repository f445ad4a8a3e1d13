import { retry } from '../../../util/retry.ts';
import { EngineError } from '../errors.ts';
import { foreign, type RequestOptions, requestJson } from './engine-request.ts';

/** Addresses of an engine. */
export interface EngineUrls {
  /** URL at which the engine accepts calls. */
  readonly ingressUrl: string;
  /** URL of the admin API; requests that need it are skipped without it. */
  readonly adminUrl?: string | undefined;
  /** Headers of every request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A handler of one actor. */
export interface Target {
  readonly service: string;
  readonly key: string;
  readonly handler: string;
}

/** Oldest engine version that supports every option of the actors. */
const least = { major: 1, minor: 5 };
/** Time limit of requests that the engine answers without calling a service, in ms. */
const timeoutMs = 5_000;
/** Time limit of one attempt of a call, in ms. The next attempt uses the same key, in case a proxy lost the first. */
const callTimeoutMs = 10_000;
/** Time limit of a registration, in ms. It includes a call from the engine to the service. */
const registerTimeoutMs = 30_000;
const reconnectBackoff = { firstMs: 200, maxMs: 200 };

/** HTTP client for a Restate engine. All methods throw {@link EngineError}. */
export class EngineClient {
  readonly ingressUrl: string;
  readonly #adminUrl: string | undefined;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ ingressUrl, adminUrl, headers }: EngineUrls) {
    this.ingressUrl = baseUrl(ingressUrl);
    this.#adminUrl = adminUrl && baseUrl(adminUrl);
    this.#headers = headers;
  }

  /**
   * Checks that both URLs lead to an engine. With an admin URL, checks also that its version is supported and that
   * the services are registered.
   */
  async assertServes(services: readonly string[], signal: AbortSignal): Promise<void> {
    const options = { timeoutMs, signal, headers: this.#headers };
    const adminUrl = this.#adminUrl;
    if (adminUrl !== undefined) await assertAdministers(adminUrl, options);
    await requestJson(this.ingressUrl, '/restate/health', options).catch(orForeign(this.ingressUrl));
    if (adminUrl === undefined) return;
    for (const service of services) await requestJson(adminUrl, `/services/${service}`, options);
  }

  /**
   * Calls an actor and resolves with its answer. After a timeout or a lost connection, another call with the same key
   * joins the first call, so repeated calls do not accumulate in the engine.
   */
  call(target: Target, message: unknown, callKey: string, signal: AbortSignal): Promise<unknown> {
    return requestJson(this.ingressUrl, pathOf(target), this.#callOptions(message, callKey, signal));
  }

  /** Starts a call, once per key, and resolves with its id. Retries while the engine is unreachable. */
  async begin(target: Target, message: unknown, callKey: string, signal: AbortSignal): Promise<string> {
    const options = this.#callOptions(message, callKey, signal);
    const sent = await this.#reconnecting(`${pathOf(target)}/send`, options, signal);
    const { invocationId } = (sent ?? {}) as { readonly invocationId?: unknown };
    if (typeof invocationId !== 'string') throw foreign(this.ingressUrl);
    return invocationId;
  }

  /** Resolves with the answer to a call that was started. Reconnects while the engine is unreachable. */
  answerTo(callId: string, signal: AbortSignal): Promise<unknown> {
    const options = { headers: this.#headers, signal };
    return this.#reconnecting(`/restate/invocation/${callId}/attach`, options, signal);
  }

  /** Kills a call that has not finished. Does nothing without an admin URL. */
  async kill(callId: string): Promise<void> {
    if (this.#adminUrl === undefined) return;
    const options = { method: 'PATCH', headers: this.#headers, timeoutMs } as const;
    await requestJson(this.#adminUrl, `/invocations/${callId}/kill`, options);
  }

  #reconnecting(path: string, options: RequestOptions, signal: AbortSignal): Promise<unknown> {
    const request = () => requestJson(this.ingressUrl, path, options);
    return retry(request, { backoff: reconnectBackoff, isTransient: isUnreachable, signal });
  }

  #callOptions(body: unknown, callKey: string, signal: AbortSignal): RequestOptions {
    const headers = { ...this.#headers, 'idempotency-key': callKey };
    return { method: 'POST', body, headers, timeoutMs: callTimeoutMs, signal };
  }
}

/** Registers the service at `uri` with an engine. Throws {@link EngineError}. */
export async function registerService(
  adminUrl: string,
  uri: string,
  force: boolean,
  options: Pick<RequestOptions, 'headers' | 'signal'> = {},
): Promise<void> {
  const body = { uri, force };
  const request = { ...options, method: 'POST', body, timeoutMs: registerTimeoutMs } as const;
  await requestJson(baseUrl(adminUrl), '/deployments', request);
}

/** Returns the metadata that a registered service has declared. Throws {@link EngineError}. */
export async function metadataOf(
  adminUrl: string,
  service: string,
  options: Pick<RequestOptions, 'headers' | 'signal'>,
): Promise<Readonly<Record<string, unknown>>> {
  const url = baseUrl(adminUrl);
  await assertAdministers(url, { ...options, timeoutMs });
  const known = await requestJson(url, `/services/${service}`, { ...options, timeoutMs });
  const { metadata = {} } = (known ?? {}) as { readonly metadata?: Readonly<Record<string, unknown>> };
  return metadata;
}

/** Returns whether the engine could not be reached, which may be temporary. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'ENGINE_UNREACHABLE';
}

/** Returns whether the engine does not know a service, which is temporary right after its registration. */
export function isUnregistered(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'SERVICE_NOT_REGISTERED';
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
    `The Restate engine at ${url} has version ${version}, but kahn needs ${least.major}.${least.minor} or newer. ` +
      'Upgrade the engine.',
  );
}

/** Turns an error answer to a request that every engine supports into ENGINE_FOREIGN. */
function orForeign(url: string): (error: unknown) => never {
  return (error) => {
    throw error instanceof EngineError && error.code === 'ENGINE_FAILED' ? foreign(url) : error;
  };
}

function pathOf({ service, key, handler }: Target): string {
  return `/${service}/${encodeURIComponent(key)}/${handler}`;
}

/** Normalizes a URL and removes slashes at its end. */
function baseUrl(url: string): string {
  return new URL(url).href.replace(/\/+$/, '');
}
