import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Click, Clicks } from '../../support/systems/clicks.ts';
import { testedTallies } from '../../support/systems/tallies/tested-tallies.ts';

// A transaction may be open for 3 s.
test.each(testedTallies)(
  'a batch that takes too long is recorded as a whole by a later try: $name',
  async (tested) => {
    const storage = tested.create();
    const table = tested.table();
    await using clicks = await Clicks.open({ storage });
    await using tallies = await tested.Tallies.open({ storage });
    for (const number of [1, 2]) await clicks.save(Click.make(table, number));
    tallies.follow(clicks.log);
    let tries = 0;
    const codes: unknown[] = [];
    tallies.meanwhile = async (number, rows) => {
      if (number !== 2 || tries === 2) return;
      tries += 1;
      await delay(3_300);
      codes.push(
        await tested
          .executedBy(rows)('select 1')
          .catch((error) => error.code),
      );
    };
    expect(await tallies.run()).toBe(2);
    expect(codes).toEqual(['ROWS_TIMED_OUT', 'ROWS_TIMED_OUT']);
    expect((await tallies.marks(table)).map(({ number }) => number)).toEqual([1, 2]);
    expect(await tallies.log.head()).toBe(2);
  },
  60_000,
);
