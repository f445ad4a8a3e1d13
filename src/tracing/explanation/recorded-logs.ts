import { mayBeOutOfOrder } from '../../application/log/effect-order.ts';
import { memoryBounds } from '../../application/memory-bounds.ts';
import { LateEffects } from '../../application/parking/late-effects.ts';
import { readParked } from '../../application/parking/parked-set.ts';
import { personalStorage } from '../../application/personal/personal-storage.ts';
import { SealedPersonalType } from '../../application/personal/sealed-personal-type.ts';
import { specificationOf } from '../../domain/events/define-events.ts';
import { EventMapper } from '../../storage/codec/event-mapper.ts';
import { Transcoder } from '../../storage/codec/transcoder.ts';
import type { ParkedNotification } from '../../storage/parked.ts';
import type { RecordedPosition, Recorder } from '../../storage/recorder.ts';
import { isUnreadable } from '../../storage/remote/errors.ts';
import { sealing } from '../../storage/sealing/sealed-storage.ts';
import { type OpenedStorage, openStorage, type StorageDescription } from '../../storage/storage.ts';
import { UnknownApplicationError } from '../../system/errors.ts';
import { layersOf, type System } from '../../system/system.ts';
import { nearestOf } from '../../util/nearest-name.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { type EffectReader, type EffectRun, effectRun } from './effect-run.ts';
import { type EventPlace, type ParkedBy, parkedBy, type TracedEvent, tracedEvent } from './traced-event.ts';

/** A parked notification without its reason, which may be long. */
type ParkedSummary = Omit<ParkedNotification, 'reason'>;

/** Parked notifications by pipeline, name of the upstream, and notification id. */
type ParkedByLog = ReadonlyMap<number, ReadonlyMap<string, ReadonlyMap<number, ParkedSummary>>>;

/** Logs of one application as they were when they were opened. */
interface ApplicationLogs {
  readonly recorder: Recorder;
  readonly positions: readonly RecordedPosition[];
  /** What the application has processed after it had parked it. */
  readonly late: LateEffects;
  readonly parked: ParkedByLog;
  /** Id of the last notification by pipeline. */
  readonly heads: ReadonlyMap<number, number>;
  /** Whether the log is in another system that cannot be read now. */
  readonly isUnreadable: boolean;
}

/** An application that follows another one, and its position in that log. */
export interface FollowerPosition {
  readonly applicationName: string;
  readonly position: number;
}

export interface RecordedLogsOptions {
  readonly storage: StorageDescription;
  /** System to which the storage belongs, if it is known: it adds followers that have recorded no position yet. */
  readonly system: System | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The logs of all applications in a storage, open for reading. */
export class RecordedLogs implements AsyncDisposable {
  readonly #options: RecordedLogsOptions;
  readonly #applications: ReadonlyMap<string, ApplicationLogs>;
  readonly #resources: AsyncDisposableStack;
  readonly #transcoder: Transcoder;
  /** Mappers of the applications that are known. */
  readonly #mappers: ReadonlyMap<string, EventMapper>;
  /** Where the last search ended, by follower and log: usually, later searches begin there. */
  readonly #found = new Map<string, { readonly causeId: number; readonly last: number }>();

  private constructor(
    options: RecordedLogsOptions,
    applications: ReadonlyMap<string, ApplicationLogs>,
    resources: AsyncDisposableStack,
  ) {
    this.#options = options;
    this.#applications = applications;
    this.#resources = resources;
    const types = options.system?.types ?? [];
    this.#transcoder = new Transcoder(types, new SealedPersonalType(types, undefined));
    const classes = options.system?.applications ?? [];
    this.#mappers = new Map(
      classes.map(({ applicationName, emits }) => [
        applicationName,
        new EventMapper(applicationName, this.#transcoder, specificationOf(emits)),
      ]),
    );
  }

