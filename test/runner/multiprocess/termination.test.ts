import { type ForkOptions, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';
import { patient } from '../../support/until.ts';
import { isRaised, lower, raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';
import type { HostMessage, HostTask } from './host.ts';
import { isRunning, startHost, untilGone } from './start-host.ts';

const program = new URL('./host.ts', import.meta.url);
const { create } = storages.find(({ name }) => name === 'sqlite')!;
const [, Reservations] = shop.applications;

beforeEach(() => storeFlagsIn(temporaryDirectory()));

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s ends the process after the step under way, with the exit status of the signal',
  async (signal) => {
    const storage = create();
    const host = await startHost({ storage, pipelineIds: [0], isHeld: true });
    raise('hold');
    await host.send({ kind: 'place', customers: ['ada'], pipelineId: 0 });
    await vi.waitUntil(() => isRaised('held'), patient);
    // Like Ctrl-C, which reaches the processes of the host, too.
    if (signal === 'SIGINT') process.kill(-host.process.pid!, signal);
    else host.process.kill(signal);
    await vi.waitUntil(() => host.pids.filter(isRunning).length === 1, patient);
    expect(isRunning(host.process.pid!)).toBe(true);
    lower('hold');
    expect(await host.ended).toEqual([null, signal]);
    await untilGone(host.pids);
    await using reservations = await shop.open(Reservations!, { storage });
    expect(await reservations.log.head()).toBe(1);
  },
);

test('commands under way do not reject before the process ends', async () => {
  const host = await startHost({ storage: create(), pipelineIds: [0, 1] });
  await host.send({ kind: 'load' });
  host.process.kill('SIGTERM');
  expect(await host.ended).toEqual([null, 'SIGTERM']);
  await untilGone(host.pids);
});

test('a process that does not exit in time is killed', async () => {
  const host = await startHost({
    storage: create(),
    pipelineIds: [0],
    isHeld: true,
    drainTimeoutMs: 300,
  });
  raise('block');
  await host.send({ kind: 'place', customers: ['ada'], pipelineId: 0 });
  await vi.waitUntil(() => isRaised('blocked'), patient);
  host.process.kill('SIGTERM');
  expect(await host.ended).toEqual([null, 'SIGTERM']);
  await untilGone(host.pids);
});

test('a second signal ends the process at once, and its processes exit', async () => {
  const host = await startHost({
    storage: create(),
    pipelineIds: [0],
    isHeld: true,
    drainTimeoutMs: 100_000,
  });
  raise('block');
  await host.send({ kind: 'place', customers: ['ada'], pipelineId: 0 });
  await vi.waitUntil(() => isRaised('blocked'), patient);
  host.process.kill('SIGTERM');
  await vi.waitUntil(() => host.pids.filter(isRunning).length === 1, patient);
  host.process.kill('SIGTERM');
  expect(await host.ended).toEqual([null, 'SIGTERM']);
  await untilGone(host.pids);
});

test('a program that listens for the signal decides when to exit', async () => {
  const storage = create();
  const host = await startHost({ storage, pipelineIds: [0], listens: true });
  raise('wait');
  const received = host.nextMessage();
  host.process.kill('SIGTERM');
  expect(await received).toBe('received SIGTERM');
  await host.send({ kind: 'place', customers: ['ada'], pipelineId: 0 });
  await host.send({ kind: 'caughtUp' });
  expect(host.pids.filter(isRunning)).toEqual(host.pids);
  const said = host.nextMessage();
  lower('wait');
  const id = (await said) as string;
  expect(await host.ended).toEqual([7, null]);
  await untilGone(host.pids);
  await using orders = await shop.open(Orders, { storage });
  expect((await orders.get(id)).id).toBe(id);
});

test('a library that ends the program if it is the only listener for the signal can do so', async () => {
  const host = await startHost({ storage: create(), pipelineIds: [0], exitsIfAlone: true });
  host.process.kill('SIGTERM');
  expect(await host.ended).toEqual([null, 'SIGTERM']);
  await untilGone(host.pids);
});

/** Starts a host through another command; resolves with its exit and its output. */
async function endOf(task: HostTask, options: ForkOptions, order?: HostMessage) {
  const stdio: ForkOptions['stdio'] = ['ignore', 'ignore', 'pipe', 'ipc'];
  const child = fork(program, [JSON.stringify(task)], {
    execArgv: ['--conditions=kahn-source'],
    ...options,
    stdio,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  if (order !== undefined) child.once('message', () => child.send(order));
  const [how, said] = await Promise.all([once(child, 'exit'), text(child.stderr!)]);
  return { how, said };
}

test('a signal during the start ends the process without an error', async () => {
  const task = { storage: create(), pipelineIds: [0], endsAtStart: true };
  expect(await endOf(task, {})).toEqual({ how: [null, 'SIGTERM'], said: '' });
});

// The kernel ignores signals without a listener in the first process of a container.
const alone = ['--pid', '--fork', '--kill-child', '--mount-proc'];
const canBeFirst = spawnSync('unshare', [...alone, 'true']).status === 0;

test.skipIf(!canBeFirst)(
  'the first process of a container ends, too (skipped where unshare is not permitted)',
  async () => {
    const execArgv = [...alone, process.execPath, '--conditions=kahn-source'];
    const task = { storage: create(), pipelineIds: [0] };
    const end = await endOf(task, { execPath: 'unshare', execArgv }, { kind: 'terminate' });
    expect(end).toEqual({ how: [143, null], said: '' });
  },
);

test('a process that receives SIGTERM finishes its step and is replaced', async () => {
  const storage = create();
  const host = await startHost({ storage, pipelineIds: [0] });
  for (const pid of host.pids) process.kill(pid, 'SIGTERM');
  await untilGone(host.pids);
  await host.send({ kind: 'place', customers: ['ada', 'bob'], pipelineId: 0 });
  await host.send({ kind: 'caughtUp' });
  await host.send({ kind: 'close' });
  await using reservations = await shop.open(Reservations!, { storage });
  expect(await reservations.log.head()).toBe(2);
});
