import type { DeletedSubject, SubjectEntry, SubjectKeyTable } from '../subject-keys.ts';
import { placeOfSubjectKey } from './place.ts';
import type { TextSeal } from './text-seal.ts';

/** Encrypts the keys of subjects, each for its subject. */
export class SealedSubjectKeys implements SubjectKeyTable {
  readonly #inner: SubjectKeyTable;
  readonly #seal: TextSeal;

  constructor(inner: SubjectKeyTable, seal: TextSeal) {
    this.#inner = inner;
    this.#seal = seal;
  }

  async add(
    entries: readonly { readonly subject: string; readonly key: string }[],
  ): Promise<readonly SubjectEntry[]> {
    const sealed = entries.map(({ subject, key }) => ({
      subject,
      key: this.#seal.sealShort(key, placeOfSubjectKey(subject)),
    }));
    return Promise.all((await this.#inner.add(sealed)).map(this.#open));
  }

  async read(subjects: readonly string[]): Promise<readonly (SubjectEntry | undefined)[]> {
    const entries = await this.#inner.read(subjects);
    return Promise.all(entries.map((entry) => entry && this.#open(entry)));
  }

  delete(subject: string, timestamp: number): Promise<boolean> {
    return this.#inner.delete(subject, timestamp);
  }

  deleted(after: number, limit: number): Promise<readonly DeletedSubject[]> {
    return this.#inner.deleted(after, limit);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  readonly #open = async ({ subject, key }: SubjectEntry): Promise<SubjectEntry> => {
    return { subject, key: key && (await this.#seal.open(key, placeOfSubjectKey(subject))) };
  };
}
