import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { run, type StorageDescription } from 'kahn';
import { expect, onTestFinished, test } from 'vitest';
import { applicationInternals } from '../../src/application/application.ts';
import { assertContiguous, assertSound } from '../support/logs.ts';
import { randomNumbers } from '../support/random-numbers.ts';
import { seed } from '../support/seed.ts';
import { storages } from '../support/storages.ts';
import { Ledger, Orders, system } from '../support/systems/versions/after.ts';
import { byTier } from '../support/tier.ts';
import { inTime, until } from '../support/until.ts';
import type { VersionTask } from './version-host.ts';

const program = new URL('./version-host.ts', import.meta.url);

/** Starts a process of one version. */
async function startVersion(task: VersionTask): Promise<ChildProcess> {
  const child = fork(program, [JSON.stringify(task)], { execArgv: ['--conditions=kahn-source'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code]) => {
    if (code !== null) throw new Error(`Version '${task.version}' ended with code ${code}.`);
  });
  await Promise.race([once(child, 'message', { signal: inTime() }), ended]);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  expect(child.exitCode).toBe(null); // it has not failed
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** Ids of the notifications of each type, and the versions of the ledger that made an entry for each. */
async function entriesOf(orders: Orders, ledger: Ledger) {
  const versions = new Map<number, string[]>();
  for await (const { event } of ledger.reader()) {
    const id = event.cause?.notificationId ?? 0;
    versions.set(id, [...(versions.get(id) ?? []), event.data.version]);
  }
  const entries: { id: number; type: string; versions: readonly string[] }[] = [];
  for await (const { id, event } of orders.reader())
    entries.push({ id, type: event.type, versions: versions.get(id) ?? [] });
  return Map.groupBy(entries, ({ type }) => type);
}

const kills = byTier(3, 25);
const runners: readonly VersionTask['runner'][] = byTier(
  ['SingleThreadedRunner'],
  ['SingleThreadedRunner', 'MultiThreadedRunner', 'MultiprocessRunner'],
);

/** Runs the version before, then both versions, one of which is killed again and again. Returns the position between. */
async function deploy(
  runner: VersionTask['runner'],
  storage: StorageDescription,
  random: () => number,
): Promise<number> {
  await using orders = await system.open(Orders, { storage });
  await using ledger = await system.open(Ledger, { storage });
  const grows = async (by: number) => {
    const target = (await orders.log.head()) + by;
    await until('the log has grown', async () => (await orders.log.head()) >= target);
  };
  const versions = { before: await startVersion({ version: 'before', storage, runner }) } as Record<
    VersionTask['version'],
    ChildProcess
  >;
  await grows(20 + random() * 20);
  versions.after = await startVersion({ version: 'after', storage, runner });
  const { recorder } = applicationInternals.storeOf(ledger);
  const { position } = await recorder.position(0, 'orders');
  for (let killed = 0; killed < kills; killed += 1) {
    await grows(random() * 60);
    const version = random() < 0.5 ? 'before' : 'after';
    await kill(versions[version]);
    versions[version] = await startVersion({ version, storage, runner });
  }
  await grows(20);
  await Promise.all(Object.values(versions).map(kill));
  return position;
}

const subjects = storages.filter(({ name }) => name !== 'memory');

for (const name of runners) {
  test.each(subjects)(
    `no event that a newer version handles is passed by an older one, with ${kills} kills of a ${name}, on $name`,
    async ({ create }) => {
      const storage = create();
      const position = await deploy(name, storage, randomNumbers(seed));
      await using runner = await run(system.bind(storage));
      await runner.caughtUp();
      await assertSound(storage, system);
      const [orders, ledger] = [runner.get(Orders), runner.get(Ledger)];
      await assertContiguous(orders);
      const entries = await entriesOf(orders, ledger);
      const made = entries.get('Order.Made') ?? [];
      expect(made.filter(({ versions }) => versions.length !== 1)).toEqual([]);
      expect(new Set(made.flatMap(({ versions }) => versions))).toEqual(new Set(['before', 'after']));
      const cancelled = entries.get('Order.Cancelled') ?? [];
      expect(cancelled.length).toBeGreaterThan(0);
      expect(cancelled.filter(({ versions }) => `${versions}` !== 'after')).toEqual([]);
      const paid = entries.get('Order.Paid') ?? [];
      const first = paid.findIndex(({ versions }) => versions.length > 0);
      expect(first).toBeGreaterThan(0); // the version before has ignored some before the other one started
      expect(paid[first]?.id).toBeLessThanOrEqual(paid.find(({ id }) => id > position)?.id ?? 0);
      expect(paid.slice(first).filter(({ versions }) => `${versions}` !== 'after')).toEqual([]);
    },
  );
}
