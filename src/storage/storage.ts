import { serialize } from 'node:v8';
import { messageOf } from '../util/errors.ts';
import { InvalidStorageError } from './errors.ts';
import type { Prompt } from './prompt.ts';
import type { Recorder } from './recorder.ts';

/** The value of an option of storage: plain data that can be cloned, and memory that threads share. */
export type StorageOption =
  | string
  | number
  | boolean
  | SharedArrayBuffer
  | { readonly [name: string]: StorageOption | undefined };

/**
 * A description of storage: plain data that can be cloned to another thread or process, where its module
 * opens it. Made by functions such as `memory()`, `sqlite({ directory })` and `postgres({ connectionString })`.
 */
export interface StorageDescription {
  /** The URL of a module that exports an `openStorage` for the options. */
  readonly module: string;
  readonly options: { readonly [name: string]: StorageOption | undefined };
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
export interface OpenedStorage {
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

/** What the module of a {@link StorageDescription} exports. */
export interface StorageModule {
  openStorage(options: StorageDescription['options'], writerId?: string): Promise<OpenedStorage>;
  /**
   * Makes the options fit for other threads of this process, where they stand for the same storage, with all
   * applications that are set up in it; without this, they are as they are. Throws InvalidStorageError if
   * they cannot be.
   */
  forThreads?(options: StorageDescription['options']): StorageDescription['options'];
  /**
   * Makes the options fit for other processes of this machine; without this, they are as they are. Throws
   * InvalidStorageError if they cannot be.
   */
  forProcesses?(options: StorageDescription['options']): StorageDescription['options'];
}

/**
 * Opens the storage that a description stands for. What is recorded by storages with the same `writerId`, such as
 * those of one runner's threads, is not told to their listeners. Throws InvalidStorageError if it is no description.
 */
export async function openStorage(storage: StorageDescription, writerId?: string): Promise<OpenedStorage> {
  return (await importModule(storage)).openStorage(storage.options, writerId);
}

/**
 * The description by which other threads of this process open the same storage: ask for it after all applications
 * are set up. Throws InvalidStorageError if the storage cannot be opened by other threads.
 */
export async function storageForThreads(storage: StorageDescription): Promise<StorageDescription> {
  const { forThreads } = await importModule(storage);
  return described(storage, forThreads, structuredClone, 'thread');
}

/**
 * The description by which other processes open the same storage. Throws InvalidStorageError if the storage cannot
 * be opened by them.
 */
export async function storageForProcesses(storage: StorageDescription): Promise<StorageDescription> {
  const { forProcesses } = await importModule(storage);
  return described(storage, forProcesses, serialize, 'process');
}

function described(
  { module, options }: StorageDescription,
  convert: ((options: StorageDescription['options']) => StorageDescription['options']) | undefined,
  clone: (options: StorageDescription['options']) => unknown,
  where: 'thread' | 'process',
): StorageDescription {
  const converted = convert === undefined ? options : convert(options);
  try {
    clone(converted);
  } catch (cause) {
    throw new InvalidStorageError(
      `The options of a storage of module '${module}' cannot be cloned to another ${where}: ${messageOf(cause)}`,
      { cause },
    );
  }
  return { module, options: converted };
}

async function importModule(storage: StorageDescription): Promise<StorageModule> {
  assertStorage(storage);
  const module: Partial<StorageModule> = await import(storage.module);
  if (typeof module.openStorage !== 'function') {
    throw new InvalidStorageError(`The module '${storage.module}' of a storage exports no openStorage().`);
  }
  return module as StorageModule;
}

/** Whether a value has the form of a description of storage. */
export function isStorageDescription(value: unknown): value is StorageDescription {
  const { module, options } = (value ?? {}) as Partial<StorageDescription>;
  return typeof module === 'string' && typeof options === 'object';
}

/** Throws InvalidStorageError unless it looks like a description of storage. */
export function assertStorage(storage: unknown): asserts storage is StorageDescription {
  if (isStorageDescription(storage)) return;
  throw new InvalidStorageError(
    'A storage is what memory(), sqlite({ directory }) and the like return; this is something else.',
  );
}
