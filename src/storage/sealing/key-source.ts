import { performance } from 'node:perf_hooks';
import { inRootContext } from '../../util/environment/root-context.ts';
import { isInstance, messageOf } from '../../util/errors.ts';
import {
  type CheckedKeyRing,
  checkedKeyRing,
  type EncryptionOptions,
  InvalidKeyRingError,
} from './encryption.ts';
import { keysUnavailable } from './errors.ts';

/** Shortest time between two questions for keys that are not known, in ms. */
const askAgainMs = 1_000;

/** The keys of the encryption, as the option `keys` returned them last. */
export class KeySource {
  readonly #ask: EncryptionOptions['keys'];
  readonly #acceptsPlainText: boolean;
  #ring: CheckedKeyRing | undefined;
  #asking: Promise<CheckedKeyRing> | undefined;
  /** Outcome of the last question for a key that was not known, and its time by `performance.now()`. */
  #asked: { readonly at: number; readonly outcome: Promise<CheckedKeyRing> } | undefined;

  constructor({ keys, acceptPlainText = true }: EncryptionOptions) {
    this.#ask = keys;
    this.#acceptsPlainText = acceptPlainText;
  }

  /** The keys; undefined until {@link load} has resolved. */
  get ring(): CheckedKeyRing | undefined {
    return this.#ring;
  }

  /**
   * Asks for the keys, unless they are known.
   *
   * @throws {@link StorageError} STORAGE_UNREACHABLE if the option `keys` throws.
   * @throws {@link InvalidKeyRingError} if it returns no key ring.
   */
  async load(applicationName: string): Promise<CheckedKeyRing> {
    return this.#ring ?? (await explained(this.#newRing(), applicationName));
  }

  /** Asks for the keys because a key is missing, at most once a second: else resolves as the last time. */
  async loadAgain(applicationName: string): Promise<CheckedKeyRing> {
    const now = performance.now();
    if (this.#asked === undefined || now - this.#asked.at >= askAgainMs)
      this.#asked = { at: now, outcome: this.#newRing() };
    return await explained(this.#asked.outcome, applicationName);
  }

  #newRing(): Promise<CheckedKeyRing> {
    this.#asking ??= inRootContext(this.#askForRing).finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  readonly #askForRing = async (): Promise<CheckedKeyRing> => {
    const ring = checkedKeyRing(await this.#ask());
    if (ring.current === undefined && !this.#acceptsPlainText)
      throw new InvalidKeyRingError(
        "'current' is null, so that plain text is recorded, but `acceptPlainText` is false, so that it would not be read",
      );
    this.#ring = ring;
    return ring;
  };
}

/** Says which application needs the keys. */
async function explained(asking: Promise<CheckedKeyRing>, applicationName: string): Promise<CheckedKeyRing> {
  try {
    return await asking;
  } catch (thrown) {
    if (isInstance(thrown, InvalidKeyRingError)) throw thrown;
    throw keysUnavailable(applicationName, messageOf(thrown), thrown);
  }
}
