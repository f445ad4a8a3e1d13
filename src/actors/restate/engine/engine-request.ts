import { messageOf } from '../../../util/errors.ts';
import { EngineError } from '../errors.ts';

/** How something is asked of an engine. */
export interface RequestOptions {
  readonly method?: 'GET' | 'PATCH' | 'POST';
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** How long the answer may take; for ever by default. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** What a balancer answers while the engine behind it is away or busy. */
const passing: readonly number[] = [429, 502, 503, 504];

/** Asks an engine something over HTTP, and resolves with the body of its answer. Throws {@link EngineError}. */
export async function requestJson(
  url: string,
  path: string,
  question: RequestOptions = {},
): Promise<unknown> {
  const { method = 'GET', body, headers, timeoutMs, signal } = question;
  const signals = [signal ?? [], timeoutMs === undefined ? [] : AbortSignal.timeout(timeoutMs)].flat();
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.any(signals),
    });
    const text = await response.text();
    if (response.ok) return contentOf(url, text);
    if (passing.includes(response.status)) throw unreachable(url, `it answers ${response.status}`);
    throw failure(url, response.status, text);
  } catch (cause) {
    if (signal?.aborted || cause instanceof EngineError) throw cause;
    // What fetch() says is only that it has failed; why is the cause of it.
    const isLate = (cause as Error).name === 'TimeoutError';
    const why = isLate ? `no answer in ${timeoutMs} ms` : messageOf((cause as Error).cause ?? cause);
    throw unreachable(url, why, cause);
  }
}

function unreachable(url: string, why: string, cause?: unknown): EngineError {
  return new EngineError(
    'ENGINE_UNREACHABLE',
    url,
    `The Restate engine at ${url} cannot be reached: ${why}. Is it running, and is this its URL?`,
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
  const what = reasonOf(text);
  const isUnknown = status === 404 && /service '.*' (not found|does not exist)/.test(what);
  if (isUnknown) return new EngineError('SERVICE_NOT_REGISTERED', url, notRegistered(url, what));
  return new EngineError(
    'ENGINE_FAILED',
    url,
    `The Restate engine at ${url} has answered ${status}: ${what}`,
  );
}

/** What answers at a URL is not what it should be. */
export function foreign(url: string): EngineError {
  return new EngineError(
    'ENGINE_FOREIGN',
    url,
    `What answers at ${url} is no Restate engine, or another port of it: ingressUrl is by default ` +
      'http://localhost:8080, adminUrl http://localhost:9070.',
  );
}

function notRegistered(url: string, what: string): string {
  return (
    `The Restate engine at ${url} does not know the actors of this system (${what}). Start a RestateService of ` +
    'the system, and register it.'
  );
}

function reasonOf(text: string): string {
  try {
    return String(JSON.parse(text).message ?? text);
  } catch {
    return text;
  }
}
