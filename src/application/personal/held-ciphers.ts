import { personalTag, tagKey } from '../../storage/codec/tags.ts';
import { keyIdOf, type SubjectCipher } from './subject-cipher.ts';
import { cipherOf, type SubjectKeys } from './subject-keys.ts';

const tag = `"${tagKey}":"${personalTag}"`;
/** Personal data in a text: its subject as JSON, and its sealed content. */
const sealed = new RegExp(`${tag.replace('$', '\\$')},"value":\\[("(?:[^"\\\\]|\\\\.)*"),"([^"]*)"`, 'g');

/** Ciphers by the objects whose texts they decrypt. An object holds its ciphers until it is not used any more. */
const ciphersFor = new WeakMap<object, readonly SubjectCipher[]>();

/** Makes an object with a text that was encoded here hold the ciphers for it. */
export function holdCiphers(owner: object, text: string): void {
  new HeldCiphers().add(owner, text);
}

/** The ciphers for texts, which stay in memory until the texts are decoded. */
export class HeldCiphers {
  readonly #ciphers: SubjectCipher[] = [];

  /** Whether no text has personal data, as most. */
  get isEmpty(): boolean {
    return this.#ciphers.length === 0;
  }

  /** Makes an object hold the ciphers for its texts. */
  add(owner: object, text: string, other = ''): void {
    if (!hasPersonal(text) && !hasPersonal(other)) return;
    const ciphers = ciphersFor.get(owner) ?? [...ciphersIn(text), ...ciphersIn(other)];
    ciphersFor.set(owner, ciphers);
    this.#ciphers.push(...ciphers);
  }

  /** Returns a value after reading the keys of the ciphers. */
  async after<T>(keys: SubjectKeys, value: T): Promise<T> {
    await keys.read(this.#ciphers);
    return value;
  }
}

/** Whether a text has personal data. The search for one character costs little: most texts do not have it. */
function hasPersonal(text: string): boolean {
  return text.includes('$') && text.includes(tag);
}

function ciphersIn(text: string): readonly SubjectCipher[] {
  return Array.from(text.matchAll(sealed), ([, subject = '""', content = '']) =>
    cipherOf({ subject: JSON.parse(subject) as string, keyId: keyIdOf(content) }),
  );
}
