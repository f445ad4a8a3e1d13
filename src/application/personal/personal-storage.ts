import { ForwardingRecorder } from '../../storage/layers/forwarding-recorder.ts';
import { ForwardingStorage } from '../../storage/layers/forwarding-storage.ts';
import type { History, HistoryRequest, Recorder, StoredCommand } from '../../storage/recorder.ts';
import type { OpenedStorage, RecorderOptions, StorageLayer } from '../../storage/storage.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { HeldCiphers } from './held-ciphers.ts';
import { SubjectKeys } from './subject-keys.ts';

const keysOf = new WeakMap<OpenedStorage, SubjectKeys>();

/** Returns the keys of subjects in a storage with the layer {@link personalStorage}. */
export function subjectKeysOf(storage: OpenedStorage): SubjectKeys | undefined {
  return keysOf.get(storage);
}

/** Reads the keys of subjects with each text that has personal data, so that the text can be decoded. */
export const personalStorage: StorageLayer = (storage) =>
  storage.openSubjectKeys === undefined ? storage : new PersonalStorage(storage);

class PersonalStorage extends ForwardingStorage {
  readonly #keys: SubjectKeys;
  #setupTables = false;

  constructor(inner: OpenedStorage) {
    super(inner);
    const { openSubjectKeys } = inner;
    this.#keys = new SubjectKeys(
      openSubjectKeys && (() => openSubjectKeys.call(inner, { setupTables: this.#setupTables })),
    );
    keysOf.set(this, this.#keys);
  }

  override async openRecorder(options: RecorderOptions): Promise<Recorder> {
    this.#setupTables ||= options.setupTables;
    return new PersonalRecorder(await this.inner.openRecorder(options), this.#keys);
  }

  override async close(): Promise<void> {
    await using closing = new AsyncDisposableStack();
    closing.defer(() => this.inner.close());
    await this.#keys.close();
  }
}

class PersonalRecorder extends ForwardingRecorder {
  readonly #keys: SubjectKeys;

  constructor(inner: Recorder, keys: SubjectKeys) {
    super(inner);
    this.#keys = keys;
  }

  override histories(requests: readonly HistoryRequest[], maxSize?: number): Promise<readonly History[]> {
    return this.#afterKeys(this.inner.histories(requests, maxSize), this.#historiesWithKeys);
  }

  override notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize?: number,
  ): Promise<readonly StoredNotification[]> {
    const reading = this.inner.notifications(pipelineId, after, limit, maxSize);
    return this.#afterKeys(reading, this.#notificationsWithKeys);
  }

  protected override async commandOf(command: StoredCommand): Promise<StoredCommand> {
    const held = new HeldCiphers();
    held.add(command, textsIn(command.outcome));
    await this.#keys.refresh();
    return held.isEmpty ? command : held.after(this.#keys, command);
  }

  /** Notes what was deleted before a read began, and reads the keys for what it has read. */
  #afterKeys<T>(reading: Promise<T>, withKeys: (read: T) => T | Promise<T>): Promise<T> {
    if (!this.#keys.areInUse) return reading.then(withKeys);
    return Promise.all([reading, this.#keys.refresh()]).then(([read]) => withKeys(read));
  }

  readonly #historiesWithKeys = (
    read: readonly History[],
  ): readonly History[] | Promise<readonly History[]> => {
    const held = new HeldCiphers();
    for (const { snapshot, events } of read) {
      if (snapshot !== undefined) held.add(snapshot, snapshot.state);
      for (const event of events) held.add(event, event.data, event.metadata);
    }
    return held.isEmpty ? read : held.after(this.#keys, read);
  };

  readonly #notificationsWithKeys = (
    read: readonly StoredNotification[],
  ): readonly StoredNotification[] | Promise<readonly StoredNotification[]> => {
    const held = new HeldCiphers();
    for (const event of read) held.add(event, event.data, event.metadata);
    return held.isEmpty ? read : held.after(this.#keys, read);
  };
}

/** Returns the texts in the outcome of a command, which may be encoded data. */
function textsIn(outcome: string): string {
  const fields = Object.values(JSON.parse(outcome) as object);
  return fields.filter((field) => typeof field === 'string').join(' ');
}
