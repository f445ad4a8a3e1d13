import type { Aggregate, PendingEvent } from '../../domain/aggregate.ts';
import type { DomainEvent } from '../../domain/event.ts';
import { specificationOf } from '../../domain/events/define-events.ts';
import { unloggedTypes } from '../../domain/events/unlogged-types.ts';
import type { CarryMetadata } from '../../domain/provenance.ts';
import { schemaChecks } from '../../domain/validation/schema-checks.ts';
import { EventMapper } from '../../storage/codec/event-mapper.ts';
import type { Transcoder } from '../../storage/codec/transcoder.ts';
import { recordedNameIn } from '../../storage/layers/forwarding-recorder.ts';
import { assertRecordable } from '../../storage/limits.ts';
import type { EventKey, ProcessEvent, RecordedRows, Recorder, Tracking } from '../../storage/recorder.ts';
import type { StoredEvent, StoredProvenance, StoredSnapshot } from '../../storage/stored-event.ts';
import { UndeclaredEventError, UnsavableEventError } from '../errors.ts';
import { RecentNotifications } from '../log/recent-notifications.ts';
import { holdCiphers } from '../personal/held-ciphers.ts';
import { whenSealed } from '../personal/seal-personal.ts';
import { Snapshots } from '../snapshots/snapshots.ts';
import { AggregateLoader } from './aggregate-loader.ts';
import { basesOf, withDependencies } from './causal-dependencies.ts';
import { type CachedHistory, HistoryCache } from './history-cache.ts';

/** A process event that is ready to be recorded, and its decoded events. */
export interface PreparedEvents {
  readonly processEvent: ProcessEvent;
  readonly events: readonly DomainEvent[];
  /** Those of the events that get a place in the log. */
  readonly logged: readonly DomainEvent[];
  /** Characters of text that are recorded. */
  readonly size: number;
  /** Recorded versions that the events build on; empty unless causal dependencies are recorded. */
  readonly bases: readonly EventKey[];
  /** Id of the last notification of these events, 0 if they have none; undefined until they are recorded. */
  notificationId: number | undefined;
  /** Settles when what follows from these events is processed; undefined if their save does not wait for that. */
  followed: Promise<void> | undefined;
}

export interface EventStoreOptions {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly emits: readonly string[];
  /** Types that commands may record; undefined for all. */
  readonly saves?: readonly string[] | undefined;
  /** Number of notifications in a section of the log; undefined for the default. */
  readonly sectionSize?: number | undefined;
  readonly causalDependencies: boolean;
  readonly recorder: Recorder;
  /** Rows of the application; undefined if it records none. */
  readonly rows?: RecordedRows | undefined;
  readonly transcoder: Transcoder;
  readonly cacheSize: number;
  readonly carryMetadata?: CarryMetadata;
}

/** Records the events of one application's aggregates, and loads the aggregates. */
export class EventStore {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly recorder: Recorder;
  /** Rows of the application; undefined if it records none. */
  readonly rows: RecordedRows | undefined;
  readonly mapper: EventMapper;
  readonly loader: AggregateLoader;
  /** What was recorded last in the log, by this store or another one of {@link inPipeline}. */
  readonly recent: RecentNotifications;
  readonly #recent: Map<number, RecentNotifications>;
  readonly #options: EventStoreOptions;
  readonly #emits: ReadonlySet<string>;
  /** Types of events that get no place in the log; undefined if there are none. */
  readonly #unlogged: ReadonlySet<string> | undefined;
  readonly #transcoder: Transcoder;
  readonly #cache: HistoryCache;
  readonly #snapshots: Snapshots;
  /** Checks data against the schema of its type; undefined if no type has one. */
  readonly #assertFits: ((event: DomainEvent) => void) | undefined;

