import { ForwardingStorage } from '../layers/forwarding-storage.ts';
import { compareNames } from '../name-order.ts';
import type { Recorder } from '../recorder.ts';
import type { LogListener, OpenedStorage, RecorderOptions, StorageLayer } from '../storage.ts';
import { HeadListener } from './head-listener.ts';
import type { OwnNames } from './log-names.ts';
import { RemoteLog, type RemoteSource } from './remote-log.ts';
import { RemoteRecorder } from './remote-recorder.ts';

/** Returns the layer that reads the logs of some applications from other systems. */
export function remoteLogs(sources: ReadonlyMap<string, RemoteSource>, own: OwnNames): StorageLayer {
  return (storage) => new RemoteStorage(storage, sources, own);
}

class RemoteStorage extends ForwardingStorage {
  override readonly listen: (listener: LogListener) => Promise<AsyncDisposable>;
  readonly #logs: ReadonlyMap<string, RemoteLog>;
  /** Pipelines of each log that are read. */
  readonly #read = new Map<string, Set<number>>();
  readonly #listeners = new Set<HeadListener>();

  constructor(inner: OpenedStorage, sources: ReadonlyMap<string, RemoteSource>, own: OwnNames) {
    super(inner);
    this.#logs = new Map(Array.from(sources, ([name, source]) => [name, new RemoteLog(name, source, own)]));
    this.listen = (listener) => this.#listen(listener);
  }

  override async openRecorder(options: RecorderOptions): Promise<Recorder> {
    const { applicationName } = options;
    const log = this.#logs.get(applicationName);
    if (log === undefined) return this.inner.openRecorder(options);
    return new RemoteRecorder(log, (pipelineId) => this.#noteRead(applicationName, pipelineId));
  }

  override async applicationNames(): Promise<readonly string[]> {
    const own = await this.inner.applicationNames();
    return [...new Set([...own, ...this.#logs.keys()])].sort(compareNames);
  }

  #noteRead(applicationName: string, pipelineId: number): void {
    const known = this.#read.get(applicationName) ?? new Set();
    if (known.has(pipelineId)) return;
    this.#read.set(applicationName, known.add(pipelineId));
    for (const listener of this.#listeners)
      listener.watch(this.#logOf(applicationName), { applicationName, pipelineId });
  }

  async #listen(listener: LogListener): Promise<AsyncDisposable> {
    await using opened = new AsyncDisposableStack();
    const listening = await this.inner.listen?.(listener);
    if (listening !== undefined) opened.use(listening);
    const heads = opened.use(new HeadListener(listener));
    this.#listeners.add(heads);
    opened.defer(() => void this.#listeners.delete(heads));
    for (const [applicationName, pipelineIds] of this.#read)
      for (const pipelineId of pipelineIds)
        heads.watch(this.#logOf(applicationName), { applicationName, pipelineId });
    return opened.move();
  }

  #logOf(applicationName: string): RemoteLog {
    return this.#logs.get(applicationName) as RemoteLog;
  }
}
