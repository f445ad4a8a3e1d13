import { type Aggregate, type AggregateClass, aggregateInternals } from '../domain/aggregate.ts';
import type { Mapper } from '../persistence/mapper.ts';
import type { History, HistoryRequest, Recorder } from '../persistence/recorder.ts';
import type { StoredSnapshot } from '../persistence/stored-event.ts';
import { type CachedHistory, type HistoryCache, versionOf } from './history-cache.ts';

/** Makes aggregates from what the cache and the recorder know of them. */
export class AggregateLoader {
  readonly #recorder: Recorder;
  readonly #mapper: Mapper;
  readonly #cache: HistoryCache;

  constructor(recorder: Recorder, mapper: Mapper, cache: HistoryCache) {
    this.#recorder = recorder;
    this.#mapper = mapper;
    this.#cache = cache;
  }

  /** The newest state of many aggregates in one read; undefined where there is none or it is discarded. */
  async load<A extends Aggregate>(
    kind: AggregateClass<A>,
    ids: readonly string[],
  ): Promise<(A | undefined)[]> {
    const known = ids.map((id) => this.#cache.get(id));
    const read = await this.#recorder.histories(ids.map((id, i) => newestOf(id, known[i])));
    const loaded: (A | undefined)[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as string;
      let history = this.#joined(known[i], read[i]);
      let aggregate = this.#built(kind, id, history);
      if (aggregate === undefined) {
        history = await this.#readWhole(id);
        aggregate = this.#replayed(new kind(id), history);
      }
      if (history !== known[i]) this.#cache.set(id, history);
      loaded.push(existing(aggregate));
    }
    return loaded;
  }

  /** One aggregate as it was at a version; undefined if it was never there or discarded by then. */
  async loadAt<A extends Aggregate>(
    kind: AggregateClass<A>,
    id: string,
    version: number,
  ): Promise<A | undefined> {
    const request: HistoryRequest = { originatorId: id, after: 0, upTo: version, useSnapshot: true };
    const [read] = await this.#recorder.histories([request]);
    const aggregate =
      this.#built(kind, id, this.#joined(undefined, read)) ??
      this.#replayed(new kind(id), await this.#readWhole(id, version));
    return aggregate.version === version ? existing(aggregate) : undefined;
  }

  async #readWhole(originatorId: string, upTo?: number): Promise<CachedHistory> {
    const bound = upTo === undefined ? {} : { upTo };
    const [read] = await this.#recorder.histories([{ originatorId, after: 0, useSnapshot: false, ...bound }]);
    return this.#joined(undefined, read);
  }

  #joined(known: CachedHistory | undefined, read: History | undefined): CachedHistory {
    if (known !== undefined && (read === undefined || read.events.length === 0)) return known;
    const events = (read?.events ?? []).map((stored) => this.#mapper.toEvent(stored));
    if (known === undefined) return { snapshot: read?.snapshot, events };
    return { snapshot: known.snapshot, events: known.events.concat(events) };
  }

  /** Undefined if the history starts at a snapshot that this class cannot read. */
  #built<A extends Aggregate>(kind: AggregateClass<A>, id: string, history: CachedHistory): A | undefined {
    const aggregate = new kind(id);
    if (history.snapshot !== undefined && !this.#restore(aggregate, kind, history.snapshot)) return undefined;
    return this.#replayed(aggregate, history);
  }

  #restore<A extends Aggregate>(aggregate: A, kind: AggregateClass<A>, snapshot: StoredSnapshot): boolean {
    if (snapshot.schema !== kind.snapshotSchema) return false;
    try {
      const state = this.#mapper.toState(snapshot.state);
      aggregateInternals.restore(aggregate, state, snapshot.originatorVersion);
      return true;
    } catch {
      return false;
    }
  }

  #replayed<A extends Aggregate>(aggregate: A, history: CachedHistory): A {
    for (const event of history.events) aggregateInternals.replay(aggregate, event);
    return aggregate;
  }
}

function newestOf(originatorId: string, known: CachedHistory | undefined): HistoryRequest {
  if (known === undefined) return { originatorId, after: 0, useSnapshot: true };
  return { originatorId, after: versionOf(known), useSnapshot: false };
}

function existing<A extends Aggregate>(aggregate: A): A | undefined {
  return aggregate.version === 0 || aggregateInternals.isDiscarded(aggregate) ? undefined : aggregate;
}
