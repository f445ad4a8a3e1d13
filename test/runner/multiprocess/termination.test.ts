import { type ForkOptions, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { storages, temporaryDirectory } from '../../support/storages.ts';
import { patient } from '../../support/until.ts';
import { isRaised, lower, putSignsInto, raise } from '../multi-threaded/file-flags.ts';
import type { HostOrder, HostTask } from './host.ts';
import { isRunning, startHost, untilGone } from './start-host.ts';

const program = new URL('./host.ts', import.meta.url);
const { create } = storages.find(({ name }) => name === 'sqlite')!;
const [, Reservations] = shop.applications;

beforeEach(() => putSignsInto(temporaryDirectory()));

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s lets the step under way end, and then the process as if nobody had listened',
  async (signal) => {
    const storage = create();
    const host = await startHost({ storage, pipelineIds: [0], isHeld: true });
    raise('hold');
    await host.told({ kind: 'place', customers: ['ada'], pipelineId: 0 });
    await vi.waitUntil(() => isRaised('held'), patient);
    // As Ctrl-C, which reaches the processes of the host, too.
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

test('under load, whoever waits for a command learns of nothing: the process just ends', async () => {
  const host = await startHost({ storage: create(), pipelineIds: [0, 1] });
  await host.told({ kind: 'load' });
  host.process.kill('SIGTERM');
  expect(await host.ended).toEqual([null, 'SIGTERM']);
  await untilGone(host.pids);
});

test('a process that does not come to an end in time is killed', async () => {
  const host = await startHost({
    storage: create(),
    pipelineIds: [0],
    isHeld: true,
    drainTimeoutMs: 300,
  });
  raise('block');
  await host.told({ kind: 'place', customers: ['ada'], pipelineId: 0 });
  await vi.waitUntil(() => isRaised('blocked'), patient);
  host.process.kill('SIGTERM');
  expect(await host.ended).toEqual([null, 'SIGTERM']);
  await untilGone(host.pids);
});

test('a second signal ends the process at once, and its processes end by themselves', async () => {
  const host = await startHost({
    storage: create(),
    pipelineIds: [0],
    isHeld: true,
    drainTimeoutMs: 100_000,
  });
  raise('block');
  await host.told({ kind: 'place', customers: ['ada'], pipelineId: 0 });
  await vi.waitUntil(() => isRaised('blocked'), patient);
  host.process.kill('SIGTERM');
  await vi.waitUntil(() => host.pids.filter(isRunning).length === 1, patient);
  host.process.kill('SIGTERM');
  expect(await host.ended).toEqual([null, 'SIGTERM']);
  await untilGone(host.pids);
});

test('a program that listens for the signal decides by itself what to do', async () => {
  const storage = create();
  const host = await startHost({ storage, pipelineIds: [0], listens: true });
  raise('wait');
  const told = host.said();
  host.process.kill('SIGTERM');
  expect(await told).toBe('told to end');
  await host.told({ kind: 'place', customers: ['ada'], pipelineId: 0 });
  await host.told({ kind: 'caughtUp' });
  expect(host.pids.filter(isRunning)).toEqual(host.pids);
  const said = host.said();
  lower('wait');
  const id = (await said) as string;
  expect(await host.ended).toEqual([7, null]);
  await untilGone(host.pids);
  await using orders = await shop.open(Orders, { storage });
  expect((await orders.get(id)).id).toBe(id);
});

test('a library that ends the program when nobody else listens for the signal can do so', async () => {
  const host = await startHost({ storage: create(), pipelineIds: [0], exitsIfAlone: true });
  host.process.kill('SIGTERM');
  expect(await host.ended).toEqual([null, 'SIGTERM']);
  await untilGone(host.pids);
});

/** Starts a host by other means, and resolves with how it ends, if need be when it has been told to, and what it says. */
async function endOf(task: HostTask, options: ForkOptions, order?: HostOrder) {
  const stdio: ForkOptions['stdio'] = ['ignore', 'ignore', 'pipe', 'ipc'];
  const child = fork(program, [JSON.stringify(task)], {
    execArgv: ['--conditions=source'],
    ...options,
    stdio,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  if (order !== undefined) child.once('message', () => child.send(order));
  const [how, said] = await Promise.all([once(child, 'exit'), text(child.stderr!)]);
  return { how, said };
}

test('one that is told to end while a runner starts just ends', async () => {
  const task = { storage: create(), pipelineIds: [0], endsAtStart: true };
  expect(await endOf(task, {})).toEqual({ how: [null, 'SIGTERM'], said: '' });
});

// The first process of a container is spared by signals that nobody listens for.
const alone = ['--pid', '--fork', '--kill-child', '--mount-proc'];
const canBeFirst = spawnSync('unshare', [...alone, 'true']).status === 0;

test.skipIf(!canBeFirst)(
  'the first process of a container ends, too (skipped where unshare may not make one)',
  async () => {
    const execArgv = [...alone, process.execPath, '--conditions=source'];
    const task = { storage: create(), pipelineIds: [0] };
    const end = await endOf(task, { execPath: 'unshare', execArgv }, { kind: 'terminate' });
    expect(end).toEqual({ how: [143, null], said: '' });
  },
);

test('SIGTERM to one of the processes ends its step, and it is started again', async () => {
  const storage = create();
  const host = await startHost({ storage, pipelineIds: [0] });
  for (const pid of host.pids) process.kill(pid, 'SIGTERM');
  await untilGone(host.pids);
  await host.told({ kind: 'place', customers: ['ada', 'bob'], pipelineId: 0 });
  await host.told({ kind: 'caughtUp' });
  await host.told({ kind: 'close' });
  await using reservations = await shop.open(Reservations!, { storage });
  expect(await reservations.log.head()).toBe(2);
});
