import { ForwardingStorage } from '../layers/forwarding-storage.ts';
import type { Recorder } from '../recorder.ts';
import type { OpenedStorage, RecorderOptions, StorageLayer } from '../storage.ts';
import type { SubjectKeyTable } from '../subject-keys.ts';
import type { CompressionOptions, EncryptionOptions } from './encryption.ts';
import { compressionOptions } from './encryption.ts';
import { KeySource } from './key-source.ts';
import { OpeningRecorder } from './opening-recorder.ts';
import { SealedRecorder } from './sealed-recorder.ts';
import { SealedSubjectKeys } from './sealed-subject-keys.ts';
import { TextSeal } from './text-seal.ts';

/** What a storage does to texts. Without an option, events are passed as they are. */
export interface SealingOptions {
  readonly encryption?: EncryptionOptions | undefined;
  readonly compression?: CompressionOptions | undefined;
}

/**
 * Returns the layer that compresses and encrypts all texts of a storage, and restores them. Without an option, it refuses
 * encrypted texts that others have recorded, so that none is taken for a plain one.
 */
export function sealing(options: SealingOptions): StorageLayer {
  return (storage) => new SealedStorage(storage, options);
}

class SealedStorage extends ForwardingStorage {
  readonly #options: SealingOptions;
  readonly #keys: KeySource | undefined;

  constructor(inner: OpenedStorage, options: SealingOptions) {
    super(inner);
    this.#options = options;
    this.#keys = options.encryption && new KeySource(options.encryption);
  }

  override async openRecorder(options: RecorderOptions): Promise<Recorder> {
    const seal = await this.#sealOf(options.applicationName);
    const recorder = await this.inner.openRecorder(options);
    return this.#sealsTexts ? new SealedRecorder(recorder, seal) : new OpeningRecorder(recorder, seal);
  }

  protected override async subjectKeysOf(open: () => Promise<SubjectKeyTable>): Promise<SubjectKeyTable> {
    const seal = await this.#sealOf('');
    return new SealedSubjectKeys(await open(), seal);
  }

  get #sealsTexts(): boolean {
    return this.#options.encryption !== undefined || this.#options.compression !== undefined;
  }

  /** Loads the keys first, so that calls that record need not wait for them. */
  async #sealOf(applicationName: string): Promise<TextSeal> {
    await this.#keys?.load(applicationName);
    const { encryption, compression } = this.#options;
    return new TextSeal({
      applicationName,
      keys: this.#keys,
      acceptPlainText: encryption?.acceptPlainText ?? true,
      threshold:
        compression === undefined
          ? Infinity
          : (compression.threshold ?? compressionOptions.threshold.default),
    });
  }
}
