import { InvalidStorageError } from '../../storage/errors.ts';
import {
  describeStorage,
  type OpenedStorage,
  openStorage as openInner,
  type StorageDescription,
  type StorageOptions,
  storageForProcesses,
  storageForThreads,
} from '../../storage/storage.ts';
import { siblingFile } from '../../util/environment/bundle.ts';
import { markAs } from '../../util/environment/copies.ts';
import { FaultyLayer } from './faulty-layer.ts';
import { type FaultListener, type FaultPlan, FaultyProcess, newCount } from './faulty-process.ts';

markAs('storage', openStorage);

/** URL of this module, for the description. */
const moduleUrl: string = siblingFile(import.meta.url, '../faults/faulty-module')?.href ?? 'kahn/testing';

/** How a process uses a storage. */
export interface FaultyUse {
  readonly plan: FaultPlan;
  /** Counts of {@link FaultyProcess}, for plans by number. */
  readonly counts?: { readonly recordings: SharedArrayBuffer; readonly crashedAt: SharedArrayBuffer };
  /** Learns of the calls in this thread. */
  readonly listener?: FaultListener;
  /** Listens to prompts in this thread, in place of the inner storage. */
  readonly listen?: OpenedStorage['listen'];
  /** Name of the function for which other threads refuse the storage. @default other threads may use it */
  readonly inOneThread?: string;
}

/** Uses that this thread has described, by the options of their descriptions. */
const described = new WeakMap<StorageOptions, FaultyUse>();

/** Describes a storage as a process uses it that meets faults. */
export function withFaults({ module, options }: StorageDescription, use: FaultyUse): StorageDescription {
  const { plan, counts, inOneThread } = use;
  const own: StorageOptions = {
    inner: { module, options },
    plan: JSON.stringify(plan),
    ...counts,
    ...(inOneThread !== undefined && { inOneThread }),
  };
  described.set(own, use);
  return describeStorage({ moduleUrl, openStorage, forThreads, forProcesses }, own);
}

/** Opens the storage that {@link withFaults} described. */
export async function openStorage(options: StorageOptions, writerId?: string): Promise<OpenedStorage> {
  const use = described.get(options);
  if (use === undefined) assertShared(options);
  const { inner, plan, recordings = newCount(), crashedAt = newCount() } = settingsIn(options);
  const process = new FaultyProcess(plan, recordings, crashedAt, use?.listener);
  process.assertAlive('');
  return new FaultyLayer(await openInner(inner, { writerId }), process, use?.listen);
}

export async function forThreads(options: StorageOptions): Promise<StorageOptions> {
  assertShared(options);
  const { module, options: converted } = await storageForThreads(settingsIn(options).inner);
  return { ...options, inner: { module, options: converted } };
}

export async function forProcesses(options: StorageOptions): Promise<StorageOptions> {
  assertShared(options);
  const { module, options: converted } = await storageForProcesses(settingsIn(options).inner);
  return { ...options, inner: { module, options: converted } };
}

function assertShared({ inOneThread }: StorageOptions): void {
  if (inOneThread === undefined) return;
  throw new InvalidStorageError(
    `${inOneThread} counts recordings in one thread: use it with the runners of one thread, such as run().`,
  );
}

interface Settings {
  readonly inner: StorageDescription;
  readonly plan: FaultPlan;
  readonly recordings?: SharedArrayBuffer;
  readonly crashedAt?: SharedArrayBuffer;
}

/** The options of a description, which {@link withFaults} made. */
function settingsIn(options: StorageOptions): Settings {
  const { plan, ...others } = options as unknown as Settings & { readonly plan: string };
  return { ...others, plan: JSON.parse(plan) };
}
