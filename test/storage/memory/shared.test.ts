import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memory } from 'kahn';
import { expect, it, vi } from 'vitest';
import { MemoryRecorder } from '../../../src/storage/memory/recorder.ts';
import { SharableMemory } from '../../../src/storage/memory/shared/sharable-memory.ts';
import type { ProcessEvent, Recorder } from '../../../src/storage/recorder.ts';
import { openStorage, type StorageDescription, storageForThreads } from '../../../src/storage/storage.ts';
import { asElsewhere } from './spread-memory.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

async function open(storage: StorageDescription, applicationName = 'orders'): Promise<Recorder> {
  return (await openStorage(storage)).openRecorder({ applicationName, setupTables: true });
}

function made(originatorId: string, versions: readonly number[], data = '{}'): ProcessEvent {
  const events = versions.map((originatorVersion) => ({
    originatorId,
    originatorVersion,
    type: 'Made',
    data,
    timestamp: originatorVersion,
    ...(originatorVersion % 2 === 0 && {
      cause: { applicationName: 'up', pipelineId: 7, notificationId: originatorVersion },
      correlationId: originatorId,
      metadata: '{"user":"ada"}',
    }),
  }));
  return { events, snapshots: [] };
}

function moved(upstreamName: string, expected: number, position: number): ProcessEvent {
  return { events: [], snapshots: [], tracking: { upstreamName, expected, position } };
}

async function everything(recorder: Recorder): Promise<unknown> {
  const requests = ['a', 'b'].map((originatorId) => ({ originatorId, after: 0, useSnapshot: true }));
  return {
    logs: [await recorder.notifications(0, 0, 9_999), await recorder.notifications(7, 0, 9_999)],
    heads: await recorder.logs(),
    causes: [await recorder.causes(0, 0, 9_999), await recorder.causes(7, 0, 9_999)],
    positions: [(await recorder.position(0, 'up')).position, (await recorder.position(7, 'up')).position],
    allPositions: await recorder.positions(),
    histories: await recorder.histories(requests),
    earlier: await recorder.histories(requests.map((request) => ({ ...request, upTo: 3 }))),
  };
}

it('includes everything recorded before it was shared', async () => {
  const storage = memory();
  const here = await open(storage);
  await here.record(7, [made('b', [1])]);
  await here.record(0, [made('a', [1, 2]), moved('up', 0, 5), made('b', [2])]);
  await here.record(7, [made('a', [3]), moved('up', 0, 6), moved('up', 6, 9), made('b', [3, 4])]);
  await here.record(0, [
    made(
      'c',
      Array.from({ length: 2_500 }, (_, index) => index + 1),
    ),
  ]);
  await here.record(7, [made('c', [2_501])]);
  for (const state of ['{"old":1}', '{"new":1}']) {
    await here.recordSnapshots([3, 1].map((version) => snapshot('a', version, state)));
  }
  const before = await everything(here);
  const there = await open(asElsewhere(await storageForThreads(storage)));
  expect(await everything(there)).toEqual(before);
  await there.record(0, [made('a', [4])]);
  expect(await everything(here)).toEqual(await everything(there));
  expect(await here.record(7, [made('a', [5]), made('c', [2_502])])).toBe(7);
});

it('includes unlisted events and commands recorded before it was shared', async () => {
  const storage = memory();
  const here = await open(storage);
  const events = [1, 2, 3, 4, 5, 6].map((version) => {
    const [event] = made('a', [version]).events;
    return version % 3 === 1 ? event! : { ...event!, notifiable: false as const };
  });
  const command = (key: string, timestamp: number) => ({ key, timestamp, fingerprint: key, outcome: '{}' });
  await here.record(0, [{ events: events.slice(0, 2), snapshots: [], command: command('k1', 30) }]);
  await here.record(7, [{ events: events.slice(2, 5), snapshots: [], command: command('k2', 20) }]);
  await here.record(0, [{ events: events.slice(5), snapshots: [], command: command('k3', 20) }]);
  const all = async (recorder: Recorder) => ({
    everything: await everything(recorder),
    places: await recorder.locate(events),
    commands: await Promise.all(['k1', 'k2', 'k3'].map((key) => recorder.command!(key))),
  });
  const before = await all(here);
  expect(before.places.map((place) => place?.notificationId)).toEqual([1, 0, 0, 1, 0, 0]);
  const there = await open(asElsewhere(await storageForThreads(storage)));
  expect(await all(there)).toEqual(before);
  expect(await there.deleteCommands!(30, 1)).toBe(1);
  expect((await all(here)).commands).toEqual([before.commands[0], undefined, before.commands[2]]);
  expect(await all(there)).toEqual(await all(here));
});

