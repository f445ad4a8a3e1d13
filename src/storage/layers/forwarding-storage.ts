import type { Recorder } from '../recorder.ts';
import type { LogListener, OpenedStorage, RecorderOptions } from '../storage.ts';
import type { SubjectKeyTable } from '../subject-keys.ts';

/** Passes all calls to another open storage. Base of the layers around a storage. */
export class ForwardingStorage implements OpenedStorage {
  protected readonly inner: OpenedStorage;
  readonly openSubjectKeys?: (options: { readonly setupTables: boolean }) => Promise<SubjectKeyTable>;
  readonly listen?: (listener: LogListener) => Promise<AsyncDisposable>;
  readonly threadEnded?: (threadId: number) => void;

  constructor(inner: OpenedStorage) {
    this.inner = inner;
    const { openSubjectKeys, listen, threadEnded } = inner;
    if (openSubjectKeys !== undefined)
      this.openSubjectKeys = async (options) =>
        this.subjectKeysOf(() => openSubjectKeys.call(inner, options));
    if (listen !== undefined) this.listen = (listener) => listen.call(inner, this.listenerOf(listener));
    if (threadEnded !== undefined) this.threadEnded = threadEnded.bind(inner);
  }

  openRecorder(options: RecorderOptions): Promise<Recorder> {
    return this.inner.openRecorder(options);
  }

  applicationNames(): Promise<readonly string[]> {
    return this.inner.applicationNames();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  /** Returns the table of keys of subjects for that of the inner storage. */
  protected subjectKeysOf(open: () => Promise<SubjectKeyTable>): Promise<SubjectKeyTable> {
    return open();
  }

  /** Returns the listener of the inner storage for a listener of this one. */
  protected listenerOf(listener: LogListener): LogListener {
    return listener;
  }
}
