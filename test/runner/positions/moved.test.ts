import { memory, run, System } from 'kahn';
import { StorageError } from 'kahn/storage';
import { expect, test, vi } from 'vitest';
import { applicationInternals } from '../../../src/application/application.ts';
import { processApplicationInternals } from '../../../src/application/process-application.ts';
import { Click, Clicks, Counters } from '../../support/systems/clicks.ts';
import { until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';

test('an application is idle again after its storage failed just when another runner had moved its position', async () => {
  const storage = memory();
  const events = watchRunners();
  await using runner = await run(System.of([[Clicks, Counters]]), { storage });
  await using elsewhere = await Counters.open({ storage });
  const clicks = runner.get(Clicks);
  await clicks.save(Click.ignored()); // its position is recorded at once
  await clicks.save(Click.ignored());
  elsewhere.follow(clicks.log);
  await elsewhere.run();
  await processApplicationInternals.recordPositions(elsewhere);
  const { recorder } = applicationInternals.storeOf(runner.get(Counters));
  const position = vi
    .spyOn(recorder, 'position')
    .mockRejectedValueOnce(new StorageError('STORAGE_BUSY', 'counters', 'busy'));
  await until('the position is read', () => position.mock.calls.length > 0);
  await until('all are idle', async () => (await runner.status()).every(({ state }) => state === 'idle'));
  expect(events.filter(({ kind }) => kind === 'interrupted')).toHaveLength(1);
});
