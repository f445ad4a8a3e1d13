import type { ApplicationClass } from '../application/application.ts';
import { operationOf } from '../application/control/operation-kinds.ts';
import { PersonalNotSupportedError } from '../application/personal/errors.ts';
import { SubjectKeys } from '../application/personal/subject-keys.ts';
import { KeyMissingError, TamperedError } from '../storage/sealing/errors.ts';
import { type OpenedStorage, openStorage, type StorageDescription } from '../storage/storage.ts';
import type { SubjectKeyTable } from '../storage/subject-keys.ts';
import { assertSystem, layersOf, type System } from '../system/system.ts';
import { assertId } from '../util/ids.ts';
import { required } from '../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../util/options.ts';
import { recordedText } from './recorded-text.ts';

/** Options of {@link shred}. */
export interface ShredOptions {
  /** Who shreds the data, for the record: 1 to 1,000 characters. */
  readonly by: string;
  /** Why the data is shredded, for the record: 1 to 1,000 characters. */
  readonly reason: string;
}

export const shredOptions: OptionRules<ShredOptions> = {
  by: required(recordedText),
  reason: required(recordedText),
};

/**
 * Makes all personal data of a subject unreadable, for good: deletes the key that encrypts it. Works while the system
 * runs. Resolves when the key is deleted from the storage: with false if that was done before. Who did it and why is
 * recorded in the first application of the system, without those of `remote()`, before the key is deleted, so that a call
 * that fails can be repeated.
 *
 * Everything that this thread holds is shredded then. Other threads, processes and hosts see it with their next read of
 * events. Copies that were made before, such as backups, still have the key.
 *
 * @param subject Id of the subject, as it was passed to {@link personal}.
 * @example
 * const storage = memory();
 * await run(shop.bind(storage)).then((runner) => runner.close());
 * await shred(storage, shop, 'c-1', { by: 'support', reason: 'erasure request 17' });
 * @throws {@link InvalidOptionError} if an option is missing or unknown, or its value does not fit.
 * @throws {@link InvalidArgumentError} if `system` is not a system.
 * @throws {@link InvalidIdError} if `subject` is empty, or storage cannot keep it.
 * @throws {@link PersonalNotSupportedError} if the storage has no keys of subjects.
 * @throws {@link InvalidStorageError} if `storage` is not a description of storage.
 * @throws {@link StorageError} if storage fails, or the first application has no tables there. With `STORAGE_BUSY`, the key
 * may be deleted while a reader of an older state keeps a copy: repeat the call.
 */
export async function shred(
  storage: StorageDescription,
  system: System,
  subject: string,
  options: ShredOptions,
): Promise<boolean> {
  const example = "shred(storage, shop, 'c-1', { by, reason })";
  assertSystem(system, 'shred()', example);
  assertId(subject, 'the subject of shred()');
  const because = resolveOptions(options, shredOptions, 'shred()', example);
  const application = recordingOne(system.applications as readonly [ApplicationClass]);
  await using opened = new AsyncDisposableStack();
  const openedStorage = await openStorage(storage, { layers: layersOf(system) });
  opened.defer(() => openedStorage.close());
  const keys = await openedStorage.openSubjectKeys?.({ setupTables: true });
  if (keys === undefined) throw new PersonalNotSupportedError(application.applicationName);
  opened.defer(() => keys.close());
  if (!(await isDeleted(keys, subject))) await recordOperation(openedStorage, application, subject, because);
  try {
    return await keys.delete(subject, Date.now()); // also if it is deleted: a copy of the key may be left
  } finally {
    await SubjectKeys.refreshAll();
  }
}

/** Returns the first application that runs in this system: nothing can be recorded in those of other systems. */
function recordingOne(applications: readonly [ApplicationClass, ...ApplicationClass[]]): ApplicationClass {
  return applications.find(({ remote }) => remote === undefined) ?? applications[0];
}

/** Whether the key of a subject was deleted. A key that cannot be decrypted is still there, and can be deleted. */
async function isDeleted(keys: SubjectKeyTable, subject: string): Promise<boolean> {
  try {
    const [entry] = await keys.read([subject]);
    return entry !== undefined && entry.key === undefined;
  } catch (error) {
    if (error instanceof KeyMissingError || error instanceof TamperedError) return false;
    throw error;
  }
}

async function recordOperation(
  openedStorage: OpenedStorage,
  { applicationName }: ApplicationClass,
  subject: string,
  because: ShredOptions,
): Promise<void> {
  const recorder = await openedStorage.openRecorder({ applicationName, setupTables: false });
  try {
    const operation = operationOf('shred', because, { subject });
    await recorder.record(0, [{ events: [], snapshots: [], operation }]);
  } finally {
    await recorder.close();
  }
}
