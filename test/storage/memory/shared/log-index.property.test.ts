// A replica that only reads has an index of the journal; one that records has all contents.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemoryRecorder } from '../../../../src/storage/memory/recorder.ts';
import { SharableMemory } from '../../../../src/storage/memory/shared/sharable-memory.ts';
import type { ProcessEvent, Recorder } from '../../../../src/storage/recorder.ts';
import type { LogPlace, StoredEvent } from '../../../../src/storage/stored-event.ts';
import { propertyRuns } from '../../../support/seed.ts';

const pipelineIds = [0, 1, 7];
const keys = ['a', 'b'];
const upstreamNames = ['orders', 'orders of 1'];

interface PlannedEvent {
  readonly key: string;
  readonly dependencies: readonly LogPlace[] | undefined;
  /** The event has a cause with this id, a correlation id and metadata, or none of them. */
  readonly causeId: number | undefined;
  /** Whether the event has no place in the log. */
  readonly isUnlisted: boolean;
}

/** One process event of a call, with optional events, snapshot and position. */
interface Planned {
  readonly events: readonly PlannedEvent[];
  readonly snapshotOf: string | undefined;
  readonly upstreamName: string | undefined;
}

interface Step {
  readonly pipelineId: number;
  readonly together: readonly Planned[];
  /** Reads after the call, so that the next one starts inside an entry. */
  readonly reads: readonly { readonly pipelineId: number; readonly after: number; readonly limit: number }[];
}

interface Scenario {
  readonly steps: readonly Step[];
  /** Index of the step before which the memory is shared. */
  readonly sharedAt: number;
  /** Index of the step after which the reader reads a history, and so keeps all contents. */
  readonly historyAt: number;
}

const pipeline = fc.constantFrom(...pipelineIds);
const place = fc
  .tuple(pipeline, fc.integer({ min: 1, max: 9 }))
  .map(([pipelineId, notificationId]): LogPlace => ({ pipelineId, notificationId }));
const planned: fc.Arbitrary<Planned> = fc.record({
  events: fc.array(
    fc.record({
      key: fc.constantFrom(...keys),
      dependencies: fc.option(fc.array(place, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 2 }),
      causeId: fc.option(fc.integer({ min: 1, max: 99 }), { nil: undefined }),
      isUnlisted: fc.boolean(),
    }),
    { maxLength: 4 },
  ),
  snapshotOf: fc.option(fc.constantFrom(...keys), { nil: undefined }),
  upstreamName: fc.option(fc.constantFrom(...upstreamNames), { nil: undefined }),
});
const read = fc.record({
  pipelineId: pipeline,
  after: fc.integer({ min: 0, max: 12 }),
  limit: fc.integer({ min: 0, max: 6 }),
});
const scenarios: fc.Arbitrary<Scenario> = fc.record({
  steps: fc.array(
    fc.record({
      pipelineId: pipeline,
      together: fc.array(planned, { maxLength: 3 }),
      reads: fc.array(read, { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 10 },
  ),
  sharedAt: fc.integer({ min: 0, max: 4 }),
  historyAt: fc.integer({ min: 0, max: 20 }),
});

/** Creates process events that can be recorded next. */
class Maker {
  readonly #versions = new Map<string, number>();
  readonly #positions = new Map<string, number>();

  made(pipelineId: number, { events, snapshotOf, upstreamName }: Planned): ProcessEvent {
    const made = {
      events: events.map((event) => this.#event(event)),
      snapshots: this.#snapshots(snapshotOf),
    };
    if (upstreamName === undefined) return made;
    const log = `${pipelineId}: ${upstreamName}`;
    const expected = this.#positions.get(log) ?? 0;
    this.#positions.set(log, expected + 2);
    return { ...made, tracking: { upstreamName, expected, position: expected + 2 } };
  }

  #event({ key: originatorId, dependencies, causeId, isUnlisted }: PlannedEvent): StoredEvent {
    const originatorVersion = (this.#versions.get(originatorId) ?? 0) + 1;
    this.#versions.set(originatorId, originatorVersion);
    const event = {
      originatorId,
      originatorVersion,
      type: 'Made',
      data: `"é${originatorVersion}"`,
      timestamp: 5,
    };
    const cause = { applicationName: 'orders', pipelineId: 7, notificationId: causeId ?? 0 };
    return {
      ...event,
      ...(dependencies !== undefined && { dependencies }),
      ...(causeId !== undefined && { cause, correlationId: originatorId, metadata: `{"é":${causeId}}` }),
      ...(isUnlisted && { notifiable: false }),
    };
  }

  #snapshots(originatorId: string | undefined): ProcessEvent['snapshots'] {
    const version = this.#versions.get(originatorId ?? '');
    if (originatorId === undefined || version === undefined) return [];
    return [{ originatorId, originatorVersion: version, schema: 1, state: `{"version":${version}}` }];
  }
}

async function everyRead(recorder: Recorder): Promise<unknown> {
  const found: unknown[] = [await recorder.logs(), await recorder.positions()];
  for (const pipelineId of pipelineIds) {
    const head = await recorder.head(pipelineId);
    found.push(head, await Promise.all(upstreamNames.map((name) => recorder.position(pipelineId, name))));
    for (let after = 0; after <= head + 1; after += 1) {
      for (const limit of [0, 1, 2, 5, 1_000])
        found.push(
          await recorder.notifications(pipelineId, after, limit),
          await recorder.notifications(pipelineId, after, limit, 20),
          await recorder.causes(pipelineId, after, limit),
        );
    }
  }
  return found;
}

async function play({ steps, sharedAt, historyAt }: Scenario): Promise<void> {
  const home = new SharableMemory('orders');
  const writer = new MemoryRecorder(home);
  const maker = new Maker();
  let reader: Recorder | undefined;
  for (const [index, { pipelineId, together, reads }] of steps.entries()) {
    if (index === sharedAt) reader = new MemoryRecorder(SharableMemory.join('orders', home.share()));
    await writer.record(
      pipelineId,
      together.map((one) => maker.made(pipelineId, one)),
    );
    if (reader === undefined) continue;
    for (const read of reads) {
      const notifications = await reader.notifications(read.pipelineId, read.after, read.limit);
      expect(notifications).toStrictEqual(
        await writer.notifications(read.pipelineId, read.after, read.limit),
      );
    }
    if (index !== historyAt) continue;
    const requests = keys.map((originatorId) => ({ originatorId, after: 0, useSnapshot: true }));
    expect(await reader.histories(requests)).toStrictEqual(await writer.histories(requests));
  }
  reader ??= new MemoryRecorder(SharableMemory.join('orders', home.share()));
  const plain = await everyRead(writer);
  expect(await everyRead(reader)).toStrictEqual(plain);
}

test('a replica that only reads returns the same as the one that records', async () => {
  await fc.assert(fc.asyncProperty(scenarios, play), propertyRuns(50, 200));
});

test('reads a call with more events than a function can have arguments', async () => {
  const home = new SharableMemory('orders');
  const reader = new MemoryRecorder(SharableMemory.join('orders', home.share()));
  const count = 200_000;
  const events = Array.from({ length: count }, (_, index): StoredEvent => {
    return { originatorId: 'a', originatorVersion: index + 1, type: 'Made', data: '{}', timestamp: 5 };
  });
  await new MemoryRecorder(home).record(0, [{ events, snapshots: [] }]);
  const read = await reader.notifications(0, 1, count);
  expect([read.length, read[0]?.id, read.at(-1)?.id]).toEqual([count - 1, 2, count]);
});
