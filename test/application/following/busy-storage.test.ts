import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { sqlite } from 'kahn/sqlite';
import { expect, test } from 'vitest';
import { processApplicationInternals } from '../../../src/application/process-application.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { Click, Clicks, Counters } from '../../support/systems/clicks.ts';

test.each(['ignored', 'handled'])(
  'a follower waits while another writer is busy (%s event)',
  async (kind) => {
    const directory = temporaryDirectory();
    const storage = sqlite({ directory, busyTimeoutMs: 0 });
    await using clicks = await Clicks.open({ storage });
    await using counters = await Counters.open({ storage });
    counters.follow(clicks.log);
    await clicks.save(kind === 'ignored' ? Click.ignored() : Click.make('a', 1));
    using other = new DatabaseSync(join(directory, 'counters.sqlite'));
    other.exec('begin immediate');
    setTimeout(() => other.exec('rollback'), 30);
    await counters.run();
    await processApplicationInternals.recordPositions(counters);
    using reader = new DatabaseSync(join(directory, 'counters.sqlite'), { readOnly: true });
    expect(reader.prepare('select position from positions').all()).toMatchObject([{ position: 1 }]);
  },
);

test('reports storage that stays busy', async () => {
  const directory = temporaryDirectory();
  const storage = sqlite({ directory, busyTimeoutMs: 0 });
  await using clicks = await Clicks.open({ storage });
  await using counters = await Counters.open({ storage });
  counters.follow(clicks.log);
  await clicks.save(Click.make('a', 1));
  using other = new DatabaseSync(join(directory, 'counters.sqlite'));
  other.exec('begin immediate');
  await expect(counters.run()).rejects.toMatchObject({ code: 'STORAGE_BUSY', applicationName: 'counters' });
  other.exec('rollback');
  expect(await counters.run()).toBe(1);
});
