import { deflated, inflated } from './deflation.ts';
import type { RingKey } from './encryption.ts';
import { KeyMissingError, TamperedError } from './errors.ts';
import type { KeySource } from './key-source.ts';
import { authenticatedText, type TextPlace } from './place.ts';
import { decrypted, encrypted } from './text-cipher.ts';

/**
 * Forms of texts that are not plain: `z1:<bytes>`, `e1:<id of key>:<bytes>`, `ez1:<id of key>:<bytes>`, with the bytes as
 * base64url. No JSON text begins in this way.
 */
const forms = { compressed: 'z1', encrypted: 'e1', compressedAndEncrypted: 'ez1' } as const;
const formPattern = /^(z1|e1|ez1):/;
const letterE = 0x65;
const letterZ = 0x7a;

export interface TextSealOptions {
  readonly applicationName: string;
  /** Undefined without encryption. Its ring must be loaded before a text is sealed. */
  readonly keys: KeySource | undefined;
  readonly acceptPlainText: boolean;
  /** Fewest characters of a text that is compressed; Infinity without compression. */
  readonly threshold: number;
}

/** Encrypts and compresses the texts of one application, and restores them. */
export class TextSeal {
  readonly #options: TextSealOptions;

  constructor(options: TextSealOptions) {
    this.#options = options;
  }

  /** Returns the text to record for a JSON text. Returns a promise if the text is large. */
  readonly seal = (text: string, place: TextPlace): string | Promise<string> => {
    if (text.length < this.#options.threshold) return this.sealShort(text, place);
    const bytes = Buffer.from(text);
    const compressed = deflated(bytes);
    const finish = (smaller: Buffer) => this.#sealCompressed(text, bytes, smaller, place);
    return compressed instanceof Promise ? compressed.then(finish) : finish(compressed);
  };

  /** Returns the text to record for a text that is not compressed. */
  sealShort(text: string, place: TextPlace): string {
    const key = this.#currentKey;
    return key === undefined ? text : this.#encrypt(forms.encrypted, text, place, key);
  }

  /**
   * Returns the text that was sealed, or a plain text as it is. Returns a promise if the text is large, or if its key is not
   * known yet.
   *
   * @throws {@link TamperedError} if it is not the text that was sealed at this place.
   * @throws {@link KeyMissingError} if its key is missing.
   */
  readonly open = (text: string, place: TextPlace): string | Promise<string> => {
    const { applicationName, acceptPlainText, keys } = this.#options;
    const form = formOf(text);
    if (!acceptPlainText && (form === undefined || form === forms.compressed))
      throw new TamperedError(
        applicationName,
        place,
        'it is not encrypted, and `acceptPlainText` is false',
        'If it was recorded before encryption was turned on, set the option to true. If not, restore the storage from a backup.',
      );
    if (form === undefined) return text;
    if (form === forms.compressed)
      return this.#decompress(this.#bytesIn(text, form.length + 1, place), place);
    const end = text.indexOf(':', form.length + 1);
    const keyId = text.slice(form.length + 1, Math.max(end, form.length + 1));
    const bytes = this.#bytesIn(text, end + 1, place);
    const decrypt = (key: RingKey) => this.#decrypt(form, bytes, place, key);
    const key = keys?.ring?.keys.get(keyId);
    return key === undefined ? this.#findKey(keyId, place).then(decrypt) : decrypt(key);
  };

  get #currentKey(): RingKey | undefined {
    const { keys } = this.#options;
    if (keys !== undefined && keys.ring === undefined) throw new Error('The keys are not loaded.');
    return keys?.ring?.current;
  }

  async #findKey(keyId: string, place: TextPlace): Promise<RingKey> {
    const { applicationName, keys } = this.#options;
    const ring = await keys?.loadAgain(applicationName);
    const key = ring?.keys.get(keyId);
    if (key === undefined) throw new KeyMissingError(applicationName, place, keyId, keys !== undefined);
    return key;
  }

  #sealCompressed(text: string, bytes: Buffer, smaller: Buffer, place: TextPlace): string {
    const key = this.#currentKey;
    if (key !== undefined) {
      return smaller.length < bytes.length
        ? this.#encrypt(forms.compressedAndEncrypted, smaller, place, key)
        : this.#encrypt(forms.encrypted, bytes, place, key);
    }
    const short = `${forms.compressed}:${smaller.toString('base64url')}`;
    return short.length < bytes.length ? short : text;
  }

  #encrypt(form: string, content: string | Buffer, place: TextPlace, { id, secret }: RingKey): string {
    const authenticated = authenticatedText(form, this.#options.applicationName, place);
    return `${form}:${id}:${encrypted(content, authenticated, secret).toString('base64url')}`;
  }

  #decrypt(form: string, bytes: Buffer, place: TextPlace, { id, secret }: RingKey): string | Promise<string> {
    const authenticated = authenticatedText(form, this.#options.applicationName, place);
    const content = decrypted(bytes, authenticated, secret);
    if (content === undefined) {
      const problem = `it was changed, moved, or encrypted with another key '${id}'`;
      throw new TamperedError(this.#options.applicationName, place, problem);
    }
    return form === forms.encrypted ? content.toString() : this.#decompress(content, place);
  }

  #decompress(bytes: Buffer, place: TextPlace): string | Promise<string> {
    const fail = () => {
      const problem = 'it was changed, or decompresses to more than a save may have';
      return new TamperedError(this.#options.applicationName, place, problem);
    };
    try {
      const content = inflated(bytes);
      if (!(content instanceof Promise)) return content.toString();
      return content.then(String, () => Promise.reject(fail()));
    } catch {
      throw fail();
    }
  }

  /** Decodes the bytes of a text from a start on; only one text stands for the same bytes. */
  #bytesIn(text: string, start: number, place: TextPlace): Buffer {
    const body = text.slice(start);
    const bytes = Buffer.from(body, 'base64url');
    if (bytes.toString('base64url') === body) return bytes;
    throw new TamperedError(this.#options.applicationName, place, 'it was changed');
  }
}

/** Returns whether a text is encrypted. */
export function isEncrypted(text: string): boolean {
  const form = formOf(text);
  return form !== undefined && form !== forms.compressed;
}

function formOf(text: string): string | undefined {
  const first = text.charCodeAt(0);
  if (first !== letterE && first !== letterZ) return undefined; // plain, mostly
  return formPattern.exec(text)?.[1];
}