it('includes what was parked before it was shared, with its ids', async () => {
  const storage = memory();
  const here = await open(storage);
  const change = (notificationId: number, expected: number, isKept = true) => {
    const content = { originatorId: 'a', isDue: expected > 0, attempts: 1, since: 2, reason: '"é"' };
    return { upstreamName: 'up', notificationId, expected, content: isKept ? content : undefined };
  };
  const parking = (...parked: ReturnType<typeof change>[]) => [{ events: [], snapshots: [], parked }];
  await here.record(7, parking(change(1, 0), change(2, 0), change(3, 0), change(4, 0)));
  await here.record(7, parking(change(1, 1), change(2, 1, false)));
  await here.record(7, parking(change(1, 2), change(4, 1, false)));
  await here.record(0, [moved('up', 0, 5), ...parking(change(1, 0))]);
  await here.record(0, parking(change(1, 1, false)));
  const all = async (recorder: Recorder) => ({
    parked: await recorder.parked!({ pipelineId: 7, after: 0, limit: 10 }),
    counts: await recorder.countParked!(),
  });
  const before = await all(here);
  expect(before.parked.map(({ id, revision }) => [id, revision])).toEqual([
    [1, 3],
    [3, 1],
  ]);
  const reader = await open(asElsewhere(await storageForThreads(storage)));
  expect(await all(reader)).toEqual(before);
  await reader.record(7, parking(change(2, 0), change(3, 1)));
  expect((await all(here)).parked.map(({ id, revision }) => [id, revision])).toEqual([
    [1, 3],
    [3, 2],
    [6, 1], // 4 and 5 were deleted
  ]);
  const later = await open(asElsewhere(await storageForThreads(storage)));
  for (const one of [reader, later]) expect(await all(one)).toEqual(await all(here));
});

it('gives no number of a parked notification twice although it was deleted before it was shared', async () => {
  const storage = memory();
  const here = await open(storage);
  const content = { originatorId: 'a', isDue: false, attempts: 1, since: 2, reason: '{}' };
  const key = { upstreamName: 'up', notificationId: 1 };
  await here.record(0, [{ events: [], snapshots: [], parked: [{ ...key, expected: 0, content }] }]);
  const parked = [{ ...key, expected: 1, content: undefined }];
  await here.record(0, [{ events: [], snapshots: [], parked }]);
  const there = await open(asElsewhere(await storageForThreads(storage)));
  await there.record(0, [{ events: [], snapshots: [], parked: [{ ...key, expected: 0, content }] }]);
  const request = { pipelineId: 0, after: 0, limit: 9 };
  expect(await there.parked!(request)).toMatchObject([{ id: 2, revision: 1 }]);
  expect(await here.parked!(request)).toEqual(await there.parked!(request));
});

function snapshot(originatorId: string, originatorVersion: number, state: string) {
  return { originatorId, originatorVersion, schema: 1, state };
}

it('can be shared again, with applications opened since', async () => {
  const storage = memory();
  const orders = await open(storage);
  const first = await storageForThreads(storage);
  const payments = await open(storage, 'payments');
  await payments.record(0, [made('a', [1])]);
  const refused = { code: 'STORAGE_NOT_SET_UP', applicationName: 'payments' };
  await expect(open(asElsewhere(first), 'payments')).rejects.toMatchObject(refused);
  const second = await storageForThreads(storage);
  expect(await (await open(asElsewhere(second), 'payments')).head(0)).toBe(1);
  for (const description of [first, second]) {
    await (await open(asElsewhere(description))).record(0, [made(`${description === first}`, [1])]);
    const again = await storageForThreads(asElsewhere(description)); // as a thread does for its own threads
    await (await open(again)).record(0, [made(`again ${description === first}`, [1])]);
  }
  expect(await orders.head(0)).toBe(4);
  expect(await (await open(storage)).head(0)).toBe(4);
});

