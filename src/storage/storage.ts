import { serialize } from 'node:v8';
import { messageOf } from '../util/errors.ts';
import { InvalidPersistenceError } from './errors.ts';
import type { Prompt } from './prompt.ts';
import type { Recorder } from './recorder.ts';

/** The value of an option of storage: plain data that can be cloned, and memory that threads share. */
export type PersistenceOption =
  | string
  | number
  | boolean
  | SharedArrayBuffer
  | { readonly [name: string]: PersistenceOption | undefined };

/**
 * A description of storage: plain data that can be cloned to another thread or process, where its module
 * opens it. Made by functions such as `memory()`, `sqlite({ directory })` and `postgres({ connectionString })`.
 */
export interface Persistence {
  /** The URL of a module that exports an `openStorage` for the options. */
  readonly module: string;
  readonly options: { readonly [name: string]: PersistenceOption | undefined };
}

/** How to open the recorder of one application. */
export interface RecorderOptions {
  readonly applicationName: string;
  /** Whether to create what is not there yet; otherwise STORAGE_NOT_SET_UP is thrown. */
  readonly setupTables: boolean;
}

/** Hears of logs that grow. */
export interface LogListener {
  /** A log has grown, by whoever records elsewhere. */
  heard(prompt: Prompt): void;
  /** It is told from now on; what happened before may have been missed. */
  missed(): void;
}

/** Opened storage. */
export interface Storage {
  openRecorder(options: RecorderOptions): Promise<Recorder>;
  /**
   * Tells of logs that have grown, until it is disposed of; prompts may be lost, so poll, too. Only storage that
   * knows what other processes record has this.
   */
  listen?(listener: LogListener): Promise<AsyncDisposable>;
  /**
   * Must be told when another thread that used this storage has ended, in the middle of a call perhaps, if there
   * is such a method. `threadId` is what its worker had while it ran: an ended one has -1.
   */
  threadEnded?(threadId: number): void;
  /** Releases what the recorders share, once they are closed. */
  close(): Promise<void>;
}

/** What the module of a {@link Persistence} exports. */
export interface PersistenceModule {
  openStorage(options: Persistence['options'], writerId?: string): Promise<Storage>;
  /**
   * Makes the options fit for other threads of this process, where they stand for the same storage, with all
   * applications that are set up in it; without this, they are as they are. Throws InvalidPersistenceError if
   * they cannot be.
   */
  forThreads?(options: Persistence['options']): Persistence['options'];
  /**
   * Makes the options fit for other processes of this machine; without this, they are as they are. Throws
   * InvalidPersistenceError if they cannot be.
   */
  forProcesses?(options: Persistence['options']): Persistence['options'];
}

/**
 * Opens the storage that a description stands for. What is recorded by storages with the same `writerId`, such as
 * those of one runner's threads, is not told to their listeners. Throws InvalidPersistenceError if it is no description.
 */
export async function openStorage(persistence: Persistence, writerId?: string): Promise<Storage> {
  return (await importModule(persistence)).openStorage(persistence.options, writerId);
}

/**
 * The description by which other threads of this process open the same storage: ask for it after all applications
 * are set up. Throws InvalidPersistenceError if the storage cannot be opened by other threads.
 */
export async function persistenceForThreads(persistence: Persistence): Promise<Persistence> {
  const { forThreads } = await importModule(persistence);
  return described(persistence, forThreads, structuredClone, 'thread');
}

/**
 * The description by which other processes open the same storage. Throws InvalidPersistenceError if the storage cannot
 * be opened by them.
 */
export async function persistenceForProcesses(persistence: Persistence): Promise<Persistence> {
  const { forProcesses } = await importModule(persistence);
  return described(persistence, forProcesses, serialize, 'process');
}

function described(
  { module, options }: Persistence,
  convert: ((options: Persistence['options']) => Persistence['options']) | undefined,
  clone: (options: Persistence['options']) => unknown,
  where: 'thread' | 'process',
): Persistence {
  const converted = convert === undefined ? options : convert(options);
  try {
    clone(converted);
  } catch (cause) {
    throw new InvalidPersistenceError(
      `The options of a persistence of module '${module}' cannot be cloned to another ${where}: ${messageOf(cause)}`,
      { cause },
    );
  }
  return { module, options: converted };
}

async function importModule(persistence: Persistence): Promise<PersistenceModule> {
  assertPersistence(persistence);
  const module: Partial<PersistenceModule> = await import(persistence.module);
  if (typeof module.openStorage !== 'function') {
    throw new InvalidPersistenceError(
      `The module '${persistence.module}' of a persistence exports no openStorage().`,
    );
  }
  return module as PersistenceModule;
}

/** Throws InvalidPersistenceError unless it looks like a description of storage. */
export function assertPersistence(persistence: unknown): asserts persistence is Persistence {
  const { module, options } = (persistence ?? {}) as Partial<Persistence>;
  if (typeof module === 'string' && typeof options === 'object') return;
  throw new InvalidPersistenceError(
    'A persistence is what memory(), sqlite({ directory }) and the like return; this is something else.',
  );
}
