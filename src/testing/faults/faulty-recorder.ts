import { PositionConflictError, RecordConflictError } from '../../storage/errors.ts';
import { ForwardingRecorder } from '../../storage/layers/forwarding-recorder.ts';
import type { ProcessEvent, Recorder, WriteLock } from '../../storage/recorder.ts';
import type { StoredSnapshot } from '../../storage/stored-event.ts';
import type { FaultyProcess } from './faulty-process.ts';

type RecordAll = (processEvents: readonly ProcessEvent[]) => Promise<number>;

/** A recorder in a process that meets faults. */
export class FaultyRecorder extends ForwardingRecorder {
  readonly #applicationName: string;
  readonly #process: FaultyProcess;

  constructor(inner: Recorder, applicationName: string, process: FaultyProcess) {
    super(inner);
    this.#applicationName = applicationName;
    this.#process = process;
  }

  override record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    return this.#record(pipelineId, processEvents, (all) => this.inner.record(pipelineId, all));
  }

  override recordHandledTypes(
    pipelineId: number,
    upstreamName: string,
    expectedVersion: number,
    types: readonly string[],
  ): Promise<number> {
    const record = (version: number) =>
      this.inner.recordHandledTypes(pipelineId, upstreamName, version, types);
    return this.#process.recording({
      applicationName: this.#applicationName,
      contents: `handled types of '${upstreamName}'`,
      record: () => record(expectedVersion),
      breakOff: () => record(expectedVersion + 1_000_000),
    });
  }

  override recordSnapshots(snapshots: readonly StoredSnapshot[]): Promise<void> {
    return this.#process.recording({
      applicationName: this.#applicationName,
      contents: 'snapshots',
      record: () => this.inner.recordSnapshots(snapshots),
    });
  }

  protected override explained<T>(result: Promise<T>): Promise<T> {
    return this.#process.reading(this.#applicationName, result);
  }

  protected override lockOf(lock: WriteLock): WriteLock {
    const release: WriteLock['release'] = (reason) => {
      this.#process.unlocked(lock);
      return lock.release(reason);
    };
    this.#process.locked(lock);
    return {
      get handle() {
        return lock.handle;
      },
      record: async (pipelineId, processEvents) => {
        try {
          return await this.#record(pipelineId, processEvents, (all) => lock.record(pipelineId, all));
        } finally {
          await release();
        }
      },
      release,
    };
  }

  async #record(
    pipelineId: number,
    processEvents: readonly ProcessEvent[],
    record: RecordAll,
  ): Promise<number> {
    const applicationName = this.#applicationName;
    this.#process.begin();
    const head = await this.#process.recording({
      applicationName,
      contents: contentsOf(processEvents),
      record: () => record(processEvents),
      breakOff: () => record([...processEvents, refused]),
      lostRace: () => lostRace(applicationName, processEvents),
    });
    this.#process.grown({ applicationName, pipelineId, head });
    return head;
  }
}

/** A process event that every storage refuses, so that it rolls back the transaction. */
const refused: ProcessEvent = {
  events: [],
  snapshots: [],
  tracking: { upstreamName: 'crash', expected: 1, position: 2 },
};

/** Creates the conflict error of the first position or event of a batch; undefined if the batch has neither. */
function lostRace(applicationName: string, [first]: readonly ProcessEvent[]): Error | undefined {
  if (first?.tracking !== undefined) {
    const { upstreamName, expected, position } = first.tracking;
    return new PositionConflictError(applicationName, upstreamName, { position: expected }, { position });
  }
  const event = first?.events[0];
  if (event === undefined) return undefined;
  const { originatorId, originatorVersion } = event;
  return new RecordConflictError(applicationName, originatorId, originatorVersion, originatorVersion);
}

/** Describes what is recorded, for messages. */
function contentsOf(processEvents: readonly ProcessEvent[]): string {
  const parts: string[] = [];
  for (const { events, tracking, parked = [], operation } of processEvents) {
    parts.push(...events.map(({ type }) => type));
    if (tracking !== undefined) parts.push(`position ${tracking.position} in '${tracking.upstreamName}'`);
    if (parked.length > 0) parts.push('parked notifications');
    if (operation !== undefined) parts.push(`operation '${operation.kind}'`);
  }
  const shown = parts.slice(0, 5).join(', ');
  return parts.length > 5 ? `${shown}, …` : shown;
}