it('rejects applications that were not opened where it was created, with the reason', async () => {
  const storage = memory();
  await open(storage);
  const elsewhere = asElsewhere(await storageForThreads(storage));
  for (const applicationName of ['payments', 'constructor', '__proto__']) {
    await expect(open(elsewhere, applicationName)).rejects.toMatchObject({
      code: 'STORAGE_NOT_SET_UP',
      applicationName,
      message: expect.stringContaining('Open the application there'),
    });
  }
  await open(storage, '__proto__');
  const again = asElsewhere(await storageForThreads(storage));
  expect(await (await open(again, '__proto__')).head(0)).toBe(0);
});

it('can be shared only by the thread that created it', async () => {
  const { module } = memory();
  await expect(storageForThreads({ module, options: { id: 'made elsewhere' } })).rejects.toMatchObject({
    code: 'INVALID_STORAGE',
    message: expect.stringContaining('Share it where it was created'),
  });
});

it('records nothing of a call that does not fit, and stays usable', async () => {
  const home = new SharableMemory('orders');
  const shared = home.share(4_096);
  const here = new MemoryRecorder(home);
  const there = new MemoryRecorder(SharableMemory.join('orders', structuredClone(shared)));
  await here.record(0, [made('a', [1])]);
  const full = { code: 'STORAGE_FULL', transient: true, applicationName: 'orders' };
  const big = made('b', [1, 2], JSON.stringify('é'.repeat(1_500)));
  await expect(there.record(0, [moved('up', 0, 1), made('a', [2]), big])).rejects.toMatchObject(full);
  await expect(
    there.recordSnapshots([snapshot('a', 1, JSON.stringify('x'.repeat(5_000)))]),
  ).rejects.toMatchObject(full);
  for (const recorder of [here, there]) {
    expect([await recorder.head(0), (await recorder.position(0, 'up')).position]).toEqual([1, 0]);
  }
  expect(await there.record(0, [moved('up', 0, 1), made('a', [2])])).toBe(2);
  expect(await here.head(0)).toBe(2);
  let head = 2;
  await expect(
    (async () => {
      for (;;) head = await here.record(0, [made('a', [head + 1])]);
    })(),
  ).rejects.toMatchObject(full);
  expect(head).toBeGreaterThan(40);
  expect([await here.head(0), await there.head(0)]).toEqual([head, head]);
  await expect(there.record(0, [made('a', [2], '{"no":"room"}')])).rejects.toMatchObject({
    code: 'STORAGE_FULL',
  });
  const tooSmall = new SharableMemory('orders');
  await new MemoryRecorder(tooSmall).record(0, [big]);
  expect(() => tooSmall.share(4_096)).toThrow(expect.objectContaining(full));
  expect(await new MemoryRecorder(tooSmall).record(0, [made('a', [1])])).toBe(3); // on the heap as before
});

function virtualGigabytes(): number {
  const [, kilobytes] = /VmSize:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kilobytes) / 2 ** 20;
}

/** Returns the journal of a memory() without keeping the memory alive. */
async function shareOnce(): Promise<WeakRef<SharedArrayBuffer>> {
  const storage = memory();
  const here = await open(storage);
  await here.record(0, [made('a', [1], JSON.stringify('x'.repeat(100_000)))]);
  const shared = await storageForThreads(storage);
  expect(await (await open(asElsewhere(shared))).head(0)).toBe(1);
  return new WeakRef((shared.options.journals as { orders: SharedArrayBuffer }).orders);
}

it.runIf(process.platform === 'linux')('frees its memory after any number of shares', async () => {
  const before = virtualGigabytes();
  const journals: WeakRef<SharedArrayBuffer>[] = [];
  for (let round = 0; round < 50; round += 1) journals.push(await shareOnce());
  await vi.waitFor(async () => {
    await new Promise(setImmediate);
    collectGarbage();
    expect(journals.filter((journal) => journal.deref() !== undefined)).toEqual([]);
    expect(virtualGigabytes()).toBeLessThan(before + 2);
  });
});

it('names the same applications in every thread', async () => {
  const storage = memory();
  const names = ['Orders', 'orders', '～', '🛒'];
  for (const name of names.toReversed()) await open(storage, name);
  const elsewhere = asElsewhere(await storageForThreads(storage));
  expect(await (await openStorage(elsewhere)).applicationNames()).toEqual(names);
  await open(elsewhere);
  expect(await (await openStorage(elsewhere)).applicationNames()).toEqual(names);
});
