import { clearTimeout, setTimeout } from 'node:timers';
import { unlessAborted } from '../../util/abort.ts';
import { longestTimerMs } from '../../util/time.ts';
import type { StorageError } from '../errors.ts';
import { upToSize } from '../sizes.ts';
import type { StoredNotification } from '../stored-event.ts';
import { bytesUpTo } from './bounded-body.ts';
import { InvalidDocument, logIn, sectionIn } from './documents.ts';
import {
  invalidAnswer,
  invalidHeaders,
  type RemoteLocation,
  refusedAnswer,
  remoteLocation,
  unreachable,
} from './errors.ts';
import { type OwnNames, type SystemLog, withLocalCause } from './log-names.ts';
import type { LogDocument } from './protocol.ts';
import { Reachability } from './reachability.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Where a log of another system is served, and how it is asked for. */
export interface RemoteSource {
  /** The log in the system that serves it. */
  readonly log: SystemLog;
  /** URL under which `serveLogs()` serves logs, such as `https://shop.example/logs`. */
  readonly url: string;
  /** Returns the headers of each request, such as `authorization`. */
  headers(): Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
  /** Longest time of a request, in ms, beside the time for which the server may wait. */
  readonly timeoutMs: number;
  /** Largest size of an answer, in bytes. */
  readonly maxBytes: number;
}

/** What is asked of a server. */
interface Address {
  readonly pipelineId: number;
  /** What follows the pipeline in the URL. */
  readonly path: string;
  /** Time for which the server may wait, in ms. @default 0 */
  readonly waitMs?: number;
}

/** Reads the log of an application of another system, and checks all that its server answers. */
export class RemoteLog {
  readonly location: RemoteLocation;
  readonly #source: RemoteSource;
  readonly #own: OwnNames;
  readonly #reachability = new Map<number, Reachability>();
  /** Number of notifications in a section, while it is known. */
  #sectionSize: number | undefined;

  /**
   * @param applicationName Name of the application in the system that follows.
   * @param own Names of the system that follows.
   */
  constructor(applicationName: string, source: RemoteSource, own: OwnNames) {
    const url = `${source.url.replace(/\/$/, '')}/${encodeURIComponent(source.log.applicationName)}`;
    this.location = remoteLocation(applicationName, url);
    this.#source = { ...source, url };
    this.#own = own;
  }

  /** Returns the name under which storage of this system keeps the log of an application. */
  recordedName(applicationName: string): string {
    for (const [recorded, current] of this.#own.current) if (current === applicationName) return recorded;
    return applicationName;
  }

  /** Rejects without a request of its own if the server is away. */
  async assertReachable(pipelineId: number, signal: AbortSignal): Promise<void> {
    const unanswered = () => unreachable(this.location, undefined);
    await this.#reachabilityOf(pipelineId).assertReachable(unanswered, signal);
    signal.throwIfAborted();
  }

  #reachabilityOf(pipelineId: number): Reachability {
    const ask = (signal: AbortSignal) => this.head(pipelineId, {}, signal);
    const reachability = this.#reachability.get(pipelineId) ?? new Reachability(ask);
    this.#reachability.set(pipelineId, reachability);
    return reachability;
  }

  /**
   * Reads where the log ends.
   *
   * @param waitMs Time for which the server waits for notifications above `after`, in ms.
   */
  async head(
    pipelineId: number,
    { after = 0, waitMs = 0 }: { readonly after?: number; readonly waitMs?: number } = {},
    signal?: AbortSignal,
  ): Promise<number> {
    const query = waitMs === 0 ? '' : `?after=${after}&waitMs=${waitMs}`;
    const found = await this.#read(
      { pipelineId, path: query, waitMs },
      signal,
      (body): LogDocument => logIn(body, { ...this.#source.log, pipelineId }),
    );
    this.#sectionSize = found.sectionSize; // may change with a deployment of the other system
    return found.head;
  }

  /** Reads up to `limit` notifications with ids above `after`, section by section. */
  async notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize: number = Infinity,
    signal?: AbortSignal,
  ): Promise<readonly StoredNotification[]> {
    const found: StoredNotification[] = [];
    while (found.length < limit) {
      const next = await this.#sectionAfter(pipelineId, after + found.length, signal);
      if (next.length === 0) break;
      for (const one of next) if (found.length < limit) found.push(one);
      const fitting = upToSize(found, maxSize);
      if (fitting.length < found.length) return fitting;
    }
    return found;
  }

