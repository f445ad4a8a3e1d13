import { retry } from '../../../util/retry.ts';
import { StorageError, type StorageErrorCode } from '../../errors.ts';
import type { Activity } from '../../sql/driver-error.ts';
import { type StorageLocation, storageError } from '../../storage-location.ts';
import { explained } from '../errors.ts';

const backoff = { firstMs: 20, maxMs: 1_000 };

/** Codes of failures that usually pass within seconds. */
const shortCodes: readonly StorageErrorCode[] = ['STORAGE_BUSY', 'STORAGE_UNREACHABLE'];

/** Retries failures that usually pass within seconds, of the server and its connections, for a limited time. */
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
    activity: Activity | (() => Activity),
    work: () => Promise<T>,
  ): Promise<T> {
    const explain = (error: unknown) => {
      throw explained(error, tables, typeof activity === 'function' ? activity() : activity);
    };
    // While opening, an unreachable server is not retried: usually, its address is wrong.
    const codes = activity === 'opening' ? ['STORAGE_BUSY'] : shortCodes;
    const options = {
      backoff,
      isTransient: (error: unknown) => error instanceof StorageError && codes.includes(error.code),
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
