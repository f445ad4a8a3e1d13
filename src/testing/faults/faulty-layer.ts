import { ForwardingStorage } from '../../storage/layers/forwarding-storage.ts';
import type { Recorder } from '../../storage/recorder.ts';
import type { LogListener, OpenedStorage, RecorderOptions } from '../../storage/storage.ts';
import type { SubjectKeyTable } from '../../storage/subject-keys.ts';
import type { FaultyProcess } from './faulty-process.ts';
import { FaultyRecorder } from './faulty-recorder.ts';

/** A storage that is open in a process that meets faults. */
export class FaultyLayer extends ForwardingStorage {
  readonly #process: FaultyProcess;
  declare readonly listen?: (listener: LogListener) => Promise<AsyncDisposable>;

  /** @param listen Listens in place of the inner storage. */
  constructor(inner: OpenedStorage, process: FaultyProcess, listen: OpenedStorage['listen']) {
    super(inner);
    this.#process = process;
    if (listen !== undefined) this.listen = listen;
  }

  override async openRecorder(options: RecorderOptions): Promise<Recorder> {
    const { applicationName } = options;
    this.#process.assertAlive(applicationName);
    return new FaultyRecorder(await this.inner.openRecorder(options), applicationName, this.#process);
  }

  protected override async subjectKeysOf(open: () => Promise<SubjectKeyTable>): Promise<SubjectKeyTable> {
    const table = await open();
    const process = this.#process;
    const write = <T>(contents: string, record: () => Promise<T>) =>
      process.recording({ applicationName: '', contents, record });
    return {
      add: (keys) => write('keys of subjects', () => table.add(keys)),
      delete: (subject, timestamp) => write('a deleted key', () => table.delete(subject, timestamp)),
      read: (subjects) => process.reading('', table.read(subjects)),
      deleted: (after, limit) => process.reading('', table.deleted(after, limit)),
      close: () => table.close(),
    };
  }
}
