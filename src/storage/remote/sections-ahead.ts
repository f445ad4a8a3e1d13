import type { StoredNotification } from '../stored-event.ts';

/** Most sections of a log that are asked for at once. */
const mostAtOnce = 4;
/** Sections that are asked for at once before the size of one is known. */
const firstAtOnce = 2;
/** Largest section that is asked for ahead, in bytes. */
const largestAhead = 1_000_000;

/** A section as it was answered. */
export interface AnsweredSection {
  readonly items: readonly StoredNotification[];
  /** Size of the answer. */
  readonly bytes: number;
}

/** A log that is read section by section. */
export interface SectionSource {
  /** Number of notifications in a section. */
  readonly sectionSize: number;
  /** End of the log, as far as it is known. */
  readonly head: number;
  /**
   * Reads the notifications after an id that are in its section, or those up to its size.
   *
   * @param maxBytes Size from which on the answer is given up: the result is undefined. Default: that of all answers.
   */
  section(after: number, signal: AbortSignal, maxBytes?: number): Promise<AnsweredSection | undefined>;
}

/** A request for a section. */
interface AskedSection {
  /** Id after which it is read. */
  readonly after: number;
  readonly answer: Promise<AnsweredSection | undefined>;
}

/**
 * Reads the sections of a page in order, and asks for the next ones meanwhile. Only full sections are asked for ahead, and
 * only small ones, so that few bytes are in memory before their turn.
 */
export class SectionsAhead implements Disposable {
  readonly #source: SectionSource;
  /** Last notification of the page. */
  readonly #last: number;
  readonly #signal: AbortSignal | undefined;
  readonly #over = new AbortController();
  readonly #end = (): void => this.#over.abort(this.#signal?.reason);
  /** Sections whose turn has not come, in order. */
  readonly #asked: AskedSection[] = [];
  /** Size of the last section, in bytes. */
  #bytes: number | undefined;

  /** @param signal Ends all requests; its reason is thrown. */
  constructor(source: SectionSource, last: number, signal: AbortSignal | undefined) {
    this.#source = source;
    this.#last = last;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#end, { once: true });
  }

  /** Ends all requests. */
  [Symbol.dispose](): void {
    this.#signal?.removeEventListener('abort', this.#end);
    this.#over.abort();
  }

  /** Reads the notifications after an id that are in its section, or the first of them; none at the end of the log. */
  async after(after: number): Promise<readonly StoredNotification[]> {
    while (this.#asked[0] !== undefined && this.#asked[0].after < after) this.#asked.shift();
    const isAsked = this.#asked[0]?.after === after;
    const { answer } = (isAsked && this.#asked.shift()) || this.#ask(after);
    this.#askAhead(after);
    const section = (await answer) ?? (await this.#ask(after).answer);
    this.#bytes = section?.bytes;
    return section?.items ?? [];
  }

  #askAhead(after: number): void {
    const { sectionSize, head } = this.#source;
    let next = this.#asked.at(-1)?.after ?? after;
    while (this.#asked.length < this.#atOnce - 1) {
      next += sectionSize - (next % sectionSize);
      if (next >= this.#last || next + sectionSize > head) return;
      this.#asked.push(this.#ask(next, largestAhead));
    }
  }

  get #atOnce(): number {
    if (this.#bytes === undefined) return firstAtOnce;
    return this.#bytes > largestAhead ? 1 : mostAtOnce;
  }

  #ask(after: number, maxBytes?: number): AskedSection {
    const answer = this.#source.section(after, this.#over.signal, maxBytes);
    answer.catch(() => {}); // a page may end before its turn
    return { after, answer };
  }
}
