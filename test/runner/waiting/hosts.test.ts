import { fork } from 'node:child_process';
import { once } from 'node:events';
import { MultiprocessRunner } from 'kahn';
import { expect, onTestFinished, test } from 'vitest';
import { storages } from '../../support/storages.ts';
import { hitsOf, Ping, Pong, rallies, Umpire } from '../../support/systems/rallies.ts';
import { inTime } from '../../support/until.ts';

const shared = storages.filter(({ name }) => name !== 'memory');

test.each(shared)('a save is settled by applications on two hosts, on $name', async ({ name, create }) => {
  const storage = create();
  // PostgreSQL prompts by NOTIFY; hosts on SQLite have to poll.
  const options = { storage, pollIntervalMs: name === 'postgres' ? 2 ** 30 : 20 };
  await using runner = await MultiprocessRunner.start(rallies, { ...options, applications: [Ping] });
  const host = fork(new URL('./rally-host.ts', import.meta.url), [JSON.stringify(options)], {
    execArgv: ['--conditions=kahn-source'],
  });
  const ended = once(host, 'exit');
  onTestFinished(async () => {
    host.disconnect();
    await ended;
  });
  await once(host, 'message', { signal: inTime() });
  const players = [runner.get(Ping), runner.get(Pong)];
  await players[0]!.serve(2 ** 40); // goes on as long as both hosts run
  for (const times of [1, 2]) {
    const saved = await players[0]!.serve(4, times);
    await runner.processed(saved, { by: Umpire, signal: inTime() });
    await runner.settled(saved, { signal: inTime() });
    expect(await hitsOf(players, saved.correlationId)).toBe(times === 1 ? 5 : 31);
  }
});

test('a save waits for an application that no host runs, until it is aborted', async () => {
  await using runner = await MultiprocessRunner.start(rallies, {
    storage: shared[0]!.create(),
    applications: [Ping],
  });
  const saved = await runner.get(Ping).serve(1);
  await expect(runner.settled(saved, { signal: AbortSignal.timeout(300) })).rejects.toThrow();
});