  /** @throws {@link StorageError} if an application cannot be opened. */
  static async open(options: RecordedLogsOptions): Promise<RecordedLogs> {
    await using resources = new AsyncDisposableStack();
    const openedStorage = await openStorage(options.storage, {
      layers: options.system === undefined ? [sealing({}), personalStorage] : layersOf(options.system),
    });
    resources.defer(() => openedStorage.close());
    const applications = await openAll(openedStorage, resources, options.signal);
    return new RecordedLogs(options, applications, resources.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#resources.disposeAsync();
  }

  has(applicationName: string): boolean {
    return this.#applications.has(applicationName);
  }

  /** Whether the log is in another system that could not be read when it was opened. */
  isUnreadable(applicationName: string): boolean {
    return this.#logsOf(applicationName).isUnreadable;
  }

  /** Returns the id of the last notification of a log; 0 if the log is empty. */
  head({ applicationName, pipelineId }: Omit<EventPlace, 'notificationId'>): number {
    return this.#logsOf(applicationName).heads.get(pipelineId) ?? 0;
  }

  /** Reads the event at a place; undefined if the log ends before it or has a gap there. */
  async read(place: EventPlace): Promise<TracedEvent | undefined> {
    const [event] = await this.readRun(place, 1);
    return event;
  }

  /** Reads the events at `count` places from a place on; fewer if the log ends before or has gaps there. */
  async readRun(place: EventPlace, count: number): Promise<readonly TracedEvent[]> {
    const { recorder } = this.#logsOf(place.applicationName);
    const { pipelineId, notificationId: first } = place;
    const mapper = this.#mappers.get(place.applicationName);
    const last = Math.min(first + count - 1, this.head(place));
    const events: TracedEvent[] = [];
    for (let after = first - 1; after < last; ) {
      await yieldIfBusy();
      const stored = await recorder.notifications(pipelineId, after, last - after, memoryBounds.page);
      for (const one of stored)
        if (one.id <= last) events.push(tracedEvent(place, one, this.#transcoder, mapper));
      after = stored.at(-1)?.id ?? last;
    }
    return events;
  }

  /** Returns the recorded positions in a log, by the names of the followers. */
  followersOf({ applicationName, pipelineId }: EventPlace): readonly FollowerPosition[] {
    return [...this.#applications].flatMap(([name, { positions }]) =>
      positions
        .filter((one) => one.pipelineId === pipelineId && one.upstreamName === applicationName)
        .map(({ position }) => ({ applicationName: name, position })),
    );
  }

  /** Returns the names of followers that have not recorded that they processed an event. */
  unprocessedBy(event: TracedEvent): readonly string[] {
    const recorded = this.followersOf(event);
    const edges = (this.#options.system?.graph.edges ?? []).filter(
      ({ upstream }) => upstream === event.applicationName,
    );
    const waiting = recorded
      .filter(({ position }) => position < event.notificationId)
      .map(({ applicationName }) => applicationName);
    const known = new Set(recorded.map(({ applicationName }) => applicationName));
    const notBegun = edges.map(({ downstream }) => downstream).filter((name) => !known.has(name));
    const types = event.readAs ?? [event.type];
    const ignoring = edges.filter(({ eventTypes }) => !types.some((type) => eventTypes.includes(type)));
    const ignored = new Set(ignoring.map(({ downstream }) => downstream));
    return [...waiting, ...notBegun].filter((name) => !ignored.has(name));
  }

  /** Finds the followers that have parked an event. */
  async parkedBy({ applicationName, pipelineId, notificationId }: EventPlace): Promise<readonly ParkedBy[]> {
    const followers: ParkedBy[] = [];
    for (const [name, { parked, recorder }] of this.#applications) {
      const found = parked.get(pipelineId)?.get(applicationName)?.get(notificationId);
      if (found === undefined) continue;
      const [now] = (await recorder.parked?.({ pipelineId, after: found.id - 1, limit: 1 })) ?? [];
      followers.push(parkedBy(name, found, now?.id === found.id ? now.reason : undefined));
    }
    return followers;
  }

  /** Finds the effects of an event in the log of a follower. */
  async effectsIn(followerName: string, cause: EventPlace): Promise<EffectRun | undefined> {
    const { recorder, heads, late } = this.#logsOf(followerName);
    const head = heads.get(cause.pipelineId) ?? 0;
    const ready = async () => {
      this.#options.signal?.throwIfAborted();
      await yieldIfBusy();
    };
    const reader: EffectReader = {
      head: async () => head,
      causes: async (...page) => {
        await ready();
        return recorder.causes(...page);
      },
      operations: (...page) => recorder.operations(...page),
      notifications: async (...page) => {
        await ready();
        return recorder.notifications(...page);
      },
    };
    const key = [followerName, cause.applicationName, cause.pipelineId].join('\0');
    const before = this.#found.get(key);
    const isBehind = before !== undefined && before.causeId < cause.notificationId;
    const after = isBehind && !(await mayBeOutOfOrder(recorder, cause.pipelineId)) ? before.last : 0;
    const lateOnes = late.of(cause.applicationName, cause.pipelineId);
    const run = await effectRun(reader, cause, after, lateOnes);
    if (run !== undefined && !lateOnes.has(cause.notificationId))
      this.#found.set(key, { causeId: cause.notificationId, last: run.first + run.count - 1 });
    return run;
  }

  #logsOf(applicationName: string): ApplicationLogs {
    this.#options.signal?.throwIfAborted();
    const logs = this.#applications.get(applicationName);
    if (logs !== undefined) return logs;
    const names = [...this.#applications.keys()];
    const nearest = nearestOf(applicationName, names);
    const question = nearest === undefined ? '' : ` Did you mean '${nearest}'?`;
    const list = names.length === 0 ? 'It has none' : `Its applications: ${names.join(', ')}`;
    throw new UnknownApplicationError(
      `The storage has no application '${applicationName}'.${question} ${list}.`,
    );
  }
}

/** Opens the recorders of all applications; `resources` closes them. */
async function openAll(
  openedStorage: OpenedStorage,
  resources: AsyncDisposableStack,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, ApplicationLogs>> {
  const opened: [string, Omit<ApplicationLogs, 'heads' | 'late' | 'isUnreadable'>][] = [];
  for (const applicationName of await openedStorage.applicationNames()) {
    signal?.throwIfAborted();
    const recorder = await openedStorage.openRecorder({ applicationName, setupTables: false });
    resources.defer(() => recorder.close());
    const positions = await recorder.positions();
    opened.push([applicationName, { recorder, positions, parked: await parkedByLog(recorder) }]);
  }
  const applications = new Map<string, ApplicationLogs>();
  for (const [name, logs] of opened) {
    // After all positions and parked notifications, so that what followers have processed is in the logs.
    const places = await logs.recorder.logs().catch((error: unknown) => {
      if (isUnreadable(error, name)) return undefined;
      throw error;
    });
    const heads = new Map(places?.map(({ pipelineId, notificationId }) => [pipelineId, notificationId]));
    const late = new LateEffects(logs.recorder); // after the heads, so that it covers all events up to them
    await late.load();
    applications.set(name, { ...logs, heads, late, isUnreadable: places === undefined });
  }
  return applications;
}

/** Reads which notifications an application has parked. */
async function parkedByLog(recorder: Recorder): Promise<ParkedByLog> {
  const counts = (await recorder.countParked?.()) ?? [];
  const logs = new Map<number, Map<string, Map<number, ParkedSummary>>>();
  for (const { pipelineId, upstreamName } of counts) {
    const ofPipeline = logs.get(pipelineId) ?? new Map<string, Map<number, ParkedSummary>>();
    const parked = new Map<number, ParkedSummary>();
    for await (const { reason: _, ...one } of readParked(recorder, pipelineId, upstreamName))
      parked.set(one.notificationId, one);
    logs.set(pipelineId, ofPipeline.set(upstreamName, parked));
  }
  return logs;
}
