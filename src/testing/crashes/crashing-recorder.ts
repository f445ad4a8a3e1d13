import { ForwardingRecorder } from '../../storage/layers/forwarding-recorder.ts';
import type { ProcessEvent, Recorder, WriteLock } from '../../storage/recorder.ts';
import type { StoredSnapshot } from '../../storage/stored-event.ts';
import type { CrashPlan } from './crash-plan.ts';

/** A recorder of a process that may crash. */
export class CrashingRecorder extends ForwardingRecorder {
  readonly #applicationName: string;
  readonly #plan: CrashPlan;

  constructor(inner: Recorder, applicationName: string, plan: CrashPlan) {
    super(inner);
    this.#applicationName = applicationName;
    this.#plan = plan;
  }

  override record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    return this.#record(processEvents, (all) => this.inner.record(pipelineId, all));
  }

  override recordHandledTypes(
    pipelineId: number,
    upstreamName: string,
    expectedVersion: number,
    types: readonly string[],
  ): Promise<number> {
    const record = (version: number) =>
      this.inner.recordHandledTypes(pipelineId, upstreamName, version, types);
    return this.#plan.recording({
      applicationName: this.#applicationName,
      contents: `handled types of '${upstreamName}'`,
      record: () => record(expectedVersion),
      breakOff: () => record(expectedVersion + 1_000_000),
    });
  }

  override recordSnapshots(snapshots: readonly StoredSnapshot[]): Promise<void> {
    return this.#plan.recording({
      applicationName: this.#applicationName,
      contents: 'snapshots',
      record: () => this.inner.recordSnapshots(snapshots),
    });
  }

  protected override explained<T>(result: Promise<T>): Promise<T> {
    return this.#plan.reading(this.#applicationName, result);
  }

  protected override lockOf(lock: WriteLock): WriteLock {
    this.#plan.locked(lock);
    return {
      get handle() {
        return lock.handle;
      },
      record: (pipelineId, processEvents) =>
        this.#record(processEvents, (all) => lock.record(pipelineId, all)).finally(() =>
          this.#plan.unlocked(lock),
        ),
      release: (reason) => {
        this.#plan.unlocked(lock);
        return lock.release(reason);
      },
    };
  }

  #record(
    processEvents: readonly ProcessEvent[],
    record: (all: readonly ProcessEvent[]) => Promise<number>,
  ): Promise<number> {
    return this.#plan.recording({
      applicationName: this.#applicationName,
      contents: contentsOf(processEvents),
      record: () => record(processEvents),
      breakOff: () => record([...processEvents, refused]),
    });
  }
}

/** A process event that every storage refuses, so that it rolls back the transaction. */
const refused: ProcessEvent = {
  events: [],
  snapshots: [],
  tracking: { upstreamName: 'crash', expected: 1, position: 2 },
};

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
