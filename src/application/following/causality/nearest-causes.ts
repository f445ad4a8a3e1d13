import type { Cause } from '../../../domain/provenance.ts';
import type { Recorder } from '../../../storage/recorder.ts';

/** Number of causes in a page. */
const pageSize = 256;
/** Largest number of pages in memory. */
const maxPages = 32;
/** Largest number of causes whose nearest cause is noted after a search. */
const mostPassed = pageSize * maxPages;

/** Causes of the notifications from one id on; shorter than `pageSize` at the end of a log. */
type Page = (Cause | undefined)[];

/**
 * Finds the nearest causes that are in followed logs. Goes through the logs of intermediates: applications that are not
 * followed, but lie between followed ones. A notification that is missing in a damaged log has no causes, so that nothing
 * waits for ever: `verify()` finds the damage.
 */
export class NearestCauses {
  readonly #followed: Pick<ReadonlyMap<string, unknown>, 'has'>;
  readonly #intermediates: ReadonlyMap<string, Recorder>;
  /** Pages by log and number, the least recently used first. */
  readonly #pages = new Map<string, Page>();

  /** @param intermediates Recorders of the applications that are not followed and may be read, by name. */
  constructor(
    followed: Pick<ReadonlyMap<string, unknown>, 'has'>,
    intermediates: ReadonlyMap<string, Recorder>,
  ) {
    this.#followed = followed;
    this.#intermediates = intermediates;
  }

  /** Whether a cause is in the log of an intermediate, so that `find` has to read it. */
  isIntermediate({ applicationName }: Cause): boolean {
    return this.#intermediates.has(applicationName);
  }

  /** Forgets what was read. */
  forget(): void {
    this.#pages.clear();
  }

  /** Returns a cause if it is in a followed log, else the nearest of its own causes that is; undefined if none is. */
  async find(cause: Cause): Promise<Cause | undefined> {
    const passed: { readonly place: Cause; readonly page: Page }[] = [];
    let place: Cause | undefined = cause;
    while (place !== undefined && !this.#followed.has(place.applicationName)) {
      const recorder = this.#intermediates.get(place.applicationName);
      const page: Page = recorder === undefined ? [] : await this.#pageOf(place, recorder);
      const index = indexOf(place);
      if (index < page.length && passed.length < mostPassed) passed.push({ place, page });
      place = page[index];
    }
    // Everything on the way has the same nearest cause. The next search begins near the first page, so that stays longest.
    for (const one of passed.reverse()) {
      one.page[indexOf(one.place)] = place;
      this.#keep(one.place, one.page);
    }
    return place;
  }

  /** Returns the page of a place, from memory if it holds the place already. */
  async #pageOf(place: Cause, recorder: Recorder): Promise<Page> {
    const page = this.#pages.get(keyOf(place)) ?? [];
    const index = indexOf(place);
    if (index >= page.length) {
      const after = place.notificationId - 1 - index + page.length;
      page.push(...(await recorder.causes(place.pipelineId, after, pageSize - page.length)));
    }
    this.#keep(place, page);
    return page;
  }

  /** Keeps the page of a place in memory as the most recently used one. */
  #keep(place: Cause, page: Page): void {
    const key = keyOf(place);
    this.#pages.delete(key);
    this.#pages.set(key, page);
    const [oldest] = this.#pages.keys();
    if (this.#pages.size > maxPages && oldest !== undefined) this.#pages.delete(oldest);
  }
}

/** Key of the page of a place. */
function keyOf(place: Cause): string {
  return `${place.pipelineId} ${place.notificationId - indexOf(place)} ${place.applicationName}`;
}

/** Index of a place in its page. */
function indexOf({ notificationId }: Cause): number {
  return (notificationId - 1) % pageSize;
}
