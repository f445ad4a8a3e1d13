import { fork } from 'node:child_process';
import { once } from 'node:events';
import { SingleThreadedRunner, type StorageDescription } from 'kahn';
import { expect, onTestFinished, test } from 'vitest';
import { shop } from '../../../examples/shop/shop.ts';
import { assertSound } from '../../support/logs.ts';
import { storages } from '../../support/storages.ts';
import { inTime } from '../../support/until.ts';
import { watchRunners } from '../../support/watchers/events.ts';
import { everything, headsAndPositions } from '../contract/subject.ts';
import { type HostTask, placed } from './host.ts';

const shared = storages.filter(({ name }) => name !== 'memory');
const kinds = ['single', 'threads', 'processes'] as const;
const cases = shared.flatMap(({ name, create }) => kinds.map((kind) => [kind, name, create] as const));

/** Starts a host, and resolves when its orders are done. */
async function runHost(task: HostTask): Promise<void> {
  const host = fork(new URL('./host.ts', import.meta.url), [JSON.stringify(task)], {
    execArgv: ['--conditions=kahn-source'],
  });
  const ended = once(host, 'exit');
  onTestFinished(async () => {
    if (host.connected) host.disconnect();
    await ended;
  });
  if (task.isKilled) await ended;
  else await once(host, 'message', { signal: inTime() });
}

/** Resolves with the number of notifications that a runner processes when it starts, and with the logs afterwards. */
async function catchUp(storage: StorageDescription) {
  const events = watchRunners();
  await using runner = await SingleThreadedRunner.start(shop, { storage });
  await runner.caughtUp();
  const after = await headsAndPositions(runner);
  for (const { upstreams } of await runner.status())
    for (const upstream of upstreams) expect(upstream).toMatchObject({ lag: 0, fitsLog: true });
  const processed = events.reduce((sum, one) => sum + (one.kind === 'processed' ? one.count : 0), 0);
  return { ...after, processed };
}

test.each(cases)(
  'caughtUp() resolves beside a host that has not recorded its last positions: %s on %s',
  async (kind, _name, create) => {
    const storage = create();
    await runHost({ kind, storage, isKilled: false });
    const { heads, positions } = await catchUp(storage);
    expect({ heads, positions }).toEqual(everything(placed));
  },
);

test.each(cases)(
  'a host that is killed before it has recorded its last positions repeats ignored events only: %s on %s',
  async (kind, _name, create) => {
    const storage = create();
    await runHost({ kind, storage, isKilled: true });
    const { heads, positions, processed } = await catchUp(storage);
    expect({ heads, positions }).toEqual(everything(placed));
    expect(processed).toBeLessThanOrEqual(4 * placed); // of each order, each of two applications ignores two events
    await assertSound(storage);
  },
);