  /** @param recent What was recorded last in the logs, by pipeline. */
  constructor(options: EventStoreOptions, recent: Map<number, RecentNotifications> = new Map()) {
    this.#options = options;
    this.#transcoder = options.transcoder;
    this.applicationName = options.applicationName;
    this.pipelineId = options.pipelineId;
    this.recorder = options.recorder;
    this.rows = options.rows;
    this.mapper = this.mapperOf(options.applicationName, options.emits);
    this.#emits = new Set(options.emits);
    this.#unlogged = unloggedTypes(options.emits);
    this.#cache = new HistoryCache(options.cacheSize);
    this.#snapshots = new Snapshots(this.mapper, options.pipelineId);
    this.#assertFits = schemaChecks(options.applicationName, specificationOf(options.emits), 'record');
    const isKnown = (type: string) => this.mapper.knows(type) ?? this.#emits.has(type);
    this.#recent = recent;
    this.recent = this.recentIn(options.pipelineId);
    this.loader = new AggregateLoader(this.recorder, this.mapper, this.#cache, this.#snapshots, isKnown);
  }

  /**
   * Encodes pending events of aggregates.
   *
   * @param provenanceOf Returns where the event at an index comes from.
   * @throws {@link UndeclaredEventError} if the application does not declare the type of an event.
   * @throws {@link EventInvalidError} if the data of an event does not fit the schema of its type.
   * @throws {@link InvalidSchemaError} if a schema is asynchronous, throws, or changes the data.
   * @throws {@link EventNotEncodableError} if the data of an event cannot be restored exactly.
   * @throws {@link SnapshotNotEncodableError} as {@link Snapshots.due} does.
   * @throws {@link LimitExceededError} if a value is larger than every storage keeps.
   * @throws {@link InvalidTimestampError} if the time of an event is not an integer.
   * @throws {@link NotSealedError} if there is personal data to {@link sealPersonal}.
   */
  prepare(
    pending: readonly PendingEvent[],
    aggregates: readonly Aggregate[],
    provenanceOf: (index: number) => StoredProvenance,
    tracking?: Tracking,
  ): PreparedEvents {
    const events = pending.map(({ event }) => event);
    const stored = events.map((event, index) => {
      if (!this.#emits.has(event.type))
        throw new UndeclaredEventError(this.applicationName, event.type, this.#emits);
      this.#assertFits?.(event);
      const one = this.mapper.toStored(event, provenanceOf(index));
      return this.#isLogged(event) ? one : { ...one, notifiable: false as const };
    });
    const logged = this.#unlogged === undefined ? events : events.filter((event) => this.#isLogged(event));
    const { snapshots, size } = this.#withDueSnapshots(stored, aggregates);
    return {
      processEvent: { events: stored, snapshots, ...(tracking && { tracking }) },
      events,
      logged,
      size,
      bases: this.#options.causalDependencies && logged.length > 0 ? basesOf(aggregates) : [],
      notificationId: undefined,
      followed: undefined,
    };
  }

  /** Returns the name under which storage keeps the log of an application. */
  readonly recordedNameOf = (applicationName: string): string =>
    recordedNameIn(this.recorder, applicationName);

  /** Throws {@link UnsavableEventError} for the first event that commands may not record. */
  assertSavable(pending: readonly PendingEvent[]): void {
    const { saves } = this.#options;
    if (saves === undefined) return;
    for (const { event } of pending) {
      if (saves.includes(event.type) || !this.#emits.has(event.type)) continue;
      throw new UnsavableEventError(this.applicationName, event, saves);
    }
  }

  /** Types of the events that the application may record. */
  get emits(): readonly string[] {
    return this.#options.emits;
  }

  /** Number of notifications in a section of the log; undefined for the default. */
  get sectionSize(): number | undefined {
    return this.#options.sectionSize;
  }

  /** Returns the metadata that the effects of an event carry on; undefined if they carry on all of it. */
  get carryMetadata(): CarryMetadata | undefined {
    return this.#options.carryMetadata;
  }

  /** Returns a store on the same recorder that records in the log of another pipeline. */
  inPipeline(pipelineId: number): EventStore {
    return new EventStore({ ...this.#options, pipelineId }, this.#recent);
  }

  /** Returns what was recorded last in the log of a pipeline, by the stores of {@link inPipeline}. */
  recentIn(pipelineId: number): RecentNotifications {
    const known = this.#recent.get(pipelineId) ?? new RecentNotifications();
    this.#recent.set(pipelineId, known);
    return known;
  }

  /** Returns a mapper that decodes the events of an application, given its `emits` if they are known. */
  mapperOf(applicationName: string, emits: readonly string[] = []): EventMapper {
    return new EventMapper(applicationName, this.#transcoder, specificationOf(emits));
  }

  /**
   * Records process events in one transaction and resolves with the head of the log.
   *
   * @param recorder Recorder, or the write lock of the caller.
   */
  async record(
    prepared: readonly PreparedEvents[],
    recorder: Pick<Recorder, 'record'> = this.recorder,
  ): Promise<number> {
    try {
      const processEvents = this.#options.causalDependencies
        ? await withDependencies(this.recorder, this.pipelineId, prepared)
        : prepared.map(processEventOf);
      const head = await recorder.record(this.pipelineId, processEvents);
      this.#noteRecorded(prepared, processEvents, head);
      return head;
    } catch (error) {
      this.#forget(prepared);
      throw error;
    }
  }

  /**
   * Records a snapshot of an aggregate without pending events.
   *
   * @throws {@link SnapshotNotEncodableError} if the state cannot be restored exactly.
   */
  async recordSnapshot(aggregate: Aggregate): Promise<void> {
    const snapshot = await whenSealed(this.mapper, () => this.#snapshots.take(aggregate));
    assertRecordable(this.applicationName, { events: [], snapshots: [snapshot] });
    await this.recorder.recordSnapshots([snapshot]);
    this.#cache.set(snapshot.originatorId, historyFrom(snapshot));
  }

  /** Takes the snapshots that are due, unless they make the save too large. */
  #withDueSnapshots(
    events: readonly StoredEvent[],
    aggregates: readonly Aggregate[],
  ): { readonly snapshots: readonly StoredSnapshot[]; readonly size: number } {
    const snapshots = this.#snapshots.due(aggregates);
    try {
      return { snapshots, size: assertRecordable(this.applicationName, { events, snapshots }) };
    } catch (error) {
      const size = assertRecordable(this.applicationName, { events, snapshots: [] }); // throws again if the events are too large
      for (const snapshot of snapshots) this.#snapshots.skip(snapshot, error);
      return { snapshots: [], size };
    }
  }

  #noteRecorded(
    prepared: readonly PreparedEvents[],
    processEvents: readonly ProcessEvent[],
    head: number,
  ): void {
    let last = head;
    for (const { logged } of prepared) last -= logged.length;
    for (let i = 0; i < prepared.length; i += 1) {
      const one = prepared[i] as PreparedEvents;
      const { logged } = one;
      this.recent.add(last + 1, loggedOf(one, processEvents[i]), logged);
      last += logged.length;
      one.notificationId = logged.length > 0 ? last : 0;
      this.#remember(one);
    }
  }

  /** Whether an event gets a place in the log. */
  #isLogged({ type }: DomainEvent): boolean {
    return this.#unlogged === undefined || !this.#unlogged.has(type);
  }

  #forget(prepared: readonly PreparedEvents[]): void {
    for (const { events } of prepared) for (const event of events) this.#cache.purge(event.originatorId);
  }

  #remember({ events, processEvent }: PreparedEvents): void {
    this.#cache.append(events, processEvent.events);
    for (const snapshot of processEvent.snapshots)
      this.#cache.set(snapshot.originatorId, historyFrom(snapshot));
  }
}

/** Returns the stored events of a process event that get a place in the log. */
export function loggedOf(
  { events, logged, processEvent }: PreparedEvents,
  { events: stored }: Pick<ProcessEvent, 'events'> = processEvent,
): readonly StoredEvent[] {
  return logged.length === events.length ? stored : stored.filter(({ notifiable }) => notifiable !== false);
}

function processEventOf({ processEvent }: PreparedEvents): ProcessEvent {
  return processEvent;
}

function historyFrom(snapshot: StoredSnapshot): CachedHistory {
  holdCiphers(snapshot, snapshot.state);
  return { snapshot, events: [], length: snapshot.state.length };
}
