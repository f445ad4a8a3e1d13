import { listOperations, MultiprocessRunner, run, type SystemRunner } from 'kahn';
import { expect, test, vi } from 'vitest';
import { raise, storeFlagsIn, take } from '../../../runner/multi-threaded/file-flags.ts';
import { assertContiguous, assertSound } from '../../../support/logs.ts';
import { storages, temporaryDirectory, temporarySqlite } from '../../../support/storages.ts';
import { type Apps, Orders } from '../../../support/systems/invoicing.ts';
import { patient } from '../../../support/until.ts';
import { watchRunners } from '../../../support/watchers/events.ts';
import { DyingInvoices, dyingInvoicing, moments, secondEvent } from './dying-invoices.ts';

const because = { by: 'ada', reason: 'drill' };
/** Events that each replay and each reset handles again. */
const stretch = 8;

/** Returns a wait until nothing is processed again, which rejects at once if an application fails. */
function waitForRepetitions(runner: SystemRunner<Apps>): () => Promise<void> {
  const events = watchRunners();
  return async () => {
    const failure = await vi.waitFor(async () => {
      const failed = events.find((event) => event.kind === 'failed');
      if (failed !== undefined) return failed;
      const [, { state, replays, upstreams } = {}] = await runner.status();
      expect({ state, replays, lag: upstreams?.[0]?.lag }).toEqual({ state: 'idle', lag: 0 });
    }, patient);
    if (failure !== undefined) throw failure.error;
  };
}

test.each(storages.filter(({ name }) => name !== 'memory'))(
  'workers killed in replays and resets handle each event once, and end each replay once, on $name',
  async ({ create }) => {
    storeFlagsIn(temporaryDirectory());
    const storage = create();
    const skipped = 2 * moments.length * stretch;
    {
      await using orders = await dyingInvoicing.open(Orders, { storage });
      await orders.place(...Array.from({ length: skipped / 2 }, (_, i) => `customer ${i}`));
    }
    await (await run(dyingInvoicing, { storage })).close(); // the invoices leave these orders out
    const options = { storage, batchSize: 3 };
    await using runner = await MultiprocessRunner.start(dyingInvoicing, options);
    const invoices = runner.get(DyingInvoices);
    let placed = skipped;
    const repeated = waitForRepetitions(runner);
    for (const [i, moment] of moments.entries()) {
      raise(moment);
      await runner.replay(DyingInvoices, { from: i * stretch + 1, to: (i + 1) * stretch, ...because });
      await runner.get(Orders).place('new customer');
      placed += 2;
      await repeated();
      expect(take(moment)).toBe(false);
    }
    for (const [i, moment] of moments.toReversed().entries()) {
      raise(moment);
      await runner.reset(DyingInvoices, { at: skipped - (i + 1) * stretch, ...because });
      await runner.get(Orders).place('new customer');
      placed += 2;
      await repeated();
      expect(take(moment)).toBe(false);
    }
    await assertContiguous(invoices);
    const causes: number[] = [];
    for await (const { event } of invoices.reader()) causes.push(event.cause?.notificationId ?? 0);
    expect(causes.toSorted((a, b) => a - b)).toEqual(Array.from({ length: placed }, (_, i) => i + 1));
    const kinds: string[] = [];
    for await (const { kind } of listOperations(storage, dyingInvoicing)) kinds.push(kind);
    expect(kinds).toEqual([
      'begin',
      ...moments.flatMap(() => ['replay', 'replay-end']),
      ...moments.map(() => 'reset'),
    ]);
    await assertSound(storage, dyingInvoicing);
  },
);

test.each(['replay', 'reset'] as const)(
  'a worker that dies again and again in a %s is replaced as long as it records progress',
  async (repetition) => {
    storeFlagsIn(temporaryDirectory());
    const storage = temporarySqlite();
    const deaths = 7; // a worker without progress is replaced five times
    const skipped = 2 * (deaths + 1);
    {
      await using orders = await dyingInvoicing.open(Orders, { storage });
      await orders.place(...Array.from({ length: skipped / 2 }, (_, i) => `customer ${i}`));
    }
    await (await run(dyingInvoicing, { storage })).close(); // the invoices leave these orders out
    await using runner = await MultiprocessRunner.start(dyingInvoicing, { storage, batchSize: 1 });
    const repeated = waitForRepetitions(runner);
    raise(secondEvent, deaths);
    if (repetition === 'replay') await runner.replay(DyingInvoices, because);
    else await runner.reset(DyingInvoices, { at: 'start', ...because });
    await repeated();
    expect(take(secondEvent)).toBe(false);
    expect(await runner.get(DyingInvoices).log.head()).toBe(skipped);
  },
);
