import { types } from 'node:util';
import type { StorageDescription, StorageOption } from '../storage.ts';
import { elsewhere, notSetUp, notShared } from './errors.ts';
import { SharableMemory } from './shared/sharable-memory.ts';

/** What a `memory()` holds in this thread: one memory for each application. */
export class Store {
  readonly #applications = new Map<string, SharableMemory>();
  /** Whether this thread has made it, and may add applications. */
  readonly isHome: boolean;

  constructor(isHome: boolean) {
    this.isHome = isHome;
  }

  /** The memory of an application, made or joined if it is not here yet; throws StorageError if it cannot be. */
  open(applicationName: string, setupTables: boolean, journals: Journals): SharableMemory {
    const known = this.#applications.get(applicationName);
    if (known !== undefined) return known;
    const opened = this.#joinOrMake(applicationName, setupTables, journals);
    this.#applications.set(applicationName, opened);
    return opened;
  }

  /** Shares every application, and returns what other threads join them with. */
  share(): Journals {
    return Object.fromEntries([...this.#applications].map(([name, memory]) => [name, memory.share()]));
  }

  /** Releases what a thread held that has ended. */
  threadEnded(threadId: number): void {
    for (const memory of this.#applications.values()) memory.threadEnded(threadId);
  }

  #joinOrMake(applicationName: string, setupTables: boolean, journals: Journals): SharableMemory {
    const shared = journals[applicationName];
    if (types.isSharedArrayBuffer(shared)) return SharableMemory.join(applicationName, shared);
    if (this.isHome && setupTables) return new SharableMemory(applicationName);
    if (this.isHome) throw notSetUp(applicationName);
    throw Object.keys(journals).length === 0 ? elsewhere(applicationName) : notShared(applicationName);
  }
}

/** The journal of each application that is shared. */
export type Journals = { readonly [applicationName: string]: StorageOption | undefined };

// A store lives as long as its description's options or whoever has it open: nothing here keeps it alive by itself.
const storeOf = new WeakMap<StorageDescription['options'], Store>();
const stores = new Map<string, WeakRef<Store>>();
const freed = new FinalizationRegistry<string>((id) => {
  if (stores.get(id)?.deref() === undefined) stores.delete(id); // another one may have taken its place
});

/** The store of this id in this thread. */
export function findStore(id: string): Store | undefined {
  return stores.get(id)?.deref();
}

/** Adds an empty store under this id. */
export function addStore(id: string, isHome: boolean): Store {
  const store = new Store(isHome);
  stores.set(id, new WeakRef(store));
  freed.register(store, id);
  return store;
}

/** Keeps the store as long as there are these options. */
export function keepStore(options: StorageDescription['options'], store: Store): void {
  storeOf.set(options, store);
}
