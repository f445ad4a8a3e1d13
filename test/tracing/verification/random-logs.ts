import fc from 'fast-check';
import type { StorageDescription } from 'kahn';
import type { Recorder } from '../../../src/storage/recorder.ts';
import { type OpenedStorage, openStorage } from '../../../src/storage/storage.ts';
import type { StoredEvent } from '../../../src/storage/stored-event.ts';

export const applicationNames = ['a', 'b', 'c'] as const;
const pipelineIds = [0, 1, 2];

/** Something that an application records: events of a command, or the effects of a batch of notifications. */
export type Step =
  | {
      readonly kind: 'command';
      readonly who: number;
      readonly pipelineId: number;
      readonly aggregates: number[];
    }
  | {
      readonly kind: 'batch';
      readonly who: number;
      readonly pipelineId: number;
      readonly upstream: number;
      /** Aggregates that change, for each notification. */
      readonly aggregates: number[][];
    };

const who = fc.nat(applicationNames.length - 1);
const pipelineId = fc.constantFrom(...pipelineIds);
const aggregates = fc.array(fc.nat(4), { maxLength: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('command' as const), who, pipelineId, aggregates }),
  fc.record({
    kind: fc.constant('batch' as const),
    who,
    pipelineId,
    upstream: who,
    aggregates: fc.array(aggregates, { minLength: 1, maxLength: 4 }),
  }),
);
export const steps: fc.Arbitrary<readonly Step[]> = fc.array(step, { minLength: 10, maxLength: 60 });

/** Applications that follow each other and themselves, and record as the library does. */
export class RandomLogs {
  readonly recorders: ReadonlyMap<string, Recorder>;
  readonly #opened: OpenedStorage;
  readonly #versions = new Map<string, number>();

  private constructor(opened: OpenedStorage, recorders: ReadonlyMap<string, Recorder>) {
    this.#opened = opened;
    this.recorders = recorders;
  }

  static async open(storage: StorageDescription): Promise<RandomLogs> {
    const opened = await openStorage(storage);
    const recorders = new Map<string, Recorder>();
    for (const applicationName of applicationNames)
      recorders.set(applicationName, await opened.openRecorder({ applicationName, setupTables: true }));
    return new RandomLogs(opened, recorders);
  }

  async take(taken: Step): Promise<void> {
    const applicationName = applicationNames[taken.who]!;
    const recorder = this.recorders.get(applicationName)!;
    const { pipelineId } = taken;
    if (taken.kind === 'command') {
      const events = taken.aggregates.map((aggregate) => this.#event(applicationName, aggregate));
      await recorder.record(pipelineId, [{ events, snapshots: [] }]);
      return;
    }
    const upstreamName = applicationNames[taken.upstream]!;
    const expected = (await recorder.position(pipelineId, upstreamName)).position;
    const upstream = this.recorders.get(upstreamName)!;
    const notifications = await upstream.notifications(pipelineId, expected, taken.aggregates.length);
    const position = notifications.at(-1)?.id;
    if (position === undefined) return;
    const events = notifications.flatMap(({ id: notificationId }, i) =>
      taken.aggregates[i]!.map((aggregate) => ({
        ...this.#event(applicationName, aggregate),
        cause: { applicationName: upstreamName, pipelineId, notificationId },
      })),
    );
    const tracking = { upstreamName, expected, position };
    await recorder.record(pipelineId, [{ events, snapshots: [], tracking }]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const recorder of this.recorders.values()) await recorder.close();
    await this.#opened.close();
  }

  /** Any pipeline of an application may record the next event of an aggregate. */
  #event(applicationName: string, aggregate: number): StoredEvent {
    const originatorId = `${applicationName}${aggregate}`;
    const originatorVersion = (this.#versions.get(originatorId) ?? 0) + 1;
    this.#versions.set(originatorId, originatorVersion);
    return { originatorId, originatorVersion, type: 'Changed', data: '{}', timestamp: 0 };
  }
}
