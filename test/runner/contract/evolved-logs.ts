import { memory, SingleThreadedRunner, type StorageDescription, type System, type SystemRunner } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { expect, test } from 'vitest';
import { assertSound } from '../../support/logs.ts';
import * as earlier from '../../support/systems/evolution/earlier.ts';
import * as later from '../../support/systems/evolution/later.ts';
import { until } from '../../support/until.ts';
import type { RunnerSubject } from './subject.ts';

type Start = (system: System, storage: StorageDescription) => Promise<SystemRunner>;

/** Logs whose events were recorded by an earlier version of the system. */
export function evolvedLogs({ start, createStorage }: RunnerSubject): void {
  test('a newer version reads the log of an earlier one, with the same result on every runner', async () => {
    const storage = createStorage();
    const started = start as unknown as (system: System, options: object) => Promise<SystemRunner>;
    const { histories, entries } = await evolve(storage, (system, storage) => started(system, { storage }));
    const expected = await evolve(memory(), (system, storage) =>
      SingleThreadedRunner.start(system, { storage }),
    );
    expect(histories).toEqual(expected.histories);
    expect(entries).toEqual([
      '1 created ada 500 g', // by the earlier version, which ignored all others of this order
      '5 created bob 1000 g',
      '6 renamed bea',
      '6 moved Rome',
      '8 moved Oslo',
      '9 created cy 700 g',
      '10 moved Bern',
    ]);
    await assertSound(storage, later.system as unknown as System);
  });

  test('a replay finds the types that an earlier event is read as, and no other part of it', async () => {
    const storage = createStorage();
    const started = start as unknown as (system: System, options: object) => Promise<SystemRunner<never>>;
    {
      await using before = await started(earlier.system as unknown as System, { storage });
      const order = earlier.Order.place('bob', 2).change({ name: 'bea', to: 'Rome' }).note('c');
      await (before.get(earlier.Orders as never) as unknown as earlier.Orders).save(
        order.change({ to: 'Oslo' }).change({ name: 'bev' }),
      );
      await before.caughtUp();
    }
    await using runner = await started(later.system as unknown as System, { storage });
    const because = { by: 'ada', reason: 'the journal lists moves' };
    const replayed = async (options: object) => {
      await runner.replay(later.Journal as never, { ...options, ...because });
      await until('the replay has ended', async () => (await runner.status())[1]?.replays === undefined);
      return entriesOf(runner.get(later.Journal as never) as unknown as later.Journal);
    };
    const moves = ['1 created bob 1000 g', '2 moved Rome', '4 moved Oslo'];
    expect(await replayed({ types: ['Order.Moved'] })).toEqual(moves);
    // The name in event 2 is left out: effects of that event are on record.
    expect(await replayed({})).toEqual([...moves, '5 renamed bev']);
    await runner.close();
    await assertSound(storage, later.system as unknown as System);
  });
}

async function entriesOf(journal: later.Journal): Promise<readonly string[]> {
  const entries: string[] = [];
  for await (const { event } of journal.reader())
    entries.push(`${event.cause?.notificationId} ${event.data.what}`);
  return entries;
}

/** Runs the earlier version, records more events with it, and then runs the later one. */
async function evolve(storage: StorageDescription, start: Start) {
  {
    await using runner = await start(earlier.system as unknown as System, storage);
    const order = earlier.Order.place('ada', 1).change({ to: 'Lima' }).note('a').note('b');
    await (runner.get(earlier.Orders as never) as unknown as earlier.Orders).save(order);
    await runner.caughtUp();
  }
  {
    await using orders = await earlier.Orders.open({ storage });
    const order = earlier.Order.place('bob', 2).change({ name: 'bea', to: 'Rome' }).note('c');
    await orders.save(order.change({ to: 'Oslo' }));
  }
  await using runner = await start(later.system as unknown as System, storage);
  const orders = runner.get(later.Orders as never) as unknown as later.Orders;
  const journal = runner.get(later.Journal as never) as unknown as later.Journal;
  await orders.save(later.Order.make('cy', 700).move('Bern'));
  await runner.caughtUp();
  const entries = await entriesOf(journal);
  return { histories: await canonicalHistories([orders, journal], { causes: true }), entries };
}
