import type { Cause } from '../../domain/provenance.ts';
import { ForwardingRecorder } from '../layers/forwarding-recorder.ts';
import { inOrder } from '../name-order.ts';
import type { ParkedCount, ParkedNotification, ParkedRequest } from '../parked.ts';
import type {
  History,
  HistoryRequest,
  ProcessEvent,
  RecordedPosition,
  Recorder,
  Tracking,
  WriteLock,
} from '../recorder.ts';
import type { StoredEvent, StoredNotification } from '../stored-event.ts';
import { type LogNames, throwRenamed, withCauseName, withName, withUpstream } from './log-names.ts';

/** Translates the names of upstreams and causes between code and storage. */
export class RenamedRecorder extends ForwardingRecorder {
  readonly #names: LogNames;

  constructor(inner: Recorder, names: LogNames) {
    super(inner);
    this.#names = names;
  }

  override recordedName(applicationName: string): string {
    return this.#names.recorded(applicationName);
  }

  protected override explained<T>(result: Promise<T>): Promise<T> {
    return result.catch((error: unknown) => throwRenamed(error, this.#names));
  }

  override record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    return super.record(pipelineId, processEvents.map(this.#toRecorded));
  }

  protected override lockOf(lock: WriteLock): WriteLock {
    return {
      get handle() {
        return lock.handle;
      },
      record: (pipelineId, processEvents) =>
        this.explained(lock.record(pipelineId, processEvents.map(this.#toRecorded))),
      release: (reason) => lock.release(reason),
    };
  }

  override async histories(
    requests: readonly HistoryRequest[],
    maxSize?: number,
  ): Promise<readonly History[]> {
    const histories = await super.histories(requests, maxSize);
    return histories.map(({ snapshot, events }) => ({ snapshot, events: events.map(this.#toCurrent) }));
  }

  override async notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize?: number,
  ): Promise<readonly StoredNotification[]> {
    const found = await super.notifications(pipelineId, after, limit, maxSize);
    return found.map(this.#toCurrent);
  }

  override async causes(
    pipelineId: number,
    after: number,
    limit: number,
  ): Promise<readonly (Cause | undefined)[]> {
    const causes = await super.causes(pipelineId, after, limit);
    return causes.map((cause) => cause && withName(cause, this.#current));
  }

  override async position(pipelineId: number, upstreamName: string): Promise<RecordedPosition> {
    return this.#position(await super.position(pipelineId, this.#names.recorded(upstreamName)));
  }

  override async positions(): Promise<readonly RecordedPosition[]> {
    const positions = await super.positions();
    return inOrder(positions.map(this.#position));
  }

  protected override async parkedOf(
    request: ParkedRequest,
    read: (request: ParkedRequest) => Promise<readonly ParkedNotification[]>,
  ): Promise<readonly ParkedNotification[]> {
    const { upstreamName } = request;
    const found = await read(
      upstreamName === undefined ? request : { ...request, upstreamName: this.#recorded(upstreamName) },
    );
    return found.map((one) => withUpstream(one, this.#current));
  }

  protected override countsOf(counts: readonly ParkedCount[]): readonly ParkedCount[] {
    return inOrder(counts.map((one) => withUpstream(one, this.#current)));
  }

  override recordHandledTypes(
    pipelineId: number,
    upstreamName: string,
    expectedVersion: number,
    types: readonly string[],
  ): Promise<number> {
    const recorded = this.#names.recorded(upstreamName);
    return super.recordHandledTypes(pipelineId, recorded, expectedVersion, types);
  }

  readonly #current = (recorded: string): string => this.#names.current(recorded);
  readonly #recorded = (current: string): string => this.#names.recorded(current);

  readonly #toCurrent = <E extends StoredEvent>(event: E): E => withCauseName(event, this.#current);

  readonly #toRecorded = (processEvent: ProcessEvent): ProcessEvent => {
    const { events, tracking, parked } = processEvent;
    return {
      ...processEvent,
      events: events.map((event) => withCauseName(event, this.#recorded)),
      ...(tracking && { tracking: new RenamedTracking(tracking, this.#names) }),
      ...(parked && { parked: parked.map((one) => withUpstream(one, this.#recorded)) }),
    };
  };

  readonly #position = (position: RecordedPosition): RecordedPosition =>
    withUpstream(position, this.#current);
}

/** Moves a position in the log of a renamed upstream. Its mark is computed when a storage reads it. */
class RenamedTracking implements Tracking {
  readonly upstreamName: string;
  readonly expected: number;
  readonly position: number;
  readonly typesVersion: number;
  readonly #tracking: Tracking;

  constructor(tracking: Tracking, names: LogNames) {
    const { upstreamName, expected, position, typesVersion = 0 } = tracking;
    this.upstreamName = names.recorded(upstreamName);
    this.expected = expected;
    this.position = position;
    this.typesVersion = typesVersion;
    this.#tracking = tracking;
  }

  get mark(): string | undefined {
    return this.#tracking.mark;
  }
}
