import { randomUUID } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqlite } from 'kahn/sqlite';
import { expect, it } from 'vitest';
import { openStorage } from '../../../src/storage/storage.ts';
import type { StoredEvent } from '../../../src/storage/stored-event.ts';
import { temporaryDirectory } from '../../support/storages.ts';

const count = 5_000;

/** Records events and returns the size of the file of `applicationName`, in bytes. */
async function sizeOf(
  applicationName: string,
  provenanceOf: (index: number) => Partial<StoredEvent>,
): Promise<number> {
  const directory = temporaryDirectory();
  const storage = await openStorage(sqlite({ directory, synchronous: 'NORMAL' }));
  const recorder = await storage.openRecorder({ applicationName, setupTables: true });
  const events = Array.from({ length: count }, (_, index) => ({
    originatorId: `${index}`.padStart(36, '0'),
    originatorVersion: 1,
    type: 'Reservation.Created',
    data: JSON.stringify({ orderId: randomUUID() }),
    timestamp: 1_700_000_000_000 + index,
    ...provenanceOf(index),
  }));
  await recorder.record(0, [{ events, snapshots: [] }]);
  await recorder.close();
  const path = join(directory, `${applicationName}.sqlite`);
  using database = new DatabaseSync(path);
  database.exec('vacuum');
  return statSync(path).size;
}

it('rows of events of policies are at most 40 bytes longer', async () => {
  const plain = await sizeOf('orders', () => ({}));
  const caused = await sizeOf('orders', (index) => ({
    cause: { applicationName: 'reservations', pipelineId: 0, notificationId: 2 ** 23 + index },
    correlationId: randomUUID().replace(/^ff/, '00'),
  }));
  const longer = (caused - plain) / count;
  expect(longer).toBeGreaterThan(20);
  expect(longer).toBeLessThanOrEqual(40 - 5); // five bytes are the nulls of the shorter rows
});
