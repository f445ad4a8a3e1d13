import { getEventListeners } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { storages } from '../../support/storages.ts';
import { allSupervisedSubjects, type SupervisedSubject, threads } from '../../support/supervised-runners.ts';
import { patient } from '../../support/until.ts';
import { heldReserving } from '../multi-threaded/held-shop.ts';

const subjects = [
  ...allSupervisedSubjects,
  ...storages.filter(({ name }) => name === 'postgres').map((storage) => ({ ...threads, ...storage })),
];
const roundsOf = ({ kind, name }: SupervisedSubject) => (kind === 'process' || name === 'postgres' ? 10 : 50);

/** Open handles and files of this process. */
function openNow() {
  const resources = process.getActiveResourcesInfo();
  const count = (kind: string) => resources.filter((resource) => resource === kind).length;
  return {
    threads: readdirSync('/proc/self/task').length,
    files: readdirSync('/proc/self/fd').length,
    ports: count('MessagePort'),
    timers: count('Timeout'),
    resources: resources.length,
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

/** Starts, uses and closes a runner a number of times. */
async function runRounds({ kind, start, create }: SupervisedSubject, rounds: number, signal: AbortSignal) {
  const system = heldReserving.bind(create());
  const clock = kind === 'thread' ? { clockSpeed: 1_000 } : {};
  for (let i = 0; i < rounds; i += 1) {
    await using runner = await start(system, { signal, ...clock });
    await runner.get(Orders).place('ada');
    await runner.caughtUp({ signal });
  }
}

test.runIf(existsSync('/proc/self/task'))('repeated starts and closes leave nothing behind', async () => {
  const { signal } = new AbortController();
  const workers = allSupervisedSubjects.map(({ watch }) => watch());
  // All at the same time, because a start uses only one core.
  const runAll = (rounds: (subject: SupervisedSubject) => number) =>
    Promise.all(subjects.map((subject) => runRounds(subject, rounds(subject), signal)));
  await runAll(() => 2);
  const before = openNow();
  await runAll(roundsOf);
  for (const running of workers) expect(running.size).toBe(0);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  // Sockets are closed a little later.
  await vi.waitFor(() => {
    const after = openNow();
    for (const [what, count] of Object.entries(before)) {
      expect(after[what as keyof typeof after], what).toBeLessThanOrEqual(count);
    }
  }, patient);
});
