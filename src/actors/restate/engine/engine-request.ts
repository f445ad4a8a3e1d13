import { inRootContext } from '../../../util/environment/root-context.ts';
import { failureTextOf } from '../../../util/errors.ts';
import { EngineError } from '../errors.ts';

/** An HTTP request to an engine. */
export interface RequestOptions {
  readonly method?: 'GET' | 'PATCH' | 'POST';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Time limit of the answer, in ms. @default no limit */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Status codes of a load balancer while the engine behind it is unavailable or busy. */
const unavailable: readonly number[] = [429, 502, 503, 504];

/** Sends a request to an engine and resolves with the parsed JSON body of the answer. Throws {@link EngineError}. */
export async function requestJson(url: string, path: string, options: RequestOptions = {}): Promise<unknown> {
  const { method = 'GET', body, headers, timeoutMs, signal } = options;
  const signals = [signal ?? [], timeoutMs === undefined ? [] : AbortSignal.timeout(timeoutMs)].flat();
  try {
    const request = {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.any(signals),
    };
    const response = await inRootContext(fetch, `${url}${path}`, request); // a new connection outlives the call
    const text = await response.text();
    if (response.ok) return contentOf(url, text);
    if (unavailable.includes(response.status)) throw unreachable(url, `HTTP status ${response.status}`);
    throw failure(url, response.status, text);
  } catch (cause) {
    if (signal?.aborted || cause instanceof EngineError) throw cause;
    const isLate = (cause as Error).name === 'TimeoutError';
    const why = isLate ? `no answer in ${timeoutMs} ms` : failureTextOf(cause);
    throw unreachable(url, why, cause);
  }
}

/** Creates the error for a URL at which another server answers, or another port of the engine. */
export function foreign(url: string): EngineError {
  return new EngineError(
    'ENGINE_FOREIGN',
    url,
    `The server at ${url} is not a Restate engine, or this is the wrong port of it: the defaults are ` +
      "http://localhost:8080 for 'ingressUrl' and http://localhost:9070 for 'adminUrl'.",
  );
}

function unreachable(url: string, why: string, cause?: unknown): EngineError {
  return new EngineError(
    'ENGINE_UNREACHABLE',
    url,
    `The Restate engine at ${url} cannot be reached: ${why}. Check that it is running and that the URL is right.`,
    { cause },
  );
}

function contentOf(url: string, text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw foreign(url);
  }
}

function failure(url: string, status: number, text: string): EngineError {
  const reason = reasonOf(text);
  const isUnknown = status === 404 && /service '.*' (not found|does not exist)/.test(reason);
  if (!isUnknown) {
    return new EngineError(
      'ENGINE_FAILED',
      url,
      `The Restate engine at ${url} answered with HTTP status ${status}: ${reason}`,
    );
  }
  return new EngineError(
    'SERVICE_NOT_REGISTERED',
    url,
    `The Restate engine at ${url} does not know the actors of this system (${reason}). Start a RestateService of ` +
      'the system, and register it.',
  );
}

function reasonOf(text: string): string {
  try {
    return String(JSON.parse(text).message ?? text);
  } catch {
    return text;
  }
}
