import {
  explain,
  type KeyRing,
  listOperations,
  memory,
  reposition,
  run,
  StorageError,
  System,
  verify,
} from 'kahn';
import { openStorage } from 'kahn/storage';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { isTransientFailure } from '../../../src/application/failures.ts';
import { rejectionOf } from '../../support/errors.ts';
import { until } from '../../support/until.ts';

const keyOf = (byte: number) => new Uint8Array(32).fill(byte);

function shopWith(keys: () => KeyRing) {
  return System.of(
    [
      [Orders, Reservations, Orders],
      [Orders, Payments, Orders],
    ],
    { encryption: { keys } },
  );
}

const first: KeyRing = { current: 'k1', keys: { k1: keyOf(1) } };
const rotated: KeyRing = { current: 'k2', keys: { k1: keyOf(1), k2: keyOf(2) } };

test('a follower retries while a key is missing, and continues when the ring has it', async () => {
  const storage = memory();
  let ring = first;
  const system = shopWith(() => ring);
  await using orders = await shopWith(() => rotated).open(Orders, { storage });
  await using reservations = await system.open(Reservations, { storage });
  await using own = await system.open(Orders, { storage });
  await orders.place('ada');
  reservations.follow(own.log);
  const failure = await rejectionOf(reservations.run(), StorageError);
  expect(failure).toMatchObject({ code: 'STORAGE_KEY_MISSING', keyId: 'k2', applicationName: 'orders' });
  expect(isTransientFailure(failure)).toBe(true);
  ring = rotated;
  await until('the keys are asked for again', () =>
    reservations.run().then(
      () => true,
      () => false,
    ),
  );
  expect(await reservations.log.head()).toBe(1);
});

test('a follower stops at an event that was put into the log without a key', async () => {
  const storage = memory();
  const system = shopWith(() => first);
  const [id = ''] = await (async () => {
    await using runner = await run(system, { storage });
    return [await runner.get(Orders).place('ada')];
  })();
  const raw = await openStorage(storage);
  const recorder = await raw.openRecorder({ applicationName: 'orders', setupTables: false });
  const [copied] = await recorder.notifications(0, 0, 1);
  expect(copied?.originatorId).toBe(id);
  await recorder.record(0, [{ events: [{ ...copied!, originatorId: 'forged' }], snapshots: [] }]);
  await using runner = await run(system, { storage });
  const failure = await runner.caughtUp().catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'DOWNSTREAM_FAILED' });
  const failures = (failure as { failures: ReadonlyMap<string, Error> }).failures;
  expect([...failures.keys()].sort()).toEqual(['payments', 'reservations']);
  for (const error of failures.values())
    expect(JSON.stringify([error, error.cause])).toContain('STORAGE_TAMPERED');
});

test('tools that lack a key say so', async () => {
  const storage = memory();
  const system = shopWith(() => rotated);
  await (async () => {
    await using runner = await run(system, { storage });
    await runner.get(Orders).place('ada');
    await runner.caughtUp();
  })();
  const because = { by: 'ada', reason: 'a test' };
  await reposition(storage, system, Reservations, { upstream: Orders, at: 3, ...because });
  const lacking = shopWith(() => first);
  const missing = { code: 'STORAGE_KEY_MISSING', keyId: 'k2' };
  await expect(verify(storage, lacking)).rejects.toMatchObject(missing);
  await expect(explain(storage, 'orders', 1)).rejects.toMatchObject({
    ...missing,
    applicationName: 'orders',
  });
  await expect(explain({ storage, system: lacking }, Orders, 1)).rejects.toMatchObject(missing);
  await expect(
    reposition(storage, lacking, Reservations, { upstream: Orders, at: 1, ...because }),
  ).rejects.toMatchObject(missing);
  await expect(listOperations(storage, lacking).next()).rejects.toMatchObject(missing);
  expect((await listOperations(storage, system).next()).value).toMatchObject(because);
  expect((await verify(storage, system)).faults).toEqual([]);
  await using orders = await shop.open(Orders, { storage });
  await expect(orders.reader().read()).rejects.toThrow(
    /opened with the options `encryption` and `compression`/,
  );
});