  /** Reads the notifications after an id that are in its section, or the first of them; none at the end of the log. */
  async #sectionAfter(
    pipelineId: number,
    after: number,
    signal: AbortSignal | undefined,
  ): Promise<readonly StoredNotification[]> {
    if (this.#sectionSize === undefined) await this.head(pipelineId, {}, signal);
    const sectionSize = this.#sectionSize ?? 1;
    const first = after - (after % sectionSize) + 1;
    const request = { ...this.#source.log, pipelineId, sectionSize, first, after };
    const query = after < first ? '' : `?after=${after}`;
    const path = `/sections/${first},${first + sectionSize - 1}${query}`;
    const { items, isCut } = await this.#read({ pipelineId, path }, signal, (body) =>
      sectionIn(body, request),
    );
    if (isCut && items.length === 0)
      throw invalidAnswer(this.location, `a cut section without notifications`);
    return items.map((item) => withLocalCause(item, this.#source.log.system, this.#own));
  }

  async #read<T>(
    { pipelineId, path, waitMs = 0 }: Address,
    signal: AbortSignal | undefined,
    documentIn: (body: unknown) => T,
  ): Promise<T> {
    const { url, timeoutMs } = this.#source;
    signal?.throwIfAborted();
    // Not AbortSignal.timeout() and any(), which keep what belongs to a request until the time is over.
    const over = new AbortController();
    const end = () => over.abort();
    const late = () => over.abort(new DOMException('The request took too long.', 'TimeoutError'));
    const timer = setTimeout(late, Math.min(timeoutMs + waitMs, longestTimerMs));
    signal?.addEventListener('abort', end, { once: true });
    try {
      const headers = await unlessAborted(this.#headers(), over.signal);
      const response = await fetch(`${url}/${pipelineId}${path}`, {
        headers,
        redirect: 'manual',
        signal: over.signal,
      });
      const document = await this.#documentIn(response, documentIn);
      this.#reachabilityOf(pipelineId).succeeded();
      return document;
    } catch (cause) {
      signal?.throwIfAborted();
      const error = unreachable(this.location, cause);
      this.#reachabilityOf(pipelineId).failed(error);
      throw error;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
    }
  }

  async #headers(): Promise<Headers> {
    try {
      const headers = new Headers(await this.#source.headers());
      headers.set('accept', 'application/json');
      return headers;
    } catch {
      throw invalidHeaders(this.location); // without the cause, which may show a token
    }
  }

  async #documentIn<T>(response: Response, documentIn: (body: unknown) => T): Promise<T> {
    const { status } = response;
    if (status !== 200) {
      await response.body?.cancel();
      if (status === 400) this.#sectionSize = undefined; // the server may have other sections by now
      throw refusedAnswer(this.location, status);
    }
    const { maxBytes } = this.#source;
    const bytes = await bytesUpTo(response, maxBytes);
    if (bytes === undefined) throw this.#invalid(`more than ${maxBytes} bytes`);
    try {
      return documentIn(JSON.parse(utf8.decode(bytes)));
    } catch (error) {
      if (error instanceof InvalidDocument) throw this.#invalid(error.reason);
      throw this.#invalid('a text that is no JSON');
    }
  }

  #invalid(reason: string): StorageError {
    return invalidAnswer(this.location, reason);
  }
}
