import { MultiprocessRunner, type System } from 'kahn';
import { expect, test } from 'vitest';
import { assertContiguous, assertSound } from '../../support/logs.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { Click, Clicks } from '../../support/systems/clicks.ts';
import { talliesInPostgres, talliesInSqlite } from '../../support/systems/tallies/tested-tallies.ts';
import { byTier } from '../../support/tier.ts';
import { until } from '../../support/until.ts';
import { raise, storeFlagsIn, take } from '../multi-threaded/file-flags.ts';
import { dyingInPostgres, dyingInSqlite, moments } from './dying-tallies.ts';

const cases = [
  { tested: talliesInSqlite, system: dyingInSqlite },
  { tested: talliesInPostgres, system: dyingInPostgres as unknown as typeof dyingInSqlite },
];

test.each(byTier(cases.slice(0, 1), cases))(
  'rows and events agree after kills at any moment, in $tested.name',
  async ({ tested, system }) => {
    storeFlagsIn(temporaryDirectory());
    const storage = tested.create();
    const table = tested.table();
    const [, Tallies] = system.applications as unknown as [typeof Clicks, typeof tested.Tallies];
    await using runner = await MultiprocessRunner.start(system, { storage });
    const tallies = runner.get(Tallies);
    let number = 0;
    for (const moment of byTier(moments.slice(0, 2), [...moments, ...moments])) {
      raise(moment);
      for (const last = number + 5; number < last; ) {
        number += 1;
        await runner.get(Clicks).save(Click.make(table, number));
      }
      await until(
        `all are recorded after the kill '${moment}'`,
        async () => (await tallies.log.head()) === number,
      );
      expect(take(moment)).toBe(false);
    }
    await assertContiguous(tallies);
    const events = [];
    for await (const { event } of tallies.reader())
      events.push({ number: event.data.number, id: event.originatorId });
    expect(events.map((event) => event.number)).toEqual(Array.from({ length: number }, (_, i) => i + 1));
    expect(await tallies.marks(table)).toEqual(events);
    await assertSound(storage, system as unknown as System);
  },
);
