import { Personal, type PersonalContent, personalInternals, shreddedContent } from '../../domain/personal.ts';
import type { CustomType } from '../../storage/codec/custom-type.ts';
import { NotEncodableError } from '../../storage/codec/errors.ts';
import type { PersonalType } from '../../storage/codec/personal-type.ts';
import { personalTag } from '../../storage/codec/tags.ts';
import { Transcoder } from '../../storage/codec/transcoder.ts';
import { PersonalNotSupportedError, SubjectShreddedError } from './errors.ts';
import { nestedPersonalType, nestedReason } from './nested-personal-type.ts';
import { NotSealedError, type Sealer, type SealOptions, type UnsealedPersonal } from './not-sealed-error.ts';
import { SealedContent } from './sealed-content.ts';
import { keyIdOf, type SubjectCipher } from './subject-cipher.ts';
import { cipherOf, type SubjectKeys } from './subject-keys.ts';

/** Encodes personal data that is sealed with keys of one storage. Other personal data must be sealed first. */
export class SealedPersonalType implements PersonalType, Sealer {
  readonly name: string = personalTag;
  readonly type: typeof Personal = Personal;
  readonly #keys: SubjectKeys | undefined;
  /** Encodes and decodes contents. */
  readonly #transcoder: Transcoder;
  /** What the running encoding met. */
  #unsealed: UnsealedPersonal[] = [];
  /** What the running copy has met; the encoded form is the index. */
  #copied: Personal[] | undefined;
  /** Personal data of other storages, as this one records it. */
  readonly #resealed = new WeakMap<Personal, PersonalContent>();

  /** @param keys Keys of the storage; undefined if nothing is recorded there. */
  constructor(types: readonly CustomType[], keys: SubjectKeys | undefined) {
    this.#keys = keys;
    this.#transcoder = new Transcoder(types, nestedPersonalType);
  }

  beginEncoding(): void {
    this.#unsealed = [];
  }

  /** Throws {@link NotSealedError} if the encoding met personal data that is not sealed. */
  endEncoding(): void {
    if (this.#unsealed.length > 0) throw new NotSealedError(this.#unsealed, this);
  }

  copying<T>(copy: () => T): T {
    this.#copied = [];
    try {
      return copy();
    } finally {
      this.#copied = undefined;
    }
  }

  encode(personal: Personal): readonly string[] {
    if (this.#copied !== undefined) return [`${this.#copied.push(personal) - 1}`];
    const { subject } = personal;
    const own = personalInternals.contentOf(personal);
    const content = this.#isForeign(own) ? (this.#resealed.get(personal) ?? own) : own;
    if (content instanceof SealedContent && !this.#isForeign(content)) return [subject, content.text];
    if (!content.isShredded) this.#unsealed.push({ personal, content: this.#encoded(content) });
    return [subject];
  }

  decode(encoded: unknown): Personal {
    const [subject, text, ...others]: readonly unknown[] = Array.isArray(encoded) ? encoded : [];
    const isText = text === undefined || typeof text === 'string';
    const copied = this.#copied?.[Number(subject)];
    if (copied !== undefined) return copied;
    if (typeof subject !== 'string' || !isText || others.length > 0)
      throw new TypeError('the value is malformed');
    if (text === undefined) return personalInternals.make(subject, shreddedContent);
    return personalInternals.make(subject, this.#sealed(cipherOf({ subject, keyId: keyIdOf(text) }), text));
  }

  async seal(unsealed: readonly UnsealedPersonal[], options: SealOptions): Promise<void> {
    const { applicationName, isEffect } = options;
    if (!this.#keys?.isSupported) throw new PersonalNotSupportedError(applicationName);
    const ciphers = await this.#keys.confirm([...new Set(unsealed.map(({ personal }) => personal.subject))]);
    for (const { personal, content } of unsealed) {
      const cipher = ciphers.get(personal.subject);
      if (cipher?.hasKey) this.#setContent(personal, this.#sealed(cipher, cipher.seal(content)));
      else if (isEffect) this.#setContent(personal, shreddedContent);
      else throw new SubjectShreddedError(applicationName, personal.subject);
    }
  }

  #sealed(cipher: SubjectCipher, text: string): SealedContent {
    return new SealedContent(cipher, text, this.#transcoder);
  }

  /** Replaces the content. Data of another storage keeps its content, which is shredded with the key there. */
  #setContent(personal: Personal, content: PersonalContent): void {
    if (this.#isForeign(personalInternals.contentOf(personal))) this.#resealed.set(personal, content);
    else personalInternals.setContent(personal, content);
  }

  /** Whether a content is sealed with a known key of another storage. */
  #isForeign(content: PersonalContent): boolean {
    if (!(content instanceof SealedContent) || this.#keys === undefined) return false;
    const { cipher } = content;
    return (cipher.hasKey || cipher.isDeleted) && !this.#keys.owns(cipher);
  }

  /** Encodes a content. Errors do not show the path in it, which may hold personal data. */
  #encoded(content: PersonalContent): string {
    try {
      return this.#transcoder.encode(content.read());
    } catch (error) {
      if (!(error instanceof NotEncodableError)) throw error;
      throw new TypeError(error.reason.endsWith(nestedReason) ? nestedReason : error.reason);
    }
  }
}
