import { DatabaseSync } from 'node:sqlite';
import { sqlite } from 'kahn/sqlite';
import { expect, it, onTestFinished } from 'vitest';
import type { Recorder } from '../../../src/storage/recorder.ts';
import { openStorage } from '../../../src/storage/storage.ts';
import { oneFile, temporaryDirectory } from '../../support/storages.ts';

const events = [1, 2, 3].map((originatorVersion) => ({
  originatorId: 'a',
  originatorVersion,
  type: 'Changed',
  data: '{}',
  timestamp: 0,
  dependencies: [{ pipelineId: 1, notificationId: 2 }],
  cause: { applicationName: 'up', pipelineId: 4, notificationId: originatorVersion },
  correlationId: 'order 17',
  metadata: '{"user":"ada"}',
}));

/** Opens a recorder with three notifications in pipeline 6. The second one is changed by SQL. */
async function recorderOf(damage: string): Promise<Recorder> {
  const directory = temporaryDirectory();
  const storage = await openStorage(sqlite({ ...oneFile.optionsIn(directory), synchronous: 'NORMAL' }));
  const recorder = await storage.openRecorder({ applicationName: 'orders', setupTables: true });
  onTestFinished(() => recorder.close());
  await recorder.record(6, [{ events, snapshots: [] }]);
  const { path, tables } = oneFile.fileOf(directory, 'orders');
  using database = new DatabaseSync(path);
  database.exec(`update ${tables.events} set ${damage} where notification_id = 2`);
  return recorder;
}

function error(column: string): object {
  return {
    name: 'StorageError',
    code: 'STORAGE_CORRUPT',
    applicationName: 'orders',
    transient: false,
    message: expect.stringMatching(
      new RegExp(
        `'orders'.*shop\\.db.*notification 2 of pipeline 6 is damaged: \`${column}\` is .+\\. Restore`,
      ),
    ),
  };
}

const inCauses = [
  ['cause_name', 'cause_name = null'],
  ['cause_name', 'cause_name = null, cause_id = null'],
  ['cause_id', 'cause_id = null'],
  ['cause_id', 'cause_id = 0'],
  ['cause_id', 'cause_id = -3'],
  ['cause_id', 'cause_id = 1152921504606846976'],
  ['cause_pipeline_id', 'cause_pipeline_id = -1'],
  ['cause_pipeline_id', 'cause_pipeline_id = -9223372036854775808'],
] as const;
const elsewhere = [
  ...["''", "'[[0'", "'null'", "'{}'", "'[[0]]'", "'[[0,1,2]]'", `'[[0,"1"]]'`, "'[[0,1.5]]'"].map(
    (value) => ['dependencies', `dependencies = ${value}`] as const,
  ),
  ...["x''", "x'0a'", 'zeroblob(15)', 'zeroblob(17)', "x'ff80'", "x'ffc328'"].map(
    (value) => ['correlation_id', `correlation_id = ${value}`] as const,
  ),
] as const;

it.each([...inCauses, ...elsewhere])(
  'names the notification with a damaged %s: %s',
  async (column, damage) => {
    const recorder = await recorderOf(damage);
    await expect(recorder.notifications(6, 0, 10)).rejects.toMatchObject(error(column));
    expect(await recorder.notifications(6, 0, 1)).toEqual([{ id: 1, ...events[0] }]);
    expect(await recorder.notifications(6, 2, 10)).toEqual([{ id: 3, ...events[2] }]);
  },
);

it.each(inCauses)('names the notification with a cause that is damaged in %s: %s', async (column, damage) => {
  const recorder = await recorderOf(damage);
  await expect(recorder.causes(6, 0, 10)).rejects.toMatchObject(error(column));
  expect(await recorder.causes(6, 2, 10)).toEqual([events[2]?.cause]);
});

it('shortens a long damaged value', async () => {
  const recorder = await recorderOf(`dependencies = printf('%.5000c', '[')`);
  const { message } = await recorder.notifications(6, 0, 10).then(
    () => new Error(),
    (found: Error) => found,
  );
  expect(message).toContain('[[[[…');
  expect(message.length).toBeLessThan(500);
});
