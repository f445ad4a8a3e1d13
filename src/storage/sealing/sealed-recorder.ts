import { Mutex } from '../../util/mutex.ts';
import type { History, HistoryRequest, ProcessEvent, WriteLock } from '../recorder.ts';
import { mayReachSize, sizeOfEvent, sizeOfHistory } from '../sizes.ts';
import type { StoredNotification, StoredSnapshot } from '../stored-event.ts';
import { OpenedPage, SizeRatio } from './opened-page.ts';
import { OpeningRecorder } from './opening-recorder.ts';
import { convertAll, convertEvent, convertSnapshot, sealProcessEvent } from './sealed-contents.ts';

/** Seals all texts that another recorder records, and opens those that it reads. */
export class SealedRecorder extends OpeningRecorder {
  /** Keeps calls that record in their order. */
  readonly #turns = new Mutex();
  readonly #sizes = new SizeRatio();

  override async record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    const { recorded } = await this.#turns.run(async () => {
      const sealed = await this.#sealed(pipelineId, processEvents);
      return { recorded: this.inner.record(pipelineId, sealed) }; // in the order of the calls, but without waiting for it
    });
    return recorded;
  }

  protected override lockOf(lock: WriteLock): WriteLock {
    return {
      get handle() {
        return lock.handle;
      },
      record: async (pipelineId, processEvents) => {
        try {
          const sealed = await this.#sealed(pipelineId, processEvents);
          return await lock.record(pipelineId, sealed);
        } finally {
          await lock.release(); // if sealing has failed
        }
      },
      release: (reason) => lock.release(reason),
    };
  }

  override async histories(
    requests: readonly HistoryRequest[],
    maxSize: number = Infinity,
  ): Promise<readonly History[]> {
    const opened = new OpenedPage(this.#sizes, maxSize, sizeOfHistory);
    do {
      const rest = opened.items.length === 0 ? requests : requests.slice(opened.items.length);
      const page = await this.inner.histories(rest, opened.storedSize);
      if (page.length === 0) break;
      await opened.add(page, this.#openHistory);
    } while (!opened.isFull && opened.items.length < requests.length);
    return opened.items;
  }

  override async notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize: number = Infinity,
  ): Promise<readonly StoredNotification[]> {
    const opened = new OpenedPage<StoredNotification>(this.#sizes, maxSize, sizeOfEvent);
    const open = (event: StoredNotification) => convertEvent(event, this.seal.open);
    for (let last = after; ; ) {
      const { storedSize } = opened;
      const page = await this.inner.notifications(pipelineId, last, limit - opened.items.length, storedSize);
      await opened.add(page, open);
      last = page.at(-1)?.id ?? last;
      const isWhole = storedSize === undefined || !mayReachSize(page, storedSize);
      if (isWhole || page.length === 0 || opened.isFull || opened.items.length >= limit) return opened.items;
    }
  }

  override async recordSnapshots(snapshots: readonly StoredSnapshot[]): Promise<void> {
    await this.inner.recordSnapshots(
      await convertAll(snapshots, (snapshot) => convertSnapshot(snapshot, this.seal.seal)),
    );
  }

  #sealed(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<readonly ProcessEvent[]> {
    return convertAll(processEvents, (one) => sealProcessEvent(this.seal, pipelineId, one));
  }

  readonly #openHistory = async ({ snapshot, events }: History): Promise<History> => ({
    snapshot: snapshot && (await convertSnapshot(snapshot, this.seal.open)),
    events: await convertAll(events, (event) => convertEvent(event, this.seal.open)),
  });
}
