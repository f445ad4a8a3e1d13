import { serialize } from 'node:v8';
import { kindInOtherCopy } from '../util/environment/copies.ts';
import { kindOf, messageOf } from '../util/errors.ts';
import { InvalidStorageError } from './errors.ts';
import type { Prompt } from './prompt.ts';
import type { Recorder } from './recorder.ts';
import type { SubjectKeyTable } from './subject-keys.ts';

/** Modules of the storages that this thread described: in a bundle, there are no files to import them from. */
const describedModules = new Map<string, StorageModule>();

/** Value of one storage option: plain data that can be cloned, or memory that threads share. */
export type StorageOptionValue = string | number | boolean | SharedArrayBuffer | StorageOptions;

/** Options of a storage by name: plain data, so that other threads and processes can open the same storage. */
export interface StorageOptions {
  readonly [name: string]: StorageOptionValue | undefined;
}

/**
 * Describes a storage as plain data that can be cloned to another thread or process. Functions such as `memory()`,
 * `sqlite({ file })` and `postgres({ connectionString })` return a description and open nothing yet.
 */
export interface StorageDescription {
  /** URL of a module with the exports of {@link StorageModule}. */
  readonly module: string;
  readonly options: StorageOptions;
}

/** Options of opening the recorder of one application. */
export interface RecorderOptions {
  readonly applicationName: string;
  /** Whether to create missing tables and upgrade old ones; if not, STORAGE_NOT_SET_UP or STORAGE_OLDER is thrown. */
  readonly setupTables: boolean;
}

/** Options of opening the keys of subjects. */
export interface SubjectKeysOptions {
  /** Whether to create or upgrade the table; if not, STORAGE_NOT_SET_UP or STORAGE_OLDER is thrown. */
  readonly setupTables: boolean;
}

/** Receives prompts from other writers of a storage. */
export interface LogListener {
  /** Called when another writer has recorded events. */
  onPrompt(prompt: Prompt): void;
  /** Called when listening starts or resumes: earlier prompts may have been lost, so read all logs. */
  onGap(): void;
}

/** A storage in use by this thread. */
export interface OpenedStorage {
  /**
   * Opens the recorder of one application. Its owner closes it.
   *
   * @throws {@link StorageError} if the application cannot use the storage.
   */
  openRecorder(options: RecorderOptions): Promise<Recorder>;
  /**
   * Opens the table with the keys of subjects of personal data. Its owner closes it. Storage without this method has no such
   * table, so that applications refuse personal data.
   *
   * @throws {@link StorageError} if the storage cannot be used.
   */
  openSubjectKeys?(options: SubjectKeysOptions): Promise<SubjectKeyTable>;
  /** Reads the names of all applications with tables in the storage, in the order of their UTF-8 bytes. */
  applicationNames(): Promise<readonly string[]>;
  /**
   * Subscribes to prompts of other writers until the result is disposed of. Prompts may be lost, so poll as well.
   * Missing on storage that cannot notice records of other processes.
   */
  listen?(listener: LogListener): Promise<AsyncDisposable>;
  /**
   * Releases the locks that another thread held when it ended, perhaps in the middle of a call. Must be called if it
   * exists. `threadId` is the id of the worker while it ran; a worker that has ended reports -1.
   */
  threadEnded?(threadId: number): void;
  /** Releases the resources that the recorders share. Close the recorders first. */
  close(): Promise<void>;
}

/** Changes what goes into an open storage and comes out of it, such as by encryption. */
export type StorageLayer = (storage: OpenedStorage) => OpenedStorage;

/** Exports of the module of a {@link StorageDescription}. */
export interface StorageModule {
  /**
   * Opens the storage.
   *
   * @param writerId Listeners do not receive prompts of recorders opened with the same id.
   * @throws {@link InvalidStorageError} if the storage cannot be opened here.
   */
  openStorage(options: StorageOptions, writerId?: string): Promise<OpenedStorage>;
  /**
   * Converts the options for other threads of this process, which then open the same storage with all applications
   * set up so far. Without this function the options are used as they are.
   *
   * @throws {@link InvalidStorageError} if other threads cannot open the storage.
   */
  forThreads?(options: StorageOptions): StorageOptions | Promise<StorageOptions>;
  /** Whether the storage is in the memory of one process, which other processes cannot reach. @default false */
  readonly isProcessLocal?: boolean;
  /**
   * Converts the options for other processes of this machine. Without this function the options are used as they are.
   *
   * @throws {@link InvalidStorageError} if other processes cannot open the storage.
   */
  forProcesses?(options: StorageOptions): StorageOptions | Promise<StorageOptions>;
}

