import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

const algorithm = 'aes-256-gcm';
const keyLength = 32;
/** Bytes of a sealed content before its encrypted text: id of the key, nonce and tag. */
const idLength = 9;
const nonceLength = 12;
const tagLength = 16;
const headLength = idLength + nonceLength + tagLength;
/** Characters of base64 of the id of a key, with which each sealed content begins. */
const idCharacters = 12;
/** Contents are filled up to a multiple of this length, so that their length tells little about them. */
const blockLength = 32;

/** Makes a random key for a subject, as text. */
export function newKeyText(): string {
  return randomBytes(keyLength).toString('base64');
}

/** Returns the id of the key with which a content was sealed. */
export function keyIdOf(sealed: string): string {
  return sealed.slice(0, idCharacters);
}

/** Returns the id of a key. It tells nothing about the key. */
export function idOfKey(keyText: string): string {
  return derived(Buffer.from(keyText, 'base64'), 'id').toString('base64', 0, idLength);
}

/** What one key of a subject encrypts and decrypts. Everything that is sealed with the key shares this object. */
export class SubjectCipher {
  readonly subject: string;
  readonly id: string;
  /** Undefined if it is not known, or deleted. */
  #key: Buffer | undefined;
  #encryption: KeyObject | undefined;
  #nonces: KeyObject | undefined;
  #isDeleted = false;

  constructor(subject: string, id: string) {
    this.subject = subject;
    this.id = id;
  }

  /** The key as the table holds it; undefined if it is not known, or deleted. */
  get text(): string | undefined {
    return this.#key?.toString('base64');
  }

  /** Whether the key is known, so that it can encrypt and decrypt. */
  get hasKey(): boolean {
    return this.#key !== undefined;
  }

  get isDeleted(): boolean {
    return this.#isDeleted;
  }

  /** Sets the key, unless it is known or was deleted. */
  learn(text: string): void {
    if (this.hasKey || this.#isDeleted) return;
    this.#key = Buffer.from(text, 'base64');
    this.#encryption = derivedKey(this.#key, 'encryption');
    this.#nonces = derivedKey(this.#key, 'nonces');
  }

  /** Forgets the key. */
  delete(): void {
    this.#isDeleted = true;
    this.#key?.fill(0);
    this.#key = undefined;
    this.#encryption = undefined;
    this.#nonces = undefined;
  }

  /**
   * Encrypts a content. Equal contents of a subject are equal when they are sealed, so that a repeated command and a
   * repeated policy record the same text.
   */
  seal(content: string): string {
    if (this.#encryption === undefined || this.#nonces === undefined)
      throw new Error('The key is not known.');
    const bytes = Buffer.from(content);
    const filled = Buffer.alloc(Math.ceil(bytes.length / blockLength) * blockLength, ' ');
    bytes.copy(filled);
    const nonce = createHmac('sha256', this.#nonces).update(filled).digest().subarray(0, nonceLength);
    const cipher = createCipheriv(algorithm, this.#encryption, nonce).setAAD(Buffer.from(this.subject));
    const encrypted = Buffer.concat([cipher.update(filled), cipher.final()]);
    const id = Buffer.from(this.id, 'base64');
    return Buffer.concat([id, nonce, cipher.getAuthTag(), encrypted]).toString('base64');
  }

  /** Decrypts a content; undefined if it was not sealed with this key for this subject. */
  open(sealed: string): string | undefined {
    if (this.#encryption === undefined) throw new Error('The key is not known.');
    const bytes = Buffer.from(sealed, 'base64');
    if (bytes.length <= headLength || bytes.toString('base64') !== sealed) return undefined;
    const nonce = bytes.subarray(idLength, idLength + nonceLength);
    const decipher = createDecipheriv(algorithm, this.#encryption, nonce, { authTagLength: tagLength })
      .setAAD(Buffer.from(this.subject))
      .setAuthTag(bytes.subarray(idLength + nonceLength, headLength));
    try {
      return decipher.update(bytes.subarray(headLength), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }
}

/** Derives a key for one purpose. */
function derived(key: Buffer, purpose: string): Buffer {
  return createHmac('sha256', key).update(`kahn personal data: ${purpose}`).digest();
}

/** Derives a key for many uses: a cipher takes a key object five times faster than bytes. */
function derivedKey(key: Buffer, purpose: string): KeyObject {
  const bytes = derived(key, purpose);
  try {
    return createSecretKey(bytes); // copies them
  } finally {
    bytes.fill(0);
  }
}
