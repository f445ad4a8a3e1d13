import { setImmediate as nextTurn } from 'node:timers/promises';
import { memory } from 'kahn';
import { openStorage, type Recorder } from 'kahn/storage';
import { expect, test } from 'vitest';
import { sealing } from '../../../src/storage/sealing/sealed-storage.ts';
import { ringOf } from './layers.ts';
import { eventOf, recorderOf, sealedRecorder, snapshotOf } from './opened-recorders.ts';

const encryption = { keys: () => ringOf(1) };
const repeated = (length: number) => JSON.stringify({ text: 'x'.repeat(length) });
const random = (length: number) =>
  JSON.stringify({ text: Array.from({ length }, () => Math.random().toString(36).slice(2)).join('') });

test('calls that record are not overtaken, although large texts are compressed on other threads', async () => {
  const recorder = await sealedRecorder(memory(), { encryption, compression: {} });
  const sizes = [2_000_000, 10, 500_000, 2_000];
  await Promise.all(
    sizes.map((size, index) =>
      recorder.record(0, [{ events: [eventOf(index + 1, repeated(size))], snapshots: [] }]),
    ),
  );
  const read = await recorder.notifications(0, 0, 10);
  expect(read.map(({ data }) => data.length - '{"text":""}'.length)).toEqual(sizes);
});

test('texts are compressed from the threshold on, where it makes them shorter', async () => {
  const storage = memory();
  const recorder = await sealedRecorder(storage, { compression: { threshold: 100 } });
  const texts = [repeated(88), repeated(89), random(10)];
  await recorder.record(0, [{ events: texts.map((text, i) => eventOf(i + 1, text)), snapshots: [] }]);
  const stored = await (await recorderOf(storage, [])).notifications(0, 0, 10);
  expect(stored.map(({ data }) => data.slice(0, 3))).toEqual(['{"t', 'z1:', '{"t']);
  expect((await recorder.notifications(0, 0, 10)).map(({ data }) => data)).toEqual(texts);
});

test('a page ends at the notification by which its plain texts reach the size', async () => {
  const recorder = await sealedRecorder(memory(), { compression: {} });
  const data = repeated(10_000 - '{"text":""}'.length);
  const events = Array.from({ length: 50 }, (_, index) => eventOf(index + 1, data));
  await recorder.record(0, [{ events, snapshots: [] }]);
  for (const [size, count] of [
    [1, 1],
    [10_000, 1],
    [10_001, 2],
    [195_000, 20],
    [1_000_000, 50],
  ] as const)
    expect((await recorder.notifications(0, 0, 100, size)).length).toBe(count);
});

test('pages of a small size are whole although encrypted texts are longer', async () => {
  const recorder = await sealedRecorder(memory(), { encryption });
  const events = Array.from({ length: 5_000 }, (_, index) => eventOf(index + 1, '{}'));
  await recorder.record(0, [{ events, snapshots: [] }]);
  expect((await recorder.notifications(0, 0, 10_000, 9_000)).length).toBe(4_500);
});

test('a long page and a long save let timers and signals in', async () => {
  const recorder = await sealedRecorder(memory(), { encryption });
  const events = Array.from({ length: 20_000 }, (_, index) => eventOf(index + 1, repeated(500)));
  const turnsDuring = async (work: Promise<unknown>) => {
    let turns = 0;
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    for (; !isDone; turns += 1) await nextTurn();
    await done;
    return turns;
  };
  expect(await turnsDuring(recorder.record(0, [{ events, snapshots: [] }]))).toBeGreaterThan(5);
  expect(await turnsDuring(recorder.notifications(0, 0, 20_000))).toBeGreaterThan(5);
});

test('reasons of parked notifications are encrypted for their places, and read with older keys', async () => {
  const storage = memory();
  const page = { pipelineId: 0, after: 0, limit: 10 };
  const reasonsIn = async (recorder: Recorder) =>
    (await recorder.parked?.(page))?.map(({ reason }) => reason);
  const change = (notificationId: number, expected: number, reason: string) => {
    const content = { originatorId: 'a', isDue: false, attempts: 1, since: 7, reason };
    return { upstreamName: 'up', notificationId, expected, content };
  };
  const recorder = await sealedRecorder(storage, { encryption });
  const [first, second] = ['{"error":"no funds"}', repeated(3_000)];
  const parked = [change(1, 0, first), change(2, 0, second)];
  await recorder.record(0, [{ events: [], snapshots: [], parked }]);
  const rotated = await sealedRecorder(storage, { encryption: { keys: () => ringOf(2) } });
  await rotated.record(0, [{ events: [], snapshots: [], parked: [change(2, 1, second)] }]);
  expect(await reasonsIn(rotated)).toEqual([first, second]);
  const plain = await recorderOf(storage, []);
  const stored = (await reasonsIn(plain)) ?? [];
  expect(stored).toEqual([expect.stringMatching(/^e1:k1:/), expect.stringMatching(/^e1:k2:/)]);
  await plain.record(0, [{ events: [], snapshots: [], parked: [change(2, 2, stored[0] ?? '')] }]);
  await expect(reasonsIn(rotated)).rejects.toMatchObject({
    code: 'STORAGE_TAMPERED',
    place: { content: 'reason of a parked notification', upstreamName: 'up', notificationId: 2 },
  });
});

