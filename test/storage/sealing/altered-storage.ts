import { ForwardingRecorder } from '../../../src/storage/layers/forwarding-recorder.ts';
import { ForwardingStorage } from '../../../src/storage/layers/forwarding-storage.ts';
import type { History, HistoryRequest, Recorder } from '../../../src/storage/recorder.ts';
import type { OpenedStorage, RecorderOptions, StorageLayer } from '../../../src/storage/storage.ts';
import type { StoredEvent, StoredNotification, StoredSnapshot } from '../../../src/storage/stored-event.ts';

/** Changes what a storage keeps, as a person with access to its tables could. */
export interface Alteration {
  readonly event?: <E extends StoredEvent>(event: E) => E;
  readonly snapshot?: (snapshot: StoredSnapshot) => StoredSnapshot;
}

/** Returns a layer that reads a storage as if it had been altered. */
export function altering(alteration: () => Alteration): StorageLayer {
  return (storage) => new AlteredStorage(storage, alteration);
}

class AlteredStorage extends ForwardingStorage {
  readonly #alteration: () => Alteration;

  constructor(inner: OpenedStorage, alteration: () => Alteration) {
    super(inner);
    this.#alteration = alteration;
  }

  override async openRecorder(options: RecorderOptions): Promise<Recorder> {
    return new AlteredRecorder(await this.inner.openRecorder(options), this.#alteration);
  }
}

class AlteredRecorder extends ForwardingRecorder {
  readonly #alteration: () => Alteration;

  constructor(inner: Recorder, alteration: () => Alteration) {
    super(inner);
    this.#alteration = alteration;
  }

  override async notifications(
    ...page: Parameters<Recorder['notifications']>
  ): Promise<readonly StoredNotification[]> {
    return (await super.notifications(...page)).map((event) => this.#alteration().event?.(event) ?? event);
  }

  override async histories(
    requests: readonly HistoryRequest[],
    maxSize?: number,
  ): Promise<readonly History[]> {
    const { event: changed, snapshot: changedSnapshot } = this.#alteration();
    return (await super.histories(requests, maxSize)).map(({ snapshot, events }) => ({
      snapshot: snapshot && (changedSnapshot?.(snapshot) ?? snapshot),
      events: events.map((event) => changed?.(event) ?? event),
    }));
  }
}
