import type { KahnError } from '../../../util/errors.ts';
import { backOff } from '../../../util/retry.ts';
import { StorageError } from '../../errors.ts';
import { explained, type Site, siteError } from '../errors.ts';

const backoff = { firstMs: 20, maxMs: 1_000 };

/** Tries again what fails for the moment, for a limited time. */
export class Retry {
  readonly #timeoutMs: number;
  readonly #closing: AbortSignal;

  /** `closing` ends all waiting. */
  constructor(timeoutMs: number, closing: AbortSignal) {
    this.#timeoutMs = timeoutMs;
    this.#closing = closing;
  }

  /** Throws what the last try threw, explained. The time counts from the first failure, however long that took. */
  async run<T>(
    site: Site,
    work: () => Promise<T>,
    isTransient: (error: KahnError) => boolean = isTransientStorageError,
  ): Promise<T> {
    let deadline: number | undefined;
    for (let tries = 1; ; tries += 1) {
      try {
        return await work();
      } catch (error) {
        const known = explained(error, site);
        deadline ??= performance.now() + this.#timeoutMs;
        if (!isTransient(known) || performance.now() >= deadline) throw known;
      }
      await this.#wait(site, tries);
    }
  }

  async #wait(site: Site, tries: number): Promise<void> {
    try {
      await backOff(tries, backoff, this.#closing);
    } catch {
      throw siteError('STORAGE_CLOSED', site, 'it was closed before the server could be reached again.');
    }
  }
}

function isTransientStorageError(error: KahnError): boolean {
  return error instanceof StorageError && error.transient;
}
