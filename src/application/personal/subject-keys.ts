import type { DeletedSubject, SubjectEntry, SubjectKeyTable } from '../../storage/subject-keys.ts';
import { Mutex } from '../../util/mutex.ts';
import { memoryBounds } from '../memory-bounds.ts';
import { CiphersInUse } from './ciphers-in-use.ts';
import { JoinedCalls } from './joined-calls.ts';
import { lastDeleted } from './last-deleted.ts';
import { idOfKey, newKeyText, SubjectCipher } from './subject-cipher.ts';

/** A subject, and the id of the key with which some of its data is sealed. */
export interface KeyReference {
  readonly subject: string;
  readonly keyId: string;
}

/** Number of deleted subjects that are read at once. */
const pageSize = 100;

/** All ciphers of this thread: open storages that are one and the same share them. */
const inUse = new CiphersInUse();

/** The keys of all open storages of this thread that have been used. */
const open = new Set<SubjectKeys>();

/**
 * The keys of subjects in one open storage. Keys that are in use or were used recently stay in memory until their subjects
 * are shredded, which each {@link refresh} finds out.
 */
export class SubjectKeys {
  readonly #openTable: (() => Promise<SubjectKeyTable>) | undefined;
  #table: Promise<SubjectKeyTable> | undefined;
  /** Ciphers with the keys of this storage, by subjects. */
  readonly #bySubject = new CiphersInUse();
  /** Ciphers that were used recently, in two generations. */
  #recent: readonly [recent: Set<SubjectCipher>, older: Set<SubjectCipher>] = [new Set(), new Set()];
  /** Keys and deletions are read in turns: a key that is deleted meanwhile is found by the next turn. */
  readonly #turns = new Mutex();
  readonly #reads = new JoinedCalls(this.#turns, (ciphers: readonly SubjectCipher[]) => this.#read(ciphers));
  readonly #confirmations = new JoinedCalls(this.#turns, (subjects: readonly string[]) =>
    this.#confirm(subjects),
  );
  readonly #refreshes = new JoinedCalls<never, void>(this.#turns, () => this.#readDeletions());
  /** The last deletion that is known here. */
  #last: DeletedSubject | undefined;
  #hasBegun = false;

  /** @param openTable Opens the table of keys; undefined if the storage has none. */
  constructor(openTable: (() => Promise<SubjectKeyTable>) | undefined) {
    this.#openTable = openTable;
  }

  /** Makes the objects of all storages in this thread note what was deleted. Failures are left to later reads. */
  static async refreshAll(): Promise<void> {
    await Promise.allSettled([...open].map((keys) => keys.refresh()));
  }

  /** Whether the storage has a table of keys. */
  get isSupported(): boolean {
    return this.#openTable !== undefined;
  }

  /** Whether a cipher is known to have the key that this storage has for its subject, or had before it was deleted. */
  owns(cipher: SubjectCipher): boolean {
    return this.#bySubject.get(cipher.subject) === cipher;
  }

  /** Whether keys of this storage are in memory. */
  get areInUse(): boolean {
    return !this.#bySubject.isEmpty;
  }

  /** Reads the keys of ciphers, unless they are known. */
  async read(ciphers: readonly SubjectCipher[]): Promise<void> {
    const unknown = ciphers.filter((cipher) => !this.owns(cipher));
    if (unknown.length > 0) await this.#reads.join(unknown);
    for (const cipher of ciphers) this.#keep(cipher);
  }

  /**
   * Returns the ciphers of subjects, with their keys as the table has them now, and adds keys that it lacks; undefined for a
   * subject that is shredded.
   */
  async confirm(subjects: readonly string[]): Promise<ReadonlyMap<string, SubjectCipher | undefined>> {
    return await this.#confirmations.join(subjects);
  }

  /** Notes all deletions up to now, if keys are in use. */
  async refresh(): Promise<void> {
    if (this.areInUse) await this.#refreshes.join();
  }

  async close(): Promise<void> {
    open.delete(this);
    const table = await this.#table;
    await table?.close();
  }

  async #begin(): Promise<SubjectKeyTable> {
    this.#table ??= this.#opened();
    try {
      const table = await this.#table;
      // Before the first key is read: what is deleted later has a higher number.
      if (!this.#hasBegun) this.#last = await lastDeleted(table);
      this.#hasBegun = true;
      return table;
    } catch (error) {
      if (!this.#hasBegun) this.#table = undefined;
      throw error;
    }
  }

  async #opened(): Promise<SubjectKeyTable> {
    if (this.#openTable === undefined) throw new Error('The storage has no keys of subjects.');
    open.add(this);
    return this.#openTable();
  }

  async #confirm(subjects: readonly string[]): Promise<ReadonlyMap<string, SubjectCipher | undefined>> {
    const table = await this.#begin();
    const known = subjects.flatMap((subject) => this.#bySubject.get(subject) ?? []).filter(hasKey);
    const isKnown = new Set(known.map(({ subject }) => subject));
    const others = subjects.filter((subject) => !isKnown.has(subject));
    const [found, added] = await Promise.all([
      known.length > 0 ? table.read(known.map(({ subject }) => subject)) : [],
      others.length > 0 ? table.add(others.map((subject) => ({ subject, key: newKeyText() }))) : [],
    ]);
    // The storage may have been restored from an older copy.
    const lost = known.filter((_, i) => found[i] === undefined);
    const restored = lost.length > 0 ? await table.add(lost.map(entryOf)) : [];
    const entries = [...found, ...added, ...restored].filter((entry) => entry !== undefined);
    return new Map(entries.map((entry) => [entry.subject, this.#note(entry)]));
  }

  async #read(ciphers: readonly SubjectCipher[]): Promise<void> {
    const table = await this.#begin();
    const subjects = [...new Set(ciphers.map(({ subject }) => subject))];
    const entries = await table.read(subjects);
    const bySubject = new Map(subjects.map((subject, i) => [subject, entries[i]]));
    for (const cipher of ciphers) {
      const entry = bySubject.get(cipher.subject);
      if (entry === undefined) continue;
      if (entry.key === undefined) cipher.delete();
      else if (idOfKey(entry.key) === cipher.id) cipher.learn(entry.key);
      else continue;
      this.#bySubject.set(cipher.subject, cipher);
    }
  }

  /** Returns the key of an entry; undefined if it was deleted. */
  #note({ subject, key: text }: SubjectEntry): SubjectCipher | undefined {
    const known = this.#bySubject.get(subject);
    if (text === undefined) {
      known?.delete();
      return undefined;
    }
    // Computing the id takes longer than to encrypt.
    const cipher = known?.text === text ? known : cipherOf({ subject, keyId: idOfKey(text) });
    cipher.learn(text);
    this.#bySubject.set(subject, cipher);
    this.#keep(cipher);
    return cipher.isDeleted ? undefined : cipher;
  }

  async #readDeletions(): Promise<void> {
    const table = await this.#begin();
    for (;;) {
      // The last known deletion is read again, because the storage may have been restored from an older copy.
      const known = this.#last;
      const page = await table.deleted(known === undefined ? 0 : known.number - 1, pageSize);
      const isContinued = known === undefined || isSame(page[0], known);
      for (const { subject } of page) this.#bySubject.get(subject)?.delete();
      this.#last = isContinued ? (page.at(-1) ?? known) : undefined;
      if (isContinued && page.length < pageSize) return;
    }
  }

  #keep(cipher: SubjectCipher): void {
    const [recent] = this.#recent;
    recent.add(cipher);
    if (recent.size >= memoryBounds.subjectKeys / 2) this.#recent = [new Set(), recent];
  }
}

/** Returns the cipher of a key, which all storages of this thread share. */
export function cipherOf({ subject, keyId }: KeyReference): SubjectCipher {
  const name = `${keyId} ${subject}`;
  const known = inUse.get(name);
  if (known !== undefined) return known;
  const cipher = new SubjectCipher(subject, keyId);
  inUse.set(name, cipher);
  return cipher;
}

function hasKey(cipher: SubjectCipher): boolean {
  return cipher.hasKey;
}

function entryOf({ subject, text = newKeyText() }: SubjectCipher): { subject: string; key: string } {
  return { subject, key: text };
}

function isSame(one: DeletedSubject | undefined, other: DeletedSubject): boolean {
  return one?.number === other.number && one.subject === other.subject;
}
