import { inspect } from 'node:util';
import { Aggregate, type AggregateClass } from '../../domain/aggregate.ts';
import { type EventMapper, EventNotDecodableError } from '../../storage/codec/event-mapper.ts';
import type { HistoryRequest, Recorder } from '../../storage/recorder.ts';
import { kindInOtherCopy } from '../../util/environment/copies.ts';
import { assertId } from '../../util/ids.ts';
import { InvalidArgumentError } from '../../util/options.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { UnknownEventError } from '../errors.ts';
import { memoryBounds } from '../memory-bounds.ts';
import type { Snapshots } from '../snapshots/snapshots.ts';
import { AggregateLoadError } from './errors.ts';
import { type CachedHistory, type Damage, type HistoryCache, versionOf } from './history-cache.ts';
import { HistoryDecoder } from './history-decoder.ts';
import { replay } from './replay.ts';

/** Most events that are applied to an aggregate without yielding to the event loop. */
const replayedAtOnce = 1_000;

/** Loads aggregates from the cache and the recorder. */
export class AggregateLoader {
  readonly #recorder: Recorder;
  readonly #mapper: EventMapper;
  readonly #cache: HistoryCache;
  readonly #snapshots: Snapshots;
  readonly #decoder: HistoryDecoder;

  /** @param isKnown Whether the application declares a type of events. */
  constructor(
    recorder: Recorder,
    mapper: EventMapper,
    cache: HistoryCache,
    snapshots: Snapshots,
    isKnown: (eventType: string) => boolean,
  ) {
    this.#recorder = recorder;
    this.#mapper = mapper;
    this.#cache = cache;
    this.#snapshots = snapshots;
    this.#decoder = new HistoryDecoder(mapper, isKnown);
  }

  /** Loads the newest histories of the first of many aggregates in one read: of all that fit in memory, at least one. */
  async histories(ids: readonly string[]): Promise<readonly CachedHistory[]> {
    const known = ids.map((id) => this.#cache.get(id));
    const requests = ids.map((id, i) => newestOf(id, known[i]));
    const read = await this.#recorder.histories(requests, memoryBounds.page);
    const histories: CachedHistory[] = [];
    for (let i = 0; i < read.length; i += 1) {
      const id = ids[i] as string;
      const joined = this.#decoder.join(known[i], read[i]) ?? this.#readAgain(id);
      const history = joined instanceof Promise ? await joined : joined;
      if (history !== known[i]) this.#remember(id, history);
      histories.push(history);
    }
    return histories;
  }

  /** Builds an aggregate from its history. Its version is 0 if the history is empty. */
  build<A extends Aggregate>(
    aggregateClass: AggregateClass<A>,
    id: string,
    history: CachedHistory,
  ): A | Promise<A> {
    return (
      this.#built(aggregateClass, id, history) ?? this.#buildFromWhole(aggregateClass, id, versionOf(history))
    );
  }

  /** Loads the newest state of an aggregate, also if it is discarded; undefined if it has no events. */
  async load<A extends Aggregate>(aggregateClass: AggregateClass<A>, id: string): Promise<A | undefined> {
    assertClassAndId(aggregateClass, id);
    const [history] = await this.histories([id]);
    const aggregate = history && (await this.build(aggregateClass, id, history));
    return aggregate?.version === 0 ? undefined : aggregate;
  }

  /** Loads an aggregate at a version, also one that was discarded; undefined if it never had that version. */
  async loadAt<A extends Aggregate>(
    aggregateClass: AggregateClass<A>,
    id: string,
    version: number,
  ): Promise<A | undefined> {
    assertClassAndId(aggregateClass, id);
    const request: HistoryRequest = { originatorId: id, after: 0, upTo: version, useSnapshot: true };
    const [read] = await this.#recorder.histories([request]);
    const aggregate = await (this.#built(aggregateClass, id, await this.#decoder.start(read)) ??
      this.#replayed(this.#made(aggregateClass, id), await this.#readWhole(id, version)));
    return aggregate.version === version && version > 0 ? aggregate : undefined;
  }

  async #buildFromWhole<A extends Aggregate>(
    aggregateClass: AggregateClass<A>,
    id: string,
    version: number,
  ): Promise<A> {
    const whole = await this.#readWhole(id, version);
    this.#remember(id, whole);
    return this.#replayed(this.#made(aggregateClass, id), whole);
  }

  #remember(id: string, history: CachedHistory): void {
    if (history.damage === undefined) this.#cache.set(id, history);
  }

