import { PolicyError } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Click, Clicks } from '../../support/systems/clicks.ts';
import { type TestedTallies, testedTallies } from '../../support/systems/tallies/tested-tallies.ts';

/** Opens a system in which clicks with the numbers are recorded, and not processed yet. */
async function open(
  { Tallies, create, table: tableOf, executedBy }: TestedTallies,
  numbers: readonly number[],
) {
  const storage = create();
  const table = tableOf();
  const opened = new AsyncDisposableStack();
  const clicks = opened.use(await Clicks.open({ storage }));
  const tallies = opened.use(await Tallies.open({ storage }));
  for (const number of numbers) await clicks.save(Click.make(table, number));
  tallies.follow(clicks.log);
  /** Returns the numbers of the rows, after checking that there is an event with the same id for each. */
  const marked = async () => {
    const events = [];
    for await (const { event } of tallies.reader())
      events.push({ number: event.data.number, id: event.originatorId });
    expect(await tallies.marks(table)).toEqual(events);
    return events.map(({ number }) => number);
  };
  return {
    storage,
    table,
    clicks,
    tallies,
    executedBy,
    marked,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function failure(run: Promise<unknown>): Promise<PolicyError> {
  const error = await run.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(PolicyError);
  return error as PolicyError;
}

describe.each(testedTallies)('rows of a policy on $name', (tested) => {
  test('are recorded with the events and the position', async () => {
    await using shop = await open(tested, [1, 2, 3]);
    expect(await shop.tallies.run()).toBe(3);
    expect(await shop.marked()).toEqual([1, 2, 3]);
  });

  test('of a handler that throws are lost with its events, and all before it are recorded', async () => {
    await using shop = await open(tested, [1, 2, 3, 4]);
    shop.tallies.meanwhile = (number) => {
      if (number === 3) throw new Error('no third');
    };
    expect(await failure(shop.tallies.run())).toMatchObject({ notificationId: 3 });
    expect(await shop.marked()).toEqual([1, 2]);
    shop.tallies.meanwhile = () => {};
    await shop.tallies.run();
    expect(await shop.marked()).toEqual([1, 2, 3, 4]);
  });

  test('are written again after a lost race', async () => {
    await using shop = await open(tested, [1, 2]);
    await using other = await tested.Tallies.open({ storage: shop.storage });
    other.follow(shop.clicks.log);
    let isFirst = true;
    shop.tallies.meanwhile = async () => {
      // The other one waits for the transaction of this batch, and finds its position moved.
      if (isFirst) void other.run().catch(() => {});
      isFirst = false;
    };
    await shop.tallies.run();
    await other.run();
    expect(await shop.marked()).toEqual([1, 2]);
  });

  test('fail the handler that ends the transaction, also if it catches the error of its statement', async () => {
    await using shop = await open(tested, [1, 2]);
    shop.tallies.meanwhile = async (number, rows) => {
      if (number === 1) return;
      const execute = shop.executedBy(rows);
      await execute('commit').catch((error) => expect(error).toMatchObject({ code: 'ROWS_REFUSED' }));
      await execute(breaking[tested.name]?.(shop.table) ?? '').catch(() => {});
    };
    const error = await failure(shop.tallies.run());
    expect(error).toMatchObject({
      notificationId: 2,
      cause: { name: 'RowsError', code: 'ROWS_ROLLED_BACK' },
    });
    expect(await shop.marked()).toEqual([1]);
  });

  test('are refused with a handle of an earlier batch, and after the policy has ended', async () => {
    await using shop = await open(tested, [1]);
    const insert = (rows: unknown) => shop.executedBy(rows)(`insert into ${shop.table} (number) values (9)`);
    let kept: unknown;
    let openLater: (() => Promise<unknown>) | undefined;
    shop.tallies.meanwhile = (number, rows, openRows) => {
      if (number > 1) return insert(kept).then(() => {});
      kept = rows;
      openLater = openRows;
    };
    await shop.tallies.run();
    await expect(insert(kept)).rejects.toMatchObject({ code: 'ROWS_ENDED' });
    await expect(openLater?.()).rejects.toMatchObject({ code: 'ROWS_ENDED' });
    await shop.clicks.save(Click.make(shop.table, 2));
    expect(await failure(shop.tallies.run())).toMatchObject({ cause: { code: 'ROWS_ENDED' } });
    expect(await shop.marked()).toEqual([1]);
  });

  test('are not written by a handle that reads', async () => {
    await using shop = await open(tested, [1]);
    await shop.tallies.run();
    const insert = (rows: unknown) => shop.executedBy(rows)(`insert into ${shop.table} (number) values (9)`);
    await expect(shop.tallies.readRows(insert)).rejects.toMatchObject({
      code: 'ROWS_REFUSED',
      message: expect.stringContaining('reads what is recorded. Write rows in the handlers'),
    });
  });
});

/** Statements that fail and end the transaction. */
const breaking: Readonly<Record<string, (table: string) => string>> = {
  memory: (table) => `insert or rollback into ${table} (number) values (1)`,
  sqlite: (table) => `insert or rollback into ${table} (number) values (1)`,
  postgres: (table) => `insert into ${table} (number) values (1)`,
};
