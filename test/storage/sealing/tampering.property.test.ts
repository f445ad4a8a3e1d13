import fc from 'fast-check';
import { memory, type StorageDescription } from 'kahn';
import { expect, test } from 'vitest';
import { sealing } from '../../../src/storage/sealing/sealed-storage.ts';
import type { StoredEvent, StoredSnapshot } from '../../../src/storage/stored-event.ts';
import { propertyRuns } from '../../support/seed.ts';
import { type Alteration, altering } from './altered-storage.ts';
import { eventOf, recorderOf, sealedRecorder, snapshotOf, strict } from './opened-recorders.ts';

const secret = 'a secret that no error may show';
const options = { encryption: strict, compression: { threshold: 60 } };
const data = (version: number) => JSON.stringify({ secret, version, text: 'repeated '.repeat(version * 4) });

/** What a storage keeps: two encrypted events and two snapshots of an aggregate, and an event of another application. */
interface Kept {
  readonly storage: StorageDescription;
  readonly events: readonly StoredEvent[];
  readonly snapshots: readonly StoredSnapshot[];
  readonly foreign: StoredEvent;
}

async function keep(): Promise<Kept> {
  const storage = memory();
  const recorder = await sealedRecorder(storage, options);
  const processEvents = [1, 2].map((version) => ({
    events: [eventOf(version, data(version), data(version + 2))],
    snapshots: [snapshotOf(version, data(version))],
  }));
  await recorder.record(0, processEvents);
  const other = await sealedRecorder(storage, options, 'payments');
  await other.record(0, [{ events: [eventOf(1, data(1), data(3))], snapshots: [] }]);
  const [raw, rawOther] = [await recorderOf(storage, []), await recorderOf(storage, [], 'payments')];
  const snapshots: StoredSnapshot[] = [];
  for (const upTo of [1, 2]) {
    const [history] = await raw.histories([{ originatorId: 'a', after: 0, upTo, useSnapshot: true }]);
    snapshots.push(history?.snapshot as StoredSnapshot);
  }
  const [foreign] = await rawOther.notifications(0, 0, 1);
  return { storage, events: await raw.notifications(0, 0, 2), snapshots, foreign: foreign as StoredEvent };
}

/** Changes the first version of an event. */
function ofFirst(change: (event: StoredEvent) => Partial<StoredEvent>): Alteration {
  return { event: (event) => (event.originatorVersion === 1 ? { ...event, ...change(event) } : event) };
}

function ofSnapshot(change: Partial<StoredSnapshot>): Alteration {
  return { snapshot: (snapshot) => ({ ...snapshot, ...change }) };
}

/** Replaces one character by another one. */
function withChange(text: string, at: number, bits: number): string {
  const index = at % text.length;
  return text.slice(0, index) + String.fromCharCode(text.charCodeAt(index) ^ bits) + text.slice(index + 1);
}

type Tampering = (kept: Kept) => Alteration;

const texts = fc.constantFrom('data' as const, 'metadata' as const);
const changedBits: fc.Arbitrary<Tampering> = fc.tuple(texts, fc.nat(), fc.integer({ min: 1, max: 127 })).map(
  ([field, at, bits]) =>
    () =>
      ofFirst((event) => ({ [field]: withChange(event[field] ?? '', at, bits) })),
);
const cut: fc.Arbitrary<Tampering> = fc.tuple(texts, fc.nat()).map(
  ([field, length]) =>
    () =>
      ofFirst((event) => ({ [field]: (event[field] ?? '').slice(0, length % (event[field] ?? '').length) })),
);
const appended: fc.Arbitrary<Tampering> = fc
  .string({ minLength: 1 })
  .map((end) => () => ofFirst((event) => ({ data: event.data + end })));
const changedState: fc.Arbitrary<Tampering> = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 127 })).map(
  ([at, bits]) =>
    ({ snapshots: [, newest] }) =>
      ofSnapshot({ state: withChange(newest?.state ?? '', at, bits) }),
);

const replaced: Readonly<Record<string, Tampering>> = {
  'the data of another event': ({ events }) => ofFirst(() => ({ data: events[1]?.data ?? '' })),
  'the metadata as data': () => ofFirst(({ metadata = '' }) => ({ data: metadata })),
  'the data as metadata': () => ofFirst(({ data: metadata }) => ({ metadata })),
  'the data of another application': ({ foreign }) => ofFirst(() => ({ data: foreign.data })),
  'the state as data': ({ snapshots }) => ofFirst(() => ({ data: snapshots[0]?.state ?? '' })),
  'plain text as data': () => ofFirst(() => ({ data: '{}' })),
  'plain text as metadata': () => ofFirst(() => ({ metadata: '{}' })),
  'compressed plain text': () => ofFirst(() => ({ data: 'z1:q1YqLU4tUrJSUEpUqAUA' })),
  'a text with a character at its end': () => ofFirst((event) => ({ data: `${event.data}!` })),
  'a text with a character inside': () =>
    ofFirst(({ data: text }) => ({ data: `${text.slice(0, 20)} ${text.slice(20)}` })),
  'another type': () => ofFirst(() => ({ type: 'Order.Paid' })),
  'another version of the type': () => ofFirst(({ type }) => ({ type: `${type}@2` })),
  'another time': () => ofFirst(({ timestamp }) => ({ timestamp: timestamp + 1 })),
  'another aggregate': () => ofFirst(() => ({ originatorId: 'b' })),
  'another form': () => ofFirst((event) => ({ data: event.data.replace(/^ez1:/, 'e1:') })),
  'the state of an older snapshot': ({ snapshots }) => ofSnapshot({ state: snapshots[0]?.state ?? '' }),
  'an older snapshot at a newer version': ({ snapshots }) => ({
    snapshot: () => ({ ...(snapshots[0] as StoredSnapshot), originatorVersion: 2 }),
  }),
  'plain text as state': () => ofSnapshot({ state: '{}' }),
  'another schema': () => ofSnapshot({ schema: 2 }),
};

/** Asserts that reading what was tampered with fails, with an error that shows no content. */
async function assertDetected(tampering: Tampering): Promise<void> {
  const kept = await keep();
  const alteration = tampering(kept);
  const recorder = await recorderOf(kept.storage, [altering(() => alteration), sealing(options)]);
  const read = async () => [
    await recorder.notifications(0, 0, 10),
    await recorder.histories([{ originatorId: 'a', after: 0, useSnapshot: true }]),
  ];
  const error = await read().then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(['STORAGE_TAMPERED', 'STORAGE_KEY_MISSING']).toContain(error?.code);
  expect(error).toMatchObject({ applicationName: 'orders', place: { originatorId: expect.any(String) } });
  expect(error.message).not.toContain(secret);
  expect(error.message).not.toContain('ez1:');
}

test('what was not tampered with is read', async () => {
  const { storage, events, snapshots } = await keep();
  expect(events.map((event) => event.data.slice(0, 7))).toEqual(['ez1:k2:', 'ez1:k2:']);
  expect(JSON.stringify([events, snapshots])).not.toContain(secret);
  const recorder = await recorderOf(storage, [altering(() => ({})), sealing(options)]);
  expect((await recorder.notifications(0, 0, 10)).map((event) => event.data)).toEqual([data(1), data(2)]);
});

test.each(Object.entries(replaced))('%s is refused', async (_, tampering) => {
  await assertDetected(tampering);
});

test('any changed, cut or longer text is refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(changedBits, cut, appended, changedState), assertDetected),
    propertyRuns(25, 500),
  );
});