/** A module of kahn that this thread has loaded. */
export interface LoadedStorageModule extends StorageModule {
  /** URL of the module; in a bundle the entry point that exports the storage, such as `kahn/sqlite`. */
  readonly moduleUrl: string;
}

/** Describes a storage of kahn. */
export function describeStorage(module: LoadedStorageModule, options: StorageOptions): StorageDescription {
  describedModules.set(module.moduleUrl, module);
  return { module: module.moduleUrl, options };
}

/** Options of {@link openStorage}. */
export interface OpenStorageOptions {
  /** Listeners do not receive prompts of recorders opened with the same id, as in the threads of one runner. */
  readonly writerId?: string | undefined;
  /** Layers around the storage, the innermost first. */
  readonly layers?: readonly StorageLayer[];
}

/**
 * Opens the storage that a description stands for.
 *
 * @throws {@link InvalidStorageError} if `storage` is not a description, or cannot be opened here.
 */
export async function openStorage(
  storage: StorageDescription,
  { writerId, layers = [] }: OpenStorageOptions = {},
): Promise<OpenedStorage> {
  const opened: unknown = await (await importModule(storage)).openStorage(storage.options, writerId);
  if (isOpenedStorage(opened)) return layers.reduce((inner, layer) => layer(inner), opened);
  throw new InvalidStorageError(
    `Expected openStorage() of module '${storage.module}' to resolve with an object with openRecorder() and close(), ` +
      `got ${kindOf(opened)}.`,
  );
}

function isOpenedStorage(value: unknown): value is OpenedStorage {
  const { openRecorder, close } = (value ?? {}) as Partial<OpenedStorage>;
  return typeof openRecorder === 'function' && typeof close === 'function';
}

/**
 * Returns the description by which other threads of this process open the same storage. Call it after all
 * applications are set up.
 *
 * @throws {@link InvalidStorageError} if other threads cannot open the storage.
 */
export async function storageForThreads(storage: StorageDescription): Promise<StorageDescription> {
  const { forThreads } = await importModule(storage);
  return convertedFor('thread', storage, forThreads, structuredClone);
}

/**
 * Returns the description by which other processes open the same storage.
 *
 * @throws {@link InvalidStorageError} if other processes cannot open the storage.
 */
export async function storageForProcesses(storage: StorageDescription): Promise<StorageDescription> {
  await assertShared(storage);
  const { forProcesses } = await importModule(storage);
  return convertedFor('process', storage, forProcesses, serialize);
}

/**
 * Checks that other processes can open the same storage, if necessary by a description of their own, such as a
 * description with another pool.
 *
 * @throws {@link InvalidStorageError} if the storage is in the memory of this process.
 */
export async function assertShared(storage: StorageDescription): Promise<void> {
  const { isProcessLocal = false } = await importModule(storage);
  if (!isProcessLocal) return;
  throw new InvalidStorageError(
    'memory() is on the heap of this process, which other processes cannot reach: use storage that processes share, ' +
      'sqlite({ file }) on one machine or postgres({ connectionString }) on any number of machines.',
  );
}

async function convertedFor(
  where: 'thread' | 'process',
  { module, options }: StorageDescription,
  convert: StorageModule['forThreads'],
  clone: (options: StorageOptions) => unknown,
): Promise<StorageDescription> {
  const converted = convert === undefined ? options : await convert(options);
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
  const module = await imported(storage.module);
  if (typeof module.openStorage !== 'function') {
    throw new InvalidStorageError(
      `The module '${storage.module}' of a storage exports no openStorage(). Export it.`,
    );
  }
  const other = kindInOtherCopy(module.openStorage);
  if (other !== undefined) throw new InvalidStorageError(`The module '${storage.module}' is ${other}.`);
  return module as StorageModule;
}

async function imported(module: string): Promise<Partial<StorageModule>> {
  try {
    return describedModules.get(module) ?? (await import(/* webpackIgnore: true */ module));
  } catch (cause) {
    throw new InvalidStorageError(
      `The module '${module}' of a storage cannot be imported: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** Returns whether a value has the form of a description of storage. */
export function isStorageDescription(value: unknown): value is StorageDescription {
  if (typeof value !== 'object' || value === null) return false;
  const { module, options } = value as Partial<StorageDescription>;
  return (
    typeof module === 'string' && typeof options === 'object' && options !== null && !Array.isArray(options)
  );
}

/**
 * Checks that a value has the form of a description of storage.
 *
 * @throws {@link InvalidStorageError} if it does not.
 */
export function assertStorage(storage: unknown): asserts storage is StorageDescription {
  if (isStorageDescription(storage)) return;
  throw new InvalidStorageError(
    'Invalid `storage`: pass the result of memory(), sqlite({ file }) or postgres({ connectionString }), ' +
      `not ${kindOf(storage)}.`,
  );
}
