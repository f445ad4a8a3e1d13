import { InvalidStorageError } from '../../storage/errors.ts';
import { ForwardingStorage } from '../../storage/layers/forwarding-storage.ts';
import type { Recorder } from '../../storage/recorder.ts';
import {
  type OpenedStorage,
  openStorage as openInner,
  type RecorderOptions,
  type StorageDescription,
  type StorageOptions,
} from '../../storage/storage.ts';
import type { SubjectKeyTable } from '../../storage/subject-keys.ts';
import { siblingFile } from '../../util/environment/bundle.ts';
import { markAs } from '../../util/environment/copies.ts';
import type { CrashPlan } from './crash-plan.ts';
import { CrashingRecorder } from './crashing-recorder.ts';

markAs('storage', openStorage);

/** URL of this module, for the description. */
export const moduleUrl: string =
  siblingFile(import.meta.url, '../crashes/crashing-module')?.href ?? 'kahn/testing';

/** A storage that crashes, by the options of its description. */
const planned = new WeakMap<
  StorageOptions,
  { readonly inner: StorageDescription; readonly plan: CrashPlan }
>();

/** Notes what the options of a description stand for. */
export function keepPlan(options: StorageOptions, inner: StorageDescription, plan: CrashPlan): void {
  planned.set(options, { inner, plan });
}

/** Opens the storage that `crashingStorage()` described. */
export async function openStorage(options: StorageOptions, writerId?: string): Promise<OpenedStorage> {
  const found = planned.get(options);
  if (found === undefined) throw notInThisThread();
  found.plan.assertAlive('');
  return new CrashingStorageLayer(await openInner(found.inner, { writerId }), found.plan);
}

export function forThreads(): never {
  throw notInThisThread();
}

export function forProcesses(): never {
  throw notInThisThread();
}

function notInThisThread(): InvalidStorageError {
  return new InvalidStorageError(
    'crashingStorage() counts recordings in one thread: use it with the runners of one thread, such as run().',
  );
}

class CrashingStorageLayer extends ForwardingStorage {
  readonly #plan: CrashPlan;

  constructor(inner: OpenedStorage, plan: CrashPlan) {
    super(inner);
    this.#plan = plan;
  }

  override async openRecorder(options: RecorderOptions): Promise<Recorder> {
    const { applicationName } = options;
    this.#plan.assertAlive(applicationName);
    return new CrashingRecorder(await this.inner.openRecorder(options), applicationName, this.#plan);
  }

  protected override async subjectKeysOf(open: () => Promise<SubjectKeyTable>): Promise<SubjectKeyTable> {
    const table = await open();
    const plan = this.#plan;
    const write = <T>(contents: string, record: () => Promise<T>) =>
      plan.recording({ applicationName: '', contents, record });
    return {
      add: (keys) => write('keys of subjects', () => table.add(keys)),
      delete: (subject, timestamp) => write('a deleted key', () => table.delete(subject, timestamp)),
      read: (subjects) => plan.reading('', table.read(subjects)),
      deleted: (after, limit) => plan.reading('', table.deleted(after, limit)),
      close: () => table.close(),
    };
  }
}
