import { inspect } from 'node:util';
import { memory } from 'kahn';
import type { Recorder } from 'kahn/storage';
import { expect, test, vi } from 'vitest';
import { checkedKeyRing } from '../../../src/storage/sealing/encryption.ts';
import { keyOf, ringOf } from './layers.ts';
import { eventOf, recorderOf, sealedRecorder } from './opened-recorders.ts';

const one = (version: number) => [{ events: [eventOf(version, `{"number":${version}}`)], snapshots: [] }];

async function dataIn(recorder: Recorder): Promise<string[]> {
  return (await recorder.notifications(0, 0, 100)).map(({ data }) => data);
}

const hex = Buffer.from(keyOf(7)).toString('hex');

test.each([
  ['no object', 'k1', 'expected { current, keys }, got a string'],
  ['nothing', undefined, 'expected { current, keys }, got undefined'],
  [
    'no current key',
    { keys: { k1: keyOf(1) } },
    "expected { current, keys }, got an object without 'current'",
  ],
  ['no keys by id', { current: 'k1' }, "expected { current, keys }, got an object without 'keys'"],
  ['another current key', { current: 'k2', keys: { k1: keyOf(1) } }, "got 'k2'; its keys are k1"],
  ['a key as the current id', { current: hex, keys: { k1: keyOf(1) } }, 'got a string; its keys are k1'],
  ['no keys', { current: 'k1', keys: {} }, "got 'k1'; it has no keys"],
  ['bytes as keys', { current: 'k1', keys: keyOf(1) }, "expected 'keys' to be an object of keys by id"],
  [
    'a short key',
    { current: 'k1', keys: { k1: keyOf(1).slice(1) } },
    "expected key 'k1' to have 32 bytes, got 31",
  ],
  [
    'a long key',
    { current: 'k1', keys: { k1: new Uint8Array(64) } },
    "expected key 'k1' to have 32 bytes, got 64",
  ],
  [
    'a text as key',
    { current: 'k1', keys: { k1: hex } },
    "expected key 'k1' to be a Uint8Array, got a string",
  ],
  ['a key as id', { current: null, keys: { [hex]: keyOf(7) } }, 'a key has an id of another form'],
])('a key ring with %s is refused', async (_, ring, message) => {
  const opening = sealedRecorder(memory(), { encryption: { keys: () => ring as never } });
  const error = await opening.catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'INVALID_KEY_RING', message: expect.stringContaining(message) });
  expect(inspect(error, { depth: 10 })).not.toContain(hex);
});

test('printing a checked key ring shows no key', () => {
  const printed = inspect(checkedKeyRing(ringOf(1)), { depth: 10, showHidden: true, maxArrayLength: null });
  expect(printed).toContain('k1');
  expect(printed).not.toMatch(/0202|2, 2/);
});

test('plain text is not recorded where it would not be read', async () => {
  const keys = () => ({ ...ringOf(1), current: null });
  await expect(sealedRecorder(memory(), { encryption: { keys, acceptPlainText: false } })).rejects.toThrow(
    /'current' is null, .* `acceptPlainText` is false/,
  );
});

test('a log is readable although it was encrypted half-way, and while encryption ends', async () => {
  const storage = memory();
  const record = async (version: number, options: Parameters<typeof sealedRecorder>[1]) =>
    (await sealedRecorder(storage, options)).record(0, one(version));
  await record(1, {});
  await record(2, { encryption: { keys: () => ringOf(1) } });
  await record(3, { encryption: { keys: () => ({ ...ringOf(1), current: null }) } });
  const numbers = ['{"number":1}', '{"number":2}', '{"number":3}'];
  expect(await dataIn(await sealedRecorder(storage, { encryption: { keys: () => ringOf(1) } }))).toEqual(
    numbers,
  );
  const raw = await dataIn(await recorderOf(storage, []));
  expect(raw.map((data) => data.slice(0, 6))).toEqual(['{"numb', 'e1:k1:', '{"numb']);
  const strict = await sealedRecorder(storage, {
    encryption: { keys: () => ringOf(1), acceptPlainText: false },
  });
  await expect(dataIn(strict)).rejects.toMatchObject({
    code: 'STORAGE_TAMPERED',
    message: expect.stringMatching(
      /it is not encrypted, and `acceptPlainText` is false\. .* set the option to true/,
    ),
    place: { content: 'data of an event', originatorId: 'a', originatorVersion: 1 },
  });
});

