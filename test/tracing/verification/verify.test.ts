import { readdirSync } from 'node:fs';
import { InvalidArgumentError, memory, run, type VerificationProgress, verify } from 'kahn';
import { sqlite } from 'kahn/sqlite';
import { describe, expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import type { Fault } from '../../../src/tracing/verification/fault.ts';
import { FaultList, Verification } from '../../../src/tracing/verification/verification.ts';
import { rejectionOf } from '../../support/errors.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';

describe.each(storages)('on $name', ({ create }) => {
  test('verifies a system that is running, again and again', async () => {
    const storage = create();
    await using runner = await run(shop, { storage });
    let isDone = false;
    const placing = (async () => {
      for (let i = 0; i < 10; i += 1)
        await Promise.all(Array.from({ length: 20 }, (_, k) => runner.get(Orders).place(`${i} ${k}`)));
      isDone = true;
    })();
    const seen: number[] = [];
    while (!isDone) {
      const { faults, events } = await verify(storage, shop);
      expect(faults).toEqual([]);
      seen.push(events);
      await new Promise(setImmediate);
    }
    await placing;
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(String(await verify(storage, shop))).toBe('1,000 events, 800 causes: 0 lost, 0 doubled');
  });
});

test('writes nothing: it creates no tables', async () => {
  const directory = temporaryDirectory();
  await expect(verify(sqlite({ directory }), shop)).rejects.toMatchObject({
    code: 'STORAGE_NOT_SET_UP',
    applicationName: 'orders',
    message: expect.stringMatching(
      /: it has no tables there\. If it ran before, its data is lost or elsewhere; /,
    ),
  });
  expect(readdirSync(directory)).toEqual([]);
});

test('rejects unknown options and storage', async () => {
  await expect(verify(memory(), shop, { onprogress: () => {} } as object)).rejects.toThrow(
    "Unknown option 'onprogress' of verify(). Did you mean 'onProgress'?",
  );
  await expect(verify(memory(), shop, AbortSignal.timeout(1_000) as object)).rejects.toThrow(
    'verify() takes an object of options: pass the signal as { signal: … }.',
  );
  await expect(verify(memory(), shop, new Map() as object)).rejects.toThrow(
    'verify() takes a plain object of options, not an instance of Map.',
  );
  await expect(verify(memory(), shop, Object.create(null))).rejects.toMatchObject({
    code: 'STORAGE_NOT_SET_UP',
  });
  await expect(verify({} as ReturnType<typeof memory>, shop)).rejects.toMatchObject({
    code: 'INVALID_STORAGE',
  });
});

test('rejects what is not a system, and names the order of arguments', async () => {
  const storage = memory();
  await using runner = await run(shop, { storage });
  const wrong: [unknown, unknown, string][] = [
    [storage, undefined, 'undefined'],
    [storage, runner, 'an object'],
    [storage, [Orders], 'an array'],
    [shop, storage, 'an object'],
  ];
  for (const [first, second, kind] of wrong) {
    const { message } = await rejectionOf(verify(first as never, second as never), InvalidArgumentError);
    expect(message).toBe(
      `verify() takes a system, the result of System.of([[Orders, Reservations]]), as in verify(storage, shop), not ${kind}.`,
    );
  }
});

describe('with many events', () => {
  const storage = memory();

  async function placeMany(): Promise<void> {
    await using runner = await run(shop, { storage });
    await Promise.all(Array.from({ length: 3_000 }, (_, i) => runner.get(Orders).place(`${i}`)));
  }

  test('reports progress a few times a second, and ends when its signal is aborted', async () => {
    await placeMany();
    const reports: VerificationProgress[] = [];
    const started = performance.now();
    const { isSound, events } = await verify(storage, shop, { onProgress: (one) => reports.push(one) });
    expect({ isSound, events }).toEqual({ isSound: true, events: 15_000 });
    expect(reports[0]).toEqual({ applicationName: 'orders', pipelineId: 0, position: 0, head: 9_000 });
    expect(reports.length).toBeLessThanOrEqual(1 + (performance.now() - started) / 250);

    const controller = new AbortController();
    const reason = new Error('no time');
    const onProgress = () => controller.abort(reason);
    await expect(verify(storage, shop, { signal: controller.signal, onProgress })).rejects.toBe(reason);
    await expect(verify(storage, shop, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

test('keeps the first 1,000 faults and counts all', () => {
  const faults = new FaultList();
  const lost = { kind: 'cause-lost', category: 'lost' } as Fault;
  const doubled = { kind: 'effect-doubled', category: 'doubled' } as Fault;
  for (let i = 0; i < 1_500; i += 1) faults.add(lost);
  faults.add(doubled);
  faults.add({ kind: 'cause-not-before', category: 'misplaced' } as Fault);
  const verification = new Verification(1_500_000, 900_000, faults);
  expect(verification.faults).toHaveLength(1_000);
  expect(String(verification)).toBe('1,500,000 events, 900,000 causes: 1,500 lost, 1 doubled, 1 misplaced');
  expect(JSON.parse(JSON.stringify(verification))).toMatchObject({ lost: 1_500, isSound: false });
});