  async #readAgain(id: string): Promise<CachedHistory> {
    const [read] = await this.#recorder.histories([newestOf(id, undefined)]);
    return await this.#decoder.start(read);
  }

  async #readWhole(originatorId: string, upTo?: number): Promise<CachedHistory> {
    const bound = upTo === undefined ? {} : { upTo };
    const [read] = await this.#recorder.histories([{ originatorId, after: 0, useSnapshot: false, ...bound }]);
    return await this.#decoder.start(read);
  }

  /** Returns undefined if the history starts with a snapshot that this class cannot restore. */
  #built<A extends Aggregate>(
    aggregateClass: AggregateClass<A>,
    id: string,
    history: CachedHistory,
  ): A | Promise<A> | undefined {
    if (aggregateClass.snapshotEvery !== undefined) this.#snapshots.assertClass(aggregateClass);
    const aggregate = this.#made(aggregateClass, id);
    const { snapshot } = history;
    if (snapshot !== undefined && !this.#snapshots.restore(aggregate, snapshot)) return undefined;
    return this.#replayed(aggregate, history);
  }

  #made<A extends Aggregate>(aggregateClass: AggregateClass<A>, id: string): A {
    try {
      return new aggregateClass(id);
    } catch (cause) {
      throw this.#loadError(aggregateClass, id, 'the constructor', undefined, cause);
    }
  }

  /** Applies the events of a history from an index on; a long history is applied in slices. */
  #replayed<A extends Aggregate>(aggregate: A, history: CachedHistory, from = 0): A | Promise<A> {
    const { events, damage } = history;
    const end = from + replayedAtOnce;
    for (const event of from === 0 && end >= events.length ? events : events.slice(from, end))
      replay(this.#mapper.applicationName, aggregate, event);
    if (end < events.length) return yieldIfBusy().then(() => this.#replayed(aggregate, history, end));
    if (damage === undefined) return aggregate;
    const aggregateClass = aggregate.constructor;
    const { event, error } = damage;
    if (error === undefined)
      throw new UnknownEventError(this.#mapper.applicationName, event, aggregateClass.name);
    const cause = error instanceof EventNotDecodableError ? error.cause : error;
    throw this.#loadError(aggregateClass, aggregate.id, 'decoding', event, cause);
  }

  #loadError(
    { name: className }: { readonly name: string },
    originatorId: string,
    what: string,
    event: Damage['event'] | undefined,
    cause: unknown,
  ): AggregateLoadError {
    const { applicationName } = this.#mapper;
    return new AggregateLoadError({ applicationName, className, originatorId }, what, event, cause);
  }
}

/** Throws {@link InvalidArgumentError} or {@link InvalidIdError} unless these are an aggregate class and an id. */
export function assertClassAndId(aggregateClass: unknown, id: unknown): void {
  if (typeof aggregateClass !== 'function' || !(aggregateClass.prototype instanceof Aggregate)) {
    const got = kindInOtherCopy(aggregateClass) ?? inspect(aggregateClass, { depth: 0 });
    throw new InvalidArgumentError(
      `Expected a class of aggregates and an id, as in get(Order, id), got ${got}.`,
    );
  }
  assertId(id, () => `the id of ${aggregateClass.name}`);
}

function newestOf(originatorId: string, known: CachedHistory | undefined): HistoryRequest {
  if (known === undefined) return { originatorId, after: 0, useSnapshot: true };
  // The last event is read again, because the storage may have been restored from an older copy.
  return { originatorId, after: versionOf(known) - 1, useSnapshot: false };
}