test('keys are rotated: new texts have the current key, and old ones are read while their key is in the ring', async () => {
  const storage = memory();
  await (await sealedRecorder(storage, { encryption: { keys: () => ringOf(1) } })).record(0, one(1));
  const rotated = await sealedRecorder(storage, { encryption: { keys: () => ringOf(2) } });
  await rotated.record(0, one(2));
  expect(await dataIn(rotated)).toEqual(['{"number":1}', '{"number":2}']);
  const { k2 } = ringOf(2).keys;
  const newest = await sealedRecorder(storage, {
    encryption: { keys: () => ({ current: 'k2', keys: { k2: k2! } }) },
  });
  await expect(dataIn(newest)).rejects.toMatchObject({
    code: 'STORAGE_KEY_MISSING',
    transient: true,
    applicationName: 'orders',
    keyId: 'k1',
    place: { content: 'data of an event', originatorId: 'a', originatorVersion: 1, type: 'Order.Changed' },
  });
  expect((await newest.notifications(0, 1, 10)).length).toBe(1);
});

test('a key that another process has begun to use is asked for once a second at most', async () => {
  const storage = memory();
  const keys = vi.fn(() => ringOf(1));
  const recorder = await sealedRecorder(storage, { encryption: { keys } });
  expect(keys).toHaveBeenCalledTimes(1);
  await (await sealedRecorder(storage, { encryption: { keys: () => ringOf(3) } })).record(0, one(1));
  const now = vi.spyOn(performance, 'now').mockReturnValue(10_000);
  try {
    for (let i = 0; i < 3; i += 1) await expect(dataIn(recorder)).rejects.toMatchObject({ keyId: 'k3' });
    expect(keys).toHaveBeenCalledTimes(2);
    keys.mockImplementation(() => ringOf(3));
    now.mockReturnValue(10_999);
    await expect(dataIn(recorder)).rejects.toMatchObject({ keyId: 'k3' });
    now.mockReturnValue(11_000);
    expect(await dataIn(recorder)).toEqual(['{"number":1}']);
    expect(keys).toHaveBeenCalledTimes(3);
  } finally {
    now.mockRestore();
  }
  await recorder.record(0, one(2));
  expect((await dataIn(await recorderOf(storage, [])))[1]).toMatch(/^e1:k3:/);
});

test('keys may fail with any value', async () => {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  const keys = async () => Promise.reject(proxy);
  await expect(sealedRecorder(memory(), { encryption: { keys } })).rejects.toMatchObject({
    code: 'STORAGE_UNREACHABLE',
  });
});

test('a key service that is away is a passing failure of the storage', async () => {
  const storage = memory();
  let isAway = true;
  const keys = async () => {
    if (isAway) throw new Error('key service: connection refused');
    return ringOf(2);
  };
  await expect(sealedRecorder(storage, { encryption: { keys } })).rejects.toMatchObject({
    code: 'STORAGE_UNREACHABLE',
    transient: true,
    message:
      "Application 'orders' cannot use its storage: the option 'keys' of encryption failed: key service: connection refused",
  });
  isAway = false;
  const recorder = await sealedRecorder(storage, { encryption: { keys } });
  await recorder.record(0, one(1));
  isAway = true;
  await (await sealedRecorder(storage, { encryption: { keys: () => ringOf(3) } })).record(0, one(2));
  await expect(dataIn(recorder)).rejects.toMatchObject({ code: 'STORAGE_UNREACHABLE', transient: true });
});
