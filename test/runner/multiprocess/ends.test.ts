import type { ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { MultiprocessRunner } from 'kahn';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';
import { until } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { watchProcesses } from '../../support/watchers/processes.ts';
import { isRaised, raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';
import { troubledShop } from './troubled-shop.ts';

const { create } = storages.find(({ name }) => name === 'sqlite')!;

beforeEach(() => storeFlagsIn(temporaryDirectory()));

/** Runs a process in which this fault happens. */
async function runWith(sign: string) {
  const processes = watchProcesses();
  const events = watchRunners();
  const runner = await MultiprocessRunner.start(troubledShop, { storage: create() });
  onTestFinished(() => runner.close());
  raise(sign);
  await runner.get(Orders).place('ada');
  await runner.caughtUp();
  const [child] = processes as ReadonlySet<ChildProcess>;
  const restart = async () => {
    await until('it runs again', () => events.some(({ kind }) => kind === 'restarted'));
    return events.find(({ kind }) => kind === 'restarted');
  };
  return { runner, child, restart };
}

test('a process that closes runs its exit handlers', async () => {
  const { runner } = await runWith('linger');
  await runner.close();
  expect(isRaised('exited')).toBe(true);
});

test('a process that receives SIGTERM runs its exit handlers, and the exit is reported', async () => {
  const { child, restart } = await runWith('linger');
  child?.kill('SIGTERM');
  const error = { message: 'exited normally' };
  expect(await restart()).toMatchObject({ applicationName: 'reservations', error });
  expect(isRaised('exited')).toBe(true);
});

test.runIf(existsSync('/proc/self/cmdline'))(
  'a process is named after its application and pipeline',
  async () => {
    const { child } = await runWith('nothing');
    expect(readFileSync(`/proc/${child?.pid}/cmdline`, 'utf8')).toMatch(/^kahn reservations 0/);
  },
);

test('an error that a process survived is not reported as the cause of a later exit', async () => {
  const { child, restart } = await runWith('survive');
  child?.kill('SIGKILL');
  expect(await restart()).toMatchObject({ error: { message: 'was killed by SIGKILL' } });
});
