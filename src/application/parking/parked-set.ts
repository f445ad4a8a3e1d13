import type { ParkedKey, ParkedNotification } from '../../storage/parked.ts';
import type { Recorder } from '../../storage/recorder.ts';

/** Number of parked notifications that are read at once. */
const pageSize = 200;

/** Reads the parked notifications of a pipeline with numbers above `start`, in the order in which they were parked. */
export async function* readParked(
  recorder: Recorder,
  pipelineId: number,
  upstreamName?: string,
  start = 0,
): AsyncGenerator<ParkedNotification, void, undefined> {
  const filter = upstreamName === undefined ? {} : { upstreamName };
  for (let after = start; ; ) {
    const page = await recorder.parked?.({ pipelineId, after, limit: pageSize, ...filter });
    if (page === undefined) return;
    yield* page;
    if (page.length < pageSize) return;
    after = page.at(-1)?.id ?? after;
  }
}

/** The parked notifications of a pipeline, as far as an application must know them to keep others behind them. */
export class ParkedSet {
  readonly #recorder: Recorder;
  readonly #pipelineId: number;
  /** Aggregates of parked notifications, by upstream and notification. */
  readonly #upstreams = new Map<string, Map<number, string>>();
  /** Parked notifications of an aggregate, the first one first, by upstream and aggregate. */
  readonly #aggregates = new Map<string, Map<string, number[]>>();
  #size = 0;
  #isKnown = false;

  constructor(recorder: Recorder, pipelineId: number) {
    this.#recorder = recorder;
    this.#pipelineId = pipelineId;
  }

  /** Whether it is known that nothing is parked. */
  get isKnownEmpty(): boolean {
    return this.#isKnown && this.#size === 0;
  }

  /** Makes the next `load` read the storage: another writer may have parked notifications. */
  forget(): void {
    this.#isKnown = false;
  }

  /** Reads the storage, unless its content is known. */
  async load(): Promise<void> {
    if (this.#isKnown) return;
    await this.retain(async () => true);
  }

  /**
   * Reads the storage, and keeps the notifications for which `isKept` resolves with true. It is called in the order in which
   * they were parked, while the set holds those before that are kept.
   */
  async retain(isKept: (parked: ParkedNotification) => Promise<boolean>): Promise<void> {
    this.#isKnown = false;
    this.#upstreams.clear();
    this.#aggregates.clear();
    this.#size = 0;
    for await (const parked of readParked(this.#recorder, this.#pipelineId))
      if (await isKept(parked)) this.add(parked, parked.originatorId);
    this.#isKnown = true;
  }

  has({ upstreamName, notificationId }: ParkedKey): boolean {
    return this.#upstreams.get(upstreamName)?.has(notificationId) === true;
  }

  /** Returns the first parked notification of an aggregate. */
  firstOf(upstreamName: string, originatorId: string): ParkedKey | undefined {
    const notificationId = this.#aggregates.get(upstreamName)?.get(originatorId)?.[0];
    return notificationId === undefined ? undefined : { upstreamName, notificationId };
  }

  add({ upstreamName, notificationId }: ParkedKey, originatorId: string): void {
    const ofUpstream = this.#upstreams.get(upstreamName) ?? new Map<number, string>();
    if (ofUpstream.has(notificationId)) return;
    this.#upstreams.set(upstreamName, ofUpstream.set(notificationId, originatorId));
    const byAggregate = this.#aggregates.get(upstreamName) ?? new Map<string, number[]>();
    this.#aggregates.set(upstreamName, byAggregate);
    const ofAggregate = byAggregate.get(originatorId);
    if (ofAggregate === undefined) byAggregate.set(originatorId, [notificationId]);
    else ofAggregate.push(notificationId);
    this.#size += 1;
  }
}