test('keys of subjects are encrypted for their subjects', async () => {
  const storage = memory();
  const open = async (layers: Parameters<typeof openStorage>[1] = {}) =>
    (await openStorage(storage, layers)).openSubjectKeys!({ setupTables: true });
  const keys = await open({ layers: [sealing({ encryption })] });
  const entries = [
    { subject: 'ada', key: 'key of ada' },
    { subject: 'grace', key: 'key of grace' },
  ];
  expect(await keys.add(entries)).toEqual(entries);
  expect(await keys.read(['grace', 'alan', 'ada'])).toEqual([entries[1], undefined, entries[0]]);
  const raw = await open();
  const [stored] = await raw.read(['ada']);
  expect(stored?.key).toMatch(/^e1:k1:/);
  await raw.add([{ subject: 'mallory', key: stored?.key ?? '' }]);
  await expect(keys.read(['mallory'])).rejects.toMatchObject({
    code: 'STORAGE_TAMPERED',
    place: { content: 'key of a subject', subject: 'mallory' },
  });
  await keys.delete('ada', 1);
  expect(await keys.read(['ada'])).toEqual([{ subject: 'ada', key: undefined }]);
});

test('texts that were encrypted by an earlier release are read', async () => {
  const storage = memory();
  const event = eventOf(
    1,
    'e1:k1:GVmdWf-JBbTgB-ZEKK_9mU7LGk3GCcDPSpAY2kn6vnSPk19CkVwUtQ',
    'ez1:k1:A1Egk0ekffNDDxR_2Smx0AZ2qeYuGmTRuCxxg1qdFZdGyloGyxQ3bYWn6c8',
  );
  const snapshot = snapshotOf(1, 'e1:k1:i1O4-1zFJumEXT9OCkJk6ibvN5DVsyzBC9R0ocsAxrxZThs');
  const operation = {
    timestamp: 5,
    kind: 'reposition',
    by: 'e1:k1:-q-FuLfBc20EpQcInyOBs89qzQz-hgCAHyM_EOK0Fg',
    reason: 'e1:k1:mu1vDHOnRrHCZqls-ZrL7FRCurrCGxprTHizrl8ARV35c5o',
    details: 'e1:k1:VdEYv_H_nwxoUuTQqqgOALkRxfK6XVPOiftkxN6K',
  };
  const command = {
    key: 'c',
    timestamp: 6,
    fingerprint: 'e1:k1:uUHyyP_Nu5bOcQFuXUbrioTfjLbjCNaP4dJ0AOg',
    outcome: 'e1:k1:H0YenE4Mzgg1nRPPKN95HuZ9aiODW-tvRfJDFo2w',
  };
  const mark = 'e1:k1:Tss1Ab5pS94s9-DWGJQ5vd7TGzQpG9gXWzcHL4mGnyA';
  const tracking = { upstreamName: 'up', expected: 0, position: 1, mark };
  const process = { events: [event], snapshots: [snapshot], operation, command, tracking };
  await (await recorderOf(storage, [])).record(0, [process]);
  const recorder = await sealedRecorder(storage, { encryption });
  const [history] = await recorder.histories([{ originatorId: 'a', after: 0, useSnapshot: true }]);
  expect(await recorder.notifications(0, 0, 1)).toMatchObject([
    { data: '{"number":1}', metadata: JSON.stringify({ text: 'x'.repeat(60) }) },
  ]);
  expect(history?.snapshot?.state).toBe('{"s":1}');
  expect(await recorder.operations(0, 1)).toMatchObject([{ by: 'ada', reason: 'because', details: '{}' }]);
  expect(await recorder.command?.('c')).toMatchObject({ fingerprint: 'f', outcome: '{}' });
  expect(await recorder.position(0, 'up')).toMatchObject({ mark: '1:ab' });
});
