import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
  type Interruption,
  MultiprocessRunner,
  MultiThreadedRunner,
  SingleThreadedRunner,
  verify,
} from 'kahn';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { temporarySqlite } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';
import { until } from '../../support/until.ts';
import { Billing, Sale } from '../two-systems.ts';
import { type Silence, SilentServers } from './silent-servers.ts';

// The module of the system reads their address, also in threads and processes.
const servers = await SilentServers.listen(afterAll);
process.env.KAHN_TEST_SILENT_URL = servers.url;
const { office, OwnSales, shops } = await import('./silent-office.ts');

const runners = byTier(
  [SingleThreadedRunner],
  [SingleThreadedRunner, MultiThreadedRunner, MultiprocessRunner],
);
const silences: readonly Silence[] = ['heads', 'sections', 'the end of a section'];

test.each(runners.flatMap((Runner) => silences.map((silence) => ({ Runner, silence }))))(
  `$Runner.name waits for ${shops} servers at once, which do not answer $silence, and goes on when they do`,
  async ({ Runner, silence }) => {
    const storage = temporarySqlite();
    const askers = Runner === SingleThreadedRunner ? 1 : 2; // this thread, and the worker
    let heldAtFirst: readonly number[] | undefined;
    const interrupted = () => {
      heldAtFirst ??= [...servers.held.values()];
    };
    subscribe('kahn:interrupted', interrupted);
    onTestFinished(() => void unsubscribe('kahn:interrupted', interrupted));
    const start = () => Runner.start(office, { storage, pollIntervalMs: 50 });
    /** Starts while the servers are silent. Another sale is billed meanwhile, so that there are `bills`. */
    const startInSilence = async (bills: number) => {
      servers.silence = silence;
      heldAtFirst = undefined;
      await using runner = await start();
      await runner.settled(await runner.get(OwnSales).save(Sale.make(1)));
      expect(await runner.get(Billing).log.head()).toBe(bills);
      await until('the application is interrupted', async () =>
        (await runner.status()).some(({ state }) => state === 'interrupted'),
      );
      // All servers were asked before one of them was given up.
      expect(heldAtFirst).toHaveLength(shops);
      expect(Math.min(...(heldAtFirst ?? []))).toBeGreaterThanOrEqual(askers);
      servers.silence = 'nothing';
    };
    await startInSilence(1);
    {
      await using runner = await start();
      await until('all are billed', async () => (await runner.get(Billing).log.head()) === shops + 1);
    }
    await startInSilence(shops + 2); // with positions behind the first notifications
    expect((await verify(storage, office)).faults).toEqual([]);
  },
  120_000,
);

test('a single thread tries all servers that are away with one delay, which grows', async () => {
  servers.silence = 'heads';
  const tries: number[] = [];
  const interrupted = (event: unknown) =>
    tries.push((event as { readonly interruption: Interruption }).interruption.tries);
  subscribe('kahn:interrupted', interrupted);
  onTestFinished(() => void unsubscribe('kahn:interrupted', interrupted));
  await using runner = await SingleThreadedRunner.start(office, { pollIntervalMs: 50 });
  expect(tries.slice(0, shops)).toEqual(Array.from({ length: shops }, (_, i) => i + 1));
  await runner.close(); // while the servers are silent
});
