import fc from 'fast-check';
import { memory } from 'kahn';
import { expect, test } from 'vitest';
import { Transcoder } from '../../../src/storage/codec/transcoder.ts';
import { propertyRuns } from '../../support/seed.ts';
import { sealings } from './layers.ts';
import { eventOf, sealedRecorder, snapshotOf } from './opened-recorders.ts';

const transcoder = new Transcoder();

/** Data of any size and kind: small, repetitive, random. */
const data = fc
  .record({
    value: fc.jsonValue(),
    text: fc.string({ unit: 'grapheme' }),
    times: fc.integer({ min: 0, max: 2_000 }),
  })
  .map(({ value, text, times }) => transcoder.encode({ value, text: text.repeat(times) }));

const by = fc.string({ unit: 'grapheme', maxLength: 100 }).map((text) => text.toWellFormed());

for (const [name, options] of Object.entries(sealings)) {
  test(`everything that is ${name} is restored as it was`, async () => {
    const restored = async (texts: readonly string[], who: string) => {
      const recorder = await sealedRecorder(memory(), options);
      const [first = '{}', second = '{}', third = '{}'] = texts;
      const event = eventOf(1, first, second);
      const snapshot = snapshotOf(1, third);
      const operation = { timestamp: 5, kind: 'reposition', by: who, reason: `e1:k1:${who}`, details: first };
      const command = { key: 'c', timestamp: 6, fingerprint: who, outcome: second };
      const tracking = { upstreamName: 'up', expected: 0, position: 1, mark: `1:${who}` };
      const content = { originatorId: 'a', isDue: true, attempts: 2, since: 7, reason: third };
      const parked = [{ upstreamName: 'up', notificationId: 1, expected: 0, content }];
      const all = { events: [event], snapshots: [snapshot], tracking, operation, command, parked };
      await recorder.record(0, [all]);
      expect(await recorder.notifications(0, 0, 10)).toEqual([{ id: 1, ...event }]);
      const [history] = await recorder.histories([{ originatorId: 'a', after: 0, useSnapshot: true }]);
      expect(history?.snapshot).toEqual(snapshot);
      expect(await recorder.operations(0, 10)).toEqual([{ id: 1, ...operation }]);
      expect(await recorder.command?.('c')).toEqual(command);
      expect(await recorder.parked?.({ pipelineId: 0, after: 0, limit: 1 })).toMatchObject([content]);
      expect(await recorder.position(0, 'up')).toMatchObject({ mark: `1:${who}` });
    };
    await fc.assert(
      fc.asyncProperty(fc.array(data, { minLength: 3, maxLength: 3 }), by, restored),
      propertyRuns(8, 200),
    );
  });
}
