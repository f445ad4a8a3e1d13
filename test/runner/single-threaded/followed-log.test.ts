import { memory } from 'kahn';
import { expect, test } from 'vitest';
import type { Application } from '../../../src/application/application.ts';
import { FollowedLog } from '../../../src/runner/single-threaded/followed-log.ts';
import { LocalApplication } from '../../../src/runner/single-threaded/local-application.ts';
import { Wait } from '../../../src/runner/single-threaded/wait.ts';
import { Results, Tasks } from './held-tasks.ts';

test('holds more waits than a call takes arguments', async () => {
  const storage = memory();
  await using tasks = await Tasks.open({ storage });
  await using results = await Results.open({ storage });
  const local = (application: Application, index: number) =>
    new LocalApplication(application, index, { resume: () => {}, failed: () => {} });
  const log = new FollowedLog(local(tasks, 0), local(results, 1), ['Task.Added']);
  const finished: Wait[] = [];
  const waits = Array.from({ length: 200_000 }, () => new Wait(finished, () => 'not processed'));
  for (const [i, wait] of waits.entries()) log.track(i, i + 1, wait, true);
  log.drop(waits[0] as Wait);
  log.sawUpTo(waits.length);
  expect(log.takeWaits()).toHaveLength(waits.length - 1);
});
