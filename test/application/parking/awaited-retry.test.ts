import { DownstreamError, run, StorageError } from 'kahn';
import { expect, test, vi } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { rejectionOf } from '../../support/errors.ts';
import { temporarySqlite } from '../../support/storages.ts';
import { auditedDesk, JammedError, Labels, Parcels } from '../../support/systems/parking/parcel-desk.ts';
import { inTime } from '../../support/until.ts';

const because = { by: 'ada', reason: 'mended' };

test('settled() waits for parked notifications that are due, and rejects for one that stays behind another', async () => {
  await using runner = await run(auditedDesk, { storage: temporarySqlite() });
  Labels.meanwhile = (number) => {
    if (number < 3) throw new JammedError(`jammed ${number}`);
  };
  for (const [i, name] of ['a', 'b', 'a'].entries())
    await runner
      .get(Parcels)
      .send(name, i)
      .catch(() => {});
  const [a, b, behind] = await Promise.all([1, 2, 3].map((id) => savedAs(runner.get(Parcels), id)));
  if (a === undefined || b === undefined || behind === undefined) throw new Error('not all are recorded');
  await runner.pause(Labels, because);
  await runner.retry(Labels, { notificationId: 3 }, because); // it stays behind the first one
  await expect(runner.settled(behind, { signal: inTime() })).rejects.toMatchObject({
    cause: { code: 'NOTIFICATION_PARKED', notificationId: 3 },
  });
  Labels.meanwhile = () => {};
  await runner.retry(Labels, { notificationId: 2 }, because);
  let isSettled = false;
  const settled = runner.settled(b, { signal: inTime() }).then(() => {
    isSettled = true;
  });
  await expect(runner.settled(a, { signal: inTime() })).rejects.toMatchObject({
    cause: { notificationId: 1 },
  });
  expect(isSettled).toBe(false);
  await runner.resume(Labels, because);
  await settled;
  expect(await runner.get(Labels).printed('a', 'b')).toEqual([[], [1]]);
  await runner.retry(Labels, {}, because);
  await runner.settled(a, { signal: inTime() });
  expect(await runner.get(Labels).printed('a')).toEqual([[0, 2]]);
});

test('caughtUp() and settled() try again while the parked notifications cannot be read', async () => {
  await using runner = await run(auditedDesk, { storage: temporarySqlite() });
  Labels.meanwhile = () => {
    throw new JammedError('jammed');
  };
  await rejectionOf(runner.get(Parcels).send('a', 0), DownstreamError);
  const { recorder } = applicationInternals.storeOf(runner.get(Labels));
  const read = recorder.parked?.bind(recorder);
  let calls = 0;
  vi.spyOn(recorder, 'parked').mockImplementation(async (selection) => {
    calls += 1;
    if (calls % 2 === 1) throw new StorageError('STORAGE_BUSY', 'labels', 'The storage is busy.');
    return read?.(selection) ?? [];
  });
  const parked = { cause: { code: 'NOTIFICATION_PARKED', notificationId: 1 } };
  await expect(runner.caughtUp({ signal: inTime() })).rejects.toMatchObject(parked);
  const first = await savedAs(runner.get(Parcels), 1);
  await expect(runner.settled(first, { signal: inTime() })).rejects.toMatchObject(parked);
  expect(calls).toBeGreaterThan(2);
});

async function savedAs(parcels: Parcels, notificationId: number) {
  const [notification] = await parcels.log.select(notificationId - 1, 1);
  const { applicationName } = Parcels;
  const correlationId = notification?.correlationId ?? '';
  return { applicationName, pipelineId: 0, notificationId, count: 1, correlationId };
}
