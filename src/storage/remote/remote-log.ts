import { clearTimeout, setTimeout } from 'node:timers';
import { unlessAborted } from '../../util/abort.ts';
import { longestTimerMs } from '../../util/time.ts';
import { StorageError } from '../errors.ts';
import { upToSize } from '../sizes.ts';
import type { StoredNotification } from '../stored-event.ts';
import { bytesUpTo } from './bounded-body.ts';
import { InvalidDocument, logIn, type SectionRequest, sectionIn } from './documents.ts';
import {
  invalidAnswer,
  invalidHeaders,
  type RemoteLocation,
  refusedAnswer,
  remoteLocation,
  unreachable,
} from './errors.ts';
import { type OwnNames, type SystemLog, withLocalCause } from './log-names.ts';
import { notePartialRead } from './partial-reads.ts';
import { Reachability } from './reachability.ts';
import { type AnsweredSection, type SectionSource, SectionsAhead } from './sections-ahead.ts';

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

/** What happens while a page is read. */
export interface PageReading {
  /** Ends all requests; its reason is thrown. */
  readonly signal?: AbortSignal;
  /** Called for each answer of the server. */
  answered?(): void;
}

/** Notifications that were read after an id. */
interface KeptNotifications {
  readonly after: number;
  readonly notifications: readonly StoredNotification[];
}

/** Reads the log of an application of another system, and checks all that its server answers. */
export class RemoteLog {
  readonly location: RemoteLocation;
  readonly #source: RemoteSource;
  readonly #own: OwnNames;
  readonly #reachability = new Map<number, Reachability>();
  /** Ends of the log in its pipelines, as they were answered last. */
  readonly #heads = new Map<number, number>();
  /** What was read before the last failure in the middle of a page, by pipeline. */
  readonly #kept = new Map<number, KeptNotifications>();
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
    await this.#reachabilityOf(pipelineId).assertReachable(() => this.unanswered(), signal);
    signal.throwIfAborted();
  }

  /** Reads where the log ends. Rejects if the server does not answer soon, and counts it as away until it does. */
  async headSoon(pipelineId: number, signal: AbortSignal): Promise<number> {
    const head = this.head(pipelineId, {}, signal);
    return this.#reachabilityOf(pipelineId).soon(head, () => this.unanswered(), signal);
  }

  /** Creates the error for a server that has not answered yet. */
  unanswered(): StorageError {
    return unreachable(this.location, undefined);
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
    const body = await this.#read({ pipelineId, path: query, waitMs }, signal);
    const found = this.#documentIn(body as Buffer, (document) =>
      logIn(document, { ...this.#source.log, pipelineId }),
    );
    this.#sectionSize = found.sectionSize; // may change with a deployment of the other system
    this.#heads.set(pipelineId, found.head);
    return found.head;
  }

  /**
   * Reads up to `limit` notifications with ids above `after`, section by section. If a request fails after others, those
   * that were read before are kept for {@link takeKept}, and the failure names the last one: see {@link lastReadBefore}.
   */
  async notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize: number = Infinity,
    { signal, answered }: PageReading = {},
  ): Promise<readonly StoredNotification[]> {
    const found: StoredNotification[] = [];
    using sections = new SectionsAhead(this.#sectionsOf(pipelineId), after + limit, signal);
    try {
      while (found.length < limit) {
        if (this.#sectionSize === undefined) await this.head(pipelineId, {}, signal);
        const next = await sections.after(after + found.length);
        answered?.();
        if (next.length === 0) break;
        for (const one of next) if (found.length < limit) found.push(one);
        const fitting = upToSize(found, maxSize);
        if (fitting.length < found.length) return fitting;
      }
      return found;
    } catch (error) {
      if (found.length > 0 && error instanceof StorageError && !signal?.aborted) {
        this.#kept.set(pipelineId, { after, notifications: found });
        notePartialRead(error, after + found.length);
      }
      throw error;
    }
  }

  /** Returns the notifications that were read before a failure, once, if they are what is to be read. */
  takeKept(pipelineId: number, after: number, limit: number): readonly StoredNotification[] | undefined {
    const kept = this.#kept.get(pipelineId);
    if (kept?.after !== after || kept.notifications.length !== limit) return undefined;
    this.#kept.delete(pipelineId);
    return kept.notifications;
  }

  #sectionsOf(pipelineId: number): SectionSource {
    const sectionSize = () => this.#sectionSize ?? 1;
    const head = () => this.#heads.get(pipelineId) ?? 0;
    return {
      get sectionSize() {
        return sectionSize();
      },
      get head() {
        return head();
      },
      section: (after, signal, maxBytes) =>
        this.#section(
          { ...this.#source.log, pipelineId, after, ...sectionOf(after, sectionSize()) },
          signal,
          maxBytes,
        ),
    };
  }

  async #section(
    request: SectionRequest,
    signal: AbortSignal,
    maxBytes: number | undefined,
  ): Promise<AnsweredSection | undefined> {
    const { pipelineId, first, after, sectionSize } = request;
    const query = after < first ? '' : `?after=${after}`;
    const path = `/sections/${first},${first + sectionSize - 1}${query}`;
    const body = await this.#read({ pipelineId, path }, signal, maxBytes);
    if (body === undefined) return undefined;
    const { items, isCut } = this.#documentIn(body, (document) => sectionIn(document, request));
    if (isCut && items.length === 0)
      throw invalidAnswer(this.location, `a cut section without notifications`);
    const named = items.map((item) => withLocalCause(item, this.#source.log.system, this.#own));
    return { items: named, bytes: body.byteLength };
  }

  /** Reads the body of an answer; undefined if it is larger than `maxBytes`, which is less than the size of all answers. */
  async #read(
    { pipelineId, path, waitMs = 0 }: Address,
    signal: AbortSignal | undefined,
    maxBytes?: number,
  ): Promise<Buffer | undefined> {
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
      const body = await this.#bodyOf(response, maxBytes);
      this.#reachabilityOf(pipelineId).succeeded();
      return body;
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

  async #bodyOf(response: Response, mostBytes: number | undefined): Promise<Buffer | undefined> {
    const { status } = response;
    if (status !== 200) {
      await response.body?.cancel();
      if (status === 400) this.#sectionSize = undefined; // the server may have other sections by now
      throw refusedAnswer(this.location, status);
    }
    const { maxBytes } = this.#source;
    const isOwnLimit = mostBytes !== undefined && mostBytes < maxBytes;
    const body = await bytesUpTo(response, isOwnLimit ? mostBytes : maxBytes);
    if (body === undefined && !isOwnLimit) throw this.#invalid(`more than ${maxBytes} bytes`);
    return body;
  }

  #documentIn<T>(body: Buffer, documentIn: (document: unknown) => T): T {
    try {
      return documentIn(JSON.parse(utf8.decode(body)));
    } catch (error) {
      if (error instanceof InvalidDocument) throw this.#invalid(error.reason);
      throw this.#invalid('a text that is no JSON');
    }
  }

  #invalid(reason: string): StorageError {
    return invalidAnswer(this.location, reason);
  }
}

/** Returns the section that the notification after an id is in. */
function sectionOf(after: number, sectionSize: number): Pick<SectionRequest, 'first' | 'sectionSize'> {
  return { first: after - (after % sectionSize) + 1, sectionSize };
}
