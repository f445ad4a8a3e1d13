import { InvalidStorageError } from '../errors.ts';
import { ForwardingStorage } from '../layers/forwarding-storage.ts';
import { compareNames } from '../name-order.ts';
import type { Recorder } from '../recorder.ts';
import type { LogListener, OpenedStorage, RecorderOptions, StorageLayer } from '../storage.ts';
import { LogNames, throwRenamed, withName } from './log-names.ts';
import { RenamedRecorder } from './renamed-recorder.ts';

/**
 * Returns the layer that translates the names of applications whose logs keep an earlier name.
 *
 * @param recordedByCurrent Recorded names by the names that code uses.
 */
export function renaming(recordedByCurrent: ReadonlyMap<string, string>): StorageLayer {
  const names = new LogNames(recordedByCurrent);
  return (storage) => new RenamedStorage(storage, names);
}

class RenamedStorage extends ForwardingStorage {
  readonly #names: LogNames;

  constructor(inner: OpenedStorage, names: LogNames) {
    super(inner);
    this.#names = names;
  }

  override async openRecorder(options: RecorderOptions): Promise<Recorder> {
    try {
      const applicationName = this.#names.recorded(options.applicationName);
      if (applicationName !== options.applicationName) await this.#assertUnused(options.applicationName);
      const recorder = await this.inner.openRecorder({ ...options, applicationName });
      return new RenamedRecorder(recorder, this.#names);
    } catch (error) {
      throwRenamed(error, this.#names);
    }
  }

  override async applicationNames(): Promise<readonly string[]> {
    const names = await this.inner.applicationNames();
    return names.map((name) => this.#names.current(name)).sort(compareNames);
  }

  protected override listenerOf(listener: LogListener): LogListener {
    return {
      onPrompt: (prompt) => listener.onPrompt(withName(prompt, (name) => this.#names.current(name))),
      onGap: () => listener.onGap(),
    };
  }

  /** Refuses a storage that also has a log with the new name, because its events would be ignored. */
  async #assertUnused(applicationName: string): Promise<void> {
    const names = await this.inner.applicationNames();
    if (!names.includes(applicationName)) return;
    throw new InvalidStorageError(
      `Application '${applicationName}' is recorded as '${this.#names.recorded(applicationName)}', but the storage also ` +
        `has a log '${applicationName}', which would be ignored. Choose another applicationName, or use another storage.`,
    );
  }
}
