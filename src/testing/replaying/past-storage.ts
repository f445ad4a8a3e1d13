import { ForwardingRecorder } from '../../storage/layers/forwarding-recorder.ts';
import { ForwardingStorage } from '../../storage/layers/forwarding-storage.ts';
import type { History, HistoryRequest, Recorder } from '../../storage/recorder.ts';
import type { RecorderOptions, StorageLayer } from '../../storage/storage.ts';

/** A moment in the past of an application, in one of its pipelines. */
export interface Moment {
  readonly pipelineId: number;
  /** Id of the first notification that was not recorded yet. */
  readonly before: number;
  /** Time up to which events outside of the pipeline's log were recorded, in ms since 1970. */
  readonly timestamp: number;
  /** Versions of aggregates by id, of which later events before the moment have no place in the log. @default by time */
  readonly versions?: ReadonlyMap<string, number>;
}

/** Number of events of an aggregate that are located at once. */
const pageSize = 256;

/** Returns a layer whose recorders read histories as they were at a moment, and enters these recorders in a map. */
export function pastLayer(recorders: Map<string, PastRecorder>): StorageLayer {
  return (storage) => {
    class PastStorage extends ForwardingStorage {
      override async openRecorder(options: RecorderOptions): Promise<Recorder> {
        const recorder = new PastRecorder(await this.inner.openRecorder(options));
        recorders.set(options.applicationName, recorder);
        return recorder;
      }
    }
    return new PastStorage(storage);
  };
}

/** Reads the histories of aggregates as they were at a moment, by the log of a pipeline. */
export class PastRecorder extends ForwardingRecorder {
  /** The moment; undefined for the present. */
  moment: Moment | undefined;

  override async histories(
    requests: readonly HistoryRequest[],
    maxSize?: number,
  ): Promise<readonly History[]> {
    const { moment } = this;
    if (moment === undefined) return super.histories(requests, maxSize);
    const past = [];
    for (const request of requests)
      past.push({
        ...request,
        upTo: Math.min(await this.#versionAt(moment, request), request.upTo ?? Infinity),
      });
    return super.histories(past, maxSize);
  }

  /**
   * Returns the version of an aggregate at a moment: that of its last event before it in the log, and of later ones outside
   * of that log up to the time of the moment.
   */
  async #versionAt(
    { pipelineId, before, timestamp, versions: known }: Moment,
    { originatorId }: HistoryRequest,
  ): Promise<number> {
    let last = 0;
    for (let first = 1; ; first += pageSize) {
      const page = Array.from({ length: pageSize }, (_, index) => first + index);
      const places = await super.locate(
        page.map((originatorVersion) => ({ originatorId, originatorVersion })),
      );
      const end = places.findIndex(
        (place) =>
          place === undefined ||
          (place.pipelineId === pipelineId && place.notificationId >= before && place.notificationId > 0),
      );
      const earlier = end < 0 ? places : places.slice(0, end);
      const logged = earlier.findLastIndex(
        (place) => place?.pipelineId === pipelineId && place.notificationId > 0,
      );
      if (logged >= 0) last = first + logged;
      if (end < 0) continue;
      const upTo = Math.min(first + earlier.length - 1, Math.max(last, known?.get(originatorId) ?? Infinity));
      if (upTo === last) return last;
      const [history] = await super.histories([{ originatorId, after: last, upTo, useSnapshot: false }]);
      const others = history?.events ?? [];
      const late = others.findIndex((event) => event.timestamp > timestamp);
      return last + (late < 0 ? others.length : late);
    }
  }
}
