import { retry } from '../../../util/retry.ts';
import { isTransient } from '../../errors.ts';
import { type StorageLocation, storageError } from '../../storage-location.ts';
import { explained } from '../errors.ts';

const backoff = { firstMs: 20, maxMs: 1_000 };

/** Retries transient failures of the server and its connections for a limited time. */
export class ServerRetry {
  readonly #timeoutMs: number;
  readonly #closing: AbortSignal;

  /**
   * @param timeoutMs Time from the first failure of a call after which it is not retried, in ms.
   * @param closing Signal that ends all waits.
   */
  constructor(timeoutMs: number, closing: AbortSignal) {
    this.#timeoutMs = timeoutMs;
    this.#closing = closing;
  }

  /**
   * Does the work until it succeeds.
   *
   * @throws {@link StorageError} for the last failure, or STORAGE_CLOSED if the storage is closed while the call waits.
   */
  async run<T>(
    tables: StorageLocation,
    work: () => Promise<T>,
    isRetried: (error: unknown) => boolean = isTransient,
  ): Promise<T> {
    const explain = (error: unknown) => {
      throw explained(error, tables);
    };
    const options = {
      backoff,
      isTransient: isRetried,
      timeoutMs: this.#timeoutMs,
      signal: this.#closing,
    };
    try {
      return await retry(() => work().catch(explain), options);
    } catch (error) {
      if (error !== this.#closing.reason) throw error;
      throw storageError('STORAGE_CLOSED', tables, 'the storage was closed while this call was retried.');
    }
  }
}
