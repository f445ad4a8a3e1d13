import { types } from 'node:util';
import { compareNames } from '../name-order.ts';
import type { StorageOptions } from '../storage.ts';
import { notInThisThread, notSetUp, notShared, rowsAcrossThreads } from './errors.ts';
import { MemoryRows } from './rows/memory-rows.ts';
import { SharableMemory } from './shared/sharable-memory.ts';
import { SubjectJournal } from './shared/subject-journal.ts';

/** The shared journal of each application, by its name. */
export type Journals = StorageOptions;

/** The data of one `memory()` in this thread, by application. */
export class SystemMemory {
  readonly #applications = new Map<string, SharableMemory>();
  #subjects: SubjectJournal | undefined;
  /** Rows of the applications, in this thread only. */
  readonly rows: MemoryRows = new MemoryRows();
  /** Whether this thread created the memory and may add applications. */
  readonly isHome: boolean;

  constructor(isHome: boolean) {
    this.isHome = isHome;
  }

  /**
   * Returns the memory of an application. The first call creates or joins it.
   *
   * @throws {@link StorageError} if this thread can do neither.
   */
  open(applicationName: string, setupTables: boolean, journals: Journals): SharableMemory {
    const known = this.#applications.get(applicationName);
    if (known !== undefined) return known;
    const opened = this.#joinOrCreate(applicationName, setupTables, journals);
    this.#applications.set(applicationName, opened);
    return opened;
  }

  /**
   * Returns the keys of subjects. The first call creates them, or joins those that another thread shares.
   *
   * @throws {@link StorageError} if this thread can do neither.
   */
  subjects(shared?: SharedArrayBuffer): SubjectJournal {
    if (this.#subjects === undefined && shared !== undefined) this.#subjects = new SubjectJournal(shared);
    if (this.#subjects === undefined && !this.isHome) throw notInThisThread('');
    this.#subjects ??= SubjectJournal.create();
    return this.#subjects;
  }

  /** Names of the applications that are open in this thread or shared with it, in the order of their UTF-8 bytes. */
  applicationNames(journals: Journals): readonly string[] {
    return [...new Set([...this.#applications.keys(), ...Object.keys(journals)])].sort(compareNames);
  }

  /**
   * Shares every application and returns the journals by which other threads join.
   *
   * @throws {@link InvalidStorageError} if an open application records rows.
   */
  share(): Journals {
    const { users } = this.rows;
    if (users.length > 0) throw rowsAcrossThreads(users);
    return Object.fromEntries([...this.#applications].map(([name, memory]) => [name, memory.share()]));
  }

  /** Releases locks that a thread held when it ended. */
  threadEnded(threadId: number): void {
    this.#subjects?.threadEnded(threadId);
    for (const memory of this.#applications.values()) memory.threadEnded(threadId);
  }

  #joinOrCreate(applicationName: string, setupTables: boolean, journals: Journals): SharableMemory {
    const journal = journals[applicationName];
    if (types.isSharedArrayBuffer(journal)) return SharableMemory.join(applicationName, journal);
    if (this.isHome && setupTables) return new SharableMemory(applicationName);
    if (this.isHome) throw notSetUp(applicationName);
    throw Object.keys(journals).length === 0 ? notInThisThread(applicationName) : notShared(applicationName);
  }
}

// A memory lives as long as the options of its description, or as long as it is open: this module holds it weakly.
const memoryOf = new WeakMap<StorageOptions, SystemMemory>();
const memories = new Map<string, WeakRef<SystemMemory>>();
const freed = new FinalizationRegistry<string>((id) => {
  if (memories.get(id)?.deref() === undefined) memories.delete(id); // a later memory may have the same id
});

/** Returns this thread's memory with the id. */
export function findMemory(id: string): SystemMemory | undefined {
  return memories.get(id)?.deref();
}

/** Creates an empty memory with the id. */
export function createMemory(id: string, isHome: boolean): SystemMemory {
  const memory = new SystemMemory(isHome);
  memories.set(id, new WeakRef(memory));
  freed.register(memory, id);
  return memory;
}

/** Keeps a memory alive as long as the options. */
export function keepMemory(options: StorageOptions, memory: SystemMemory): void {
  memoryOf.set(options, memory);
}
