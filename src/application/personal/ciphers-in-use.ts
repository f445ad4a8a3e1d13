import type { SubjectCipher } from './subject-cipher.ts';

/** Finds the ciphers that are in use by their names, and holds none of them. */
export class CiphersInUse {
  readonly #ciphers = new Map<string, WeakRef<SubjectCipher>>();
  readonly #collected = new FinalizationRegistry<string>((name) => {
    if (this.get(name) === undefined) this.#ciphers.delete(name);
  });

  /** Whether no cipher is in use. */
  get isEmpty(): boolean {
    return this.#ciphers.size === 0;
  }

  get(name: string): SubjectCipher | undefined {
    return this.#ciphers.get(name)?.deref();
  }

  set(name: string, cipher: SubjectCipher): void {
    if (this.get(name) === cipher) return;
    this.#ciphers.set(name, new WeakRef(cipher));
    this.#collected.register(cipher, name);
  }
}
